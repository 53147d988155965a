//! The words of the operators' first page.

use crate::{
    contract::{NodeRow, NodeState, NodeTrouble},
    texts,
};

pub(crate) const TITLE: &str = "Overview";
pub(crate) const ATTENTION: &str = "Needs attention";
pub(crate) const ALL_WELL: &str = "Everything is in order";
pub(crate) const ALL_WELL_TEXT: &str = "Every node is in contact and well, and every pod serves.";
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

pub(crate) const PLUGIN: &str = "Plugin";
pub(crate) const STANDS_STILL: &str = "Nothing goes to it. Its page says why.";

/// What is wrong with a node, and what it means: a sentence each.
pub(crate) fn reasons(node: &NodeRow) -> Vec<String> {
    let mut reasons = Vec::new();
    match node.state {
        NodeState::Awaiting => {
            reasons.push("Its agent has not joined yet. Run the join line on it.".to_owned());
        }
        NodeState::Away if node.pods == 0 => {
            reasons.push("It is silent. No pod has its place on it.".to_owned());
        }
        NodeState::Away => reasons.push(format!(
            "It is silent. Tunnels of its {} may still work; changes wait for it.",
            texts::pods(node.pods)
        )),
        NodeState::Quarantined => {
            reasons.push("Two agents ran with its identity: join it again.".to_owned());
        }
        NodeState::InContact | NodeState::Retired => {}
    }
    if node.state == NodeState::InContact && 0 < node.faults {
        reasons.push(format!("{} not serve.", texts::count(node.faults, "pod does", "pods do")));
    }
    reasons.extend(node.troubles.iter().map(|trouble| match trouble {
        NodeTrouble::Faults(faults) => {
            format!("Its agent reports {}.", texts::count(*faults, "fault", "faults"))
        }
        NodeTrouble::ClockSkew(_) => "Its clock is wrong.".to_owned(),
        NodeTrouble::WeakHardening(weak) => {
            format!("Its host is not guarded in {}.", texts::count(*weak, "point", "points"))
        }
        NodeTrouble::NowhereToDrain => {
            "It is being drained, and its pods have nowhere to go.".to_owned()
        }
    }));
    reasons
}
