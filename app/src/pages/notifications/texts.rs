//! The words of the page about notifications.

use crate::{components::Column, contract::MessageKind};

pub(crate) const TITLE: &str = "Notifications";
pub(crate) const LEDE: &str = "Choose where you hear of what happens in your account. What is about security goes to every \
     confirmed channel, at any hour.";
pub(crate) const AWAY: &str = "Does not work now";
pub(crate) const EMPTY_TITLE: &str = "No channels yet";
pub(crate) const EMPTY: &str =
    "Add your mail address, or another way to reach you. You confirm it with a code.";
pub(crate) const ADD: &str = "Add a channel";
pub(crate) const CARRIER: &str = "Messages go by";
pub(crate) const ADDRESS: &str = "Address";
pub(crate) const ADDRESS_HINT: &str = "For mail, your mail address. A chat such as Telegram needs none: you get a link to open instead.";
pub(crate) const ADD_BUTTON: &str = "Add the channel";
pub(crate) const QUIET: &str = "Quiet hours";
pub(crate) const QUIET_TEXT: &str = "Messages wait until they end, but for those about security. Leave both times empty to have none.";
pub(crate) const BEGINS: &str = "From";
pub(crate) const BEGINS_HINT: &str = "A time of the day, such as 22:00.";
pub(crate) const ENDS: &str = "Until";
pub(crate) const ZONE: &str = "Time zone";
pub(crate) const ZONE_HINT: &str = "Continent and city, such as Europe/Berlin.";
pub(crate) const QUIET_BUTTON: &str = "Save the quiet hours";
pub(crate) const MESSAGES: &str = "Recent messages";
pub(crate) const NO_MESSAGES: &str = "Nothing was sent yet.";
pub(crate) const WHAT: Column = ("Message", false);
pub(crate) const BY: Column = ("By", false);
pub(crate) const KIND: Column = ("About", false);
pub(crate) const WHEN: Column = ("When", false);
pub(crate) const STATE: Column = ("State", false);
pub(crate) const COLUMNS: &[Column] = &[WHAT, BY, KIND, WHEN, STATE];

/// Why nobody can be reached: it is not set up, or stopped.
pub(crate) fn no_carrier(stopped: bool) -> (&'static str, &'static str) {
    if stopped {
        return (
            "You cannot be reached at the moment",
            "What carries messages here is stopped until the people who run this service look at \
             it. Come back later.",
        );
    }
    (
        "There is no way to reach you yet",
        "Whoever runs this service has not set up mail or anything like it.",
    )
}

/// What a kind of message is about.
pub(crate) fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Security => "Security",
        MessageKind::Usage => "Data that you use",
        MessageKind::Service => "Your account and your locations",
        MessageKind::Billing => "Payments",
    }
}

/// What a channel gets.
pub(crate) fn kinds(kinds: &[MessageKind]) -> String {
    let all = std::iter::once(MessageKind::Security).chain(kinds.iter().copied());
    all.map(kind).collect::<Vec<_>>().join(" · ")
}

/// Why none can be added.
pub(crate) fn full(limit: u32) -> String {
    format!("You have {limit} channels, and more is not possible. Remove one to add another.")
}
