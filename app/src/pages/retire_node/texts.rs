//! The words of the page that retires a node.

use crate::texts::count;

pub(crate) const RETIRE: &str = "Retire this node";
pub(crate) const BUSY_TITLE: &str = "Pods are on it";
pub(crate) const BACK: &str = "Back to the node";

/// The heading.
pub(crate) fn title(node: &str) -> String {
    format!("Retire {node}")
}

/// Why it cannot be retired now.
pub(crate) fn busy(pods: usize) -> String {
    let pods = count(u32::try_from(pods).unwrap_or(u32::MAX), "pod is", "pods are");
    format!("{pods} on this node. It can be retired when their accounts have deleted them.")
}

/// What will happen.
pub(crate) fn consequences() -> Vec<String> {
    vec![
        "Its connection is closed, and its certificate is refused from now on.".to_owned(),
        "It stays in the list as retired and cannot come back: add it anew to use it again."
            .to_owned(),
        "Nothing is removed on the server itself. Uninstall the agent there.".to_owned(),
    ]
}
