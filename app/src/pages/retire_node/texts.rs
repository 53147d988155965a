//! The words of the page that retires a node.

use crate::texts::count;

pub(crate) const RETIRE: &str = "Retire this node";
pub(crate) const BUSY_TITLE: &str = "Pods are on it";
pub(crate) const SERVES_TITLE: &str = "It still serves pods that moved away";
pub(crate) const LOST_TITLE: &str = "It is not in contact";
pub(crate) const NAME: &str = "The node's name";
pub(crate) const RETIRE_LOST: &str = "Retire it as lost";
pub(crate) const DRAIN: &str = "Drain this node";
pub(crate) const BACK: &str = "Back to the node";

/// The heading.
pub(crate) fn title(node: &str) -> String {
    format!("Retire {node}")
}

/// Why it cannot be retired now.
pub(crate) fn busy(pods: u32) -> String {
    let pods = count(pods, "pod is", "pods are");
    format!("{pods} on this node. Drain it first: they move to the other nodes of its location.")
}

/// Why it cannot be retired yet.
pub(crate) fn serves(moved: u32, until: &str) -> String {
    let pods = count(moved, "pod that moved away is", "pods that moved away are");
    format!(
        "{pods} still served here, for devices that have not followed. This is over on {until}; \
         retire the node then."
    )
}

/// What is given up.
pub(crate) fn lost(moved: u32) -> String {
    let pods = count(moved, "pod that moved away is", "pods that moved away are");
    format!(
        "{pods} served here still, for devices that have not followed. Retire the node now only if \
         it does not come back: those devices then need their new configuration."
    )
}

/// What to type.
pub(crate) fn name_hint(name: &str) -> String {
    format!("Type {name} to say that it is lost.")
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
