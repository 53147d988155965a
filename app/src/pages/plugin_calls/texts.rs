//! The words of the page of a plugin's calls.

use crate::contract::CallsWanted;

pub(crate) const LEDE: &str = "The newest first. Calls are kept for 14 days, 1,000 of each plugin; \
     what they were asked and answered for three days, of the newest 100.";
pub(crate) const ALL: &str = "All calls";
pub(crate) const ONLY_FAILED: &str = "Only those that failed";
pub(crate) const FAILED: &str = "Those that failed.";
pub(crate) const TRIES_OF: &str = "The tries of the delivery";
pub(crate) const EMPTY_TITLE: &str = "No calls yet";
pub(crate) const EMPTY_TEXT: &str = "Whatever this plugin is asked stands here, with what it \
     answered, what it used and what it wrote to its log.";

/// The heading.
pub(crate) fn title(plugin: &str) -> String {
    format!("Calls of {plugin}")
}

/// What is said where nothing of what is looked for is there; nothing where all is looked for.
pub(crate) fn nothing(wanted: &CallsWanted) -> Option<&'static str> {
    match (wanted.failed, &wanted.delivery) {
        (false, None) => None,
        (true, None) => Some("None of the calls that are kept failed."),
        (_, Some(_)) => Some(
            "None of them is among the calls that are kept: they were long ago, or this plugin has \
             no such delivery.",
        ),
    }
}
