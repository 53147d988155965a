//! The words of the page that drains a node.

use crate::texts;

pub(crate) const DRAIN: &str = "Drain this node";

/// The heading.
pub(crate) fn title(node: &str) -> String {
    format!("Drain {node}")
}

/// What will happen.
pub(crate) fn consequences(pods: u32, location: &str) -> Vec<String> {
    let moves = match pods {
        0 => "No pod is on it, so none has to move.".to_owned(),
        it => format!(
            "Its {} move to the other nodes of {location}, a few at a time.",
            texts::pods(it)
        ),
    };
    vec![
        "It gets no new pods from now on.".to_owned(),
        moves,
        "Devices and their addresses stay. For 7 days both nodes serve a pod that moved; its owner \
         sees what to change in each device's configuration by then."
            .to_owned(),
        "You can stop it at any time. Pods that moved stay where they are.".to_owned(),
    ]
}
