//! The words of the page that moves a pod.

use crate::texts;

pub(crate) const MOVE: &str = "Move this pod";
pub(crate) const NODE: &str = "To which node";
pub(crate) const OVERLAP: &str = "How long both nodes serve it";
pub(crate) const OVERLAP_HINT: &str =
    "Devices that have not followed by then stop working until they do.";
pub(crate) const OVERLAPS: [(&str, &str); 4] = [
    ("week", "7 days"),
    ("day", "1 day"),
    ("hour", "1 hour"),
    ("none", "Not at all: the old node drops it at once"),
];
pub(crate) const NOWHERE: &str = "There is no node to move it to";
pub(crate) const ADD_NODE: &str = "Add a node";

/// The heading.
pub(crate) fn title(interface: &str) -> String {
    format!("Move {interface}")
}

/// What moves from where.
pub(crate) fn now(account: &str, node: &str, location: &str) -> String {
    format!("The pod of {account} is on {node}. It can move to another node of {location}.")
}

/// A node to choose.
pub(crate) fn target(node: &str, pods: u32) -> String {
    format!("{node} ({} on it)", texts::pods(pods))
}

/// What to do where no node takes it.
pub(crate) fn nowhere(location: &str) -> String {
    format!(
        "No other node of {location} is in contact and takes pods. Bring one back, stop draining \
         one, or add a node with the location {location}."
    )
}

/// What will happen.
pub(crate) fn consequences() -> [&'static str; 2] {
    [
        "Its devices keep their keys and addresses. The server's key and address change: its owner \
         sees what to change in each device's configuration.",
        "New configurations name the new node at once.",
    ]
}
