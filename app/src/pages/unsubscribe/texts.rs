//! The words of the page that a message's link leads to.

pub(crate) const TITLE: &str = "Stop messages";
pub(crate) const STOP: &str = "Stop these messages";
pub(crate) const REST: &str = "Other messages still go there, and those about security always do.";
pub(crate) const DONE: &str = "They are stopped";

/// What would end.
pub(crate) fn what(kind: &str, name: &str) -> String {
    format!("You get messages by {name} about: {kind}.")
}

/// What has ended.
pub(crate) fn done(kind: &str, name: &str) -> String {
    format!(
        "No more messages come by {name} about: {kind}. You can have them again on the page \
         Notifications of your account."
    )
}
