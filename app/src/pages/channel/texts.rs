//! The words of a channel's page.

use crate::contract::{ChannelState, Unreachable};

pub(crate) const CONFIRM: &str = "Confirm this channel";
pub(crate) const CODE: &str = "Code";
pub(crate) const CODE_HINT: &str =
    "It is in the message that was sent there. Its link opens this page too.";
pub(crate) const CONFIRM_BUTTON: &str = "Confirm the channel";
pub(crate) const SEND: &str = "Send a code";
pub(crate) const SEND_AGAIN: &str = "Send another code";
pub(crate) const SEND_AFTER: &str = "I did this: send the code";
pub(crate) const KINDS: &str = "What goes there";
pub(crate) const KINDS_LEGEND: &str = "Messages about";
pub(crate) const SECURITY: &str = "What is about security always goes there.";
pub(crate) const SAVE: &str = "Save the choice";
pub(crate) const AWAY: &str = "What carries these messages does not work at the moment. They wait, and \
     go there as soon as it works again.";
pub(crate) const REMOVE: &str = "Remove this channel";

/// How long a code is good.
pub(crate) fn good_until(at: &str) -> String {
    format!("A code was sent. It is good until {at}.")
}

/// What a state means; nothing where all is well.
pub(crate) fn explain(
    state: ChannelState,
    unreachable: Option<Unreachable>,
) -> Option<&'static str> {
    match (state, unreachable) {
        (ChannelState::Verified, _) => None,
        (ChannelState::Unverified, _) => {
            Some("Nothing goes there before you have confirmed it with a code.")
        }
        (ChannelState::Off, _) => {
            Some("Whoever runs this service has switched this way off. Nothing goes there.")
        }
        (_, Some(Unreachable::Unsubscribed)) => Some(
            "Whoever reads there asked not to be written to, so nothing goes there any more. If \
             it was a mistake, confirm it again.",
        ),
        (_, Some(Unreachable::NoAddress)) => Some(
            "This address takes no messages, so nothing goes there any more. Add the right one, \
             or confirm it again.",
        ),
        _ => Some(
            "The last message was refused: nobody is reached there. Nothing goes there any more \
             until you confirm it again.",
        ),
    }
}
