//! The words of the page that removes a plugin.

use crate::texts as shared;

pub(crate) const REMOVE: &str = "Remove this plugin";
pub(crate) const EXPORT: &str = "Download what it remembers";
pub(crate) const ABOUT_EXPORT: &str = "before it is gone: a file of names and values, without its \
                                       secrets.";

pub(crate) const LEAVE: &str = "Remove it all the same: what its provider collects goes on";

/// What is to be known before that is ticked.
pub(crate) fn collecting(what: String) -> String {
    format!(
        "{}. Once the plugin is removed nobody tells it to end, and what customers pay there is not \
         counted here: their plans end. End the subscriptions first, on their accounts' pages, or \
         at the provider.",
        shared::capital(what)
    )
}

/// The heading.
pub(crate) fn title(name: &str) -> String {
    format!("Remove {name}")
}

/// What will happen.
pub(crate) fn consequences(events: u32, carries_messages: bool) -> Vec<String> {
    let mut all = vec![
        "The plugin is told, and may clean up at its provider.".to_owned(),
        "Its secrets, its settings and all that it remembers are deleted.".to_owned(),
    ];
    if carries_messages {
        all.push("Customers who are reached by it lose these channels.".to_owned());
    }
    if 0 < events {
        all.push(format!("Events and messages that are open or given up end: {events}."));
    }
    all.push("To keep everything and have it hear of nothing, disable it instead.".to_owned());
    all
}
