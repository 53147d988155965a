//! The words of the page of messages that did not arrive.

use crate::components::Column;

pub(crate) const TITLE: &str = "Messages to customers";
pub(crate) const LEDE: &str = "Those that did not arrive, the oldest first. What a message says, and \
     where it goes, stands nowhere: its words are made when it is tried.";
pub(crate) const OF_ALL: &str = "Show those of all plugins";
pub(crate) const NONE_TITLE: &str = "Every message arrived";
pub(crate) const NONE_TEXT: &str = "What waits to be tried, and what nobody tries any more, stands \
     here with the reason.";
pub(crate) const QUIET: &str = "Quiet hours";
pub(crate) const TRYING: &str = "It is being tried";
pub(crate) const IN_TURN: &str = "In its turn";
pub(crate) const STANDS_STILL: &str = "When its plugin goes on";
pub(crate) const TOO_LATE: &str = "Too late";
pub(crate) const AGAIN: &str = "Send again";
pub(crate) const ALL_AGAIN: &str = "Send all again";
pub(crate) const ABOUT_AGAIN: &str = "What a customer switched off since, and what is not true any \
     more, is left out then.";

pub(crate) const MESSAGE: Column = ("Message", false);
pub(crate) const ACCOUNT: Column = ("Account", false);
pub(crate) const BY: Column = ("By", false);
pub(crate) const TRIES: Column = ("Tries", true);
pub(crate) const NEXT: Column = ("Next try", false);
pub(crate) const WHEN: Column = ("Given up", false);
pub(crate) const FAILURE: Column = ("What it said", false);
pub(crate) const ACTION: Column = ("Do", false);
pub(crate) const WAITING_COLUMNS: &[Column] = &[MESSAGE, ACCOUNT, BY, TRIES, NEXT, FAILURE];
pub(crate) const GIVEN_UP_COLUMNS: &[Column] =
    &[MESSAGE, ACCOUNT, BY, TRIES, WHEN, FAILURE, ACTION];

/// What the rows are.
pub(crate) fn caption(given_up: bool) -> &'static str {
    if given_up { "Given up" } else { "On their way" }
}

/// What is shown, and how many there are.
pub(crate) fn heading(given_up: bool, waiting: u32, dead: u32) -> String {
    format!("{} ({})", caption(given_up), if given_up { dead } else { waiting })
}

/// What is not shown.
pub(crate) fn other(given_up: bool, waiting: u32, dead: u32) -> String {
    format!("Show those {}", heading(!given_up, waiting, dead).to_lowercase())
}

/// What is said where none of these are there.
pub(crate) fn nothing(given_up: bool) -> &'static str {
    if given_up { "None was given up." } else { "None is on its way." }
}

/// Whose they are.
pub(crate) fn of_one(carrier: &str) -> String {
    format!("Those that {carrier} carries.")
}

/// A button's name for those who do not see the row.
pub(crate) fn again(about: &str) -> String {
    format!("{AGAIN}: {about}")
}

/// What an account is told by where its whole id has no room: what ids differ in.
pub(crate) fn end_of(id: &str) -> String {
    id.chars().skip(id.chars().count().saturating_sub(8)).collect()
}
