//! The words of the operators' first page.

use crate::{contract::NodeState, texts};

pub(crate) const TITLE: &str = "Overview";
pub(crate) const ATTENTION: &str = "Needs attention";
pub(crate) const ALL_WELL: &str = "Everything is in order";
pub(crate) const ALL_WELL_TEXT: &str = "Every node is in contact and every pod serves.";
pub(crate) const EMPTY_TITLE: &str = "Add your first node";
pub(crate) const EMPTY_TEXT: &str = "A node is a server that runs the agent. You get one line to run \
     on it; it appears here within seconds.";
pub(crate) const ADD_NODE: &str = "Add a node";
pub(crate) const COUNTS: &str = "In numbers";
pub(crate) const NODES: &str = "Nodes";
pub(crate) const PODS: &str = "Pods";
pub(crate) const DEVICES: &str = "Devices";
pub(crate) const ACCOUNTS: &str = "Accounts";
pub(crate) const LAST_CONTACT: &str = "Last contact ";
pub(crate) const NO_CONTACT: &str = "Never in contact";

/// What is wrong with a node, and what it means.
pub(crate) fn reason(state: NodeState, pods: u32, faults: u32) -> String {
    match state {
        NodeState::Awaiting => "Its agent has not joined yet. Run the join line on it.".to_owned(),
        NodeState::Away if pods == 0 => "It is silent. No pod is on it.".to_owned(),
        NodeState::Away => format!(
            "It is silent. Tunnels of its {} may still work; changes wait for it.",
            texts::pods(pods)
        ),
        NodeState::InContact | NodeState::Retired if faults == 1 => {
            "1 pod does not serve.".to_owned()
        }
        NodeState::InContact | NodeState::Retired => format!("{faults} pods do not serve."),
    }
}
