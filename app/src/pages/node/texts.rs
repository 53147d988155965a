//! The words of a node's page.

use crate::contract::NodeState;

pub(crate) const FACTS: &str = "About this node";
pub(crate) const LOCATION: &str = "Location";
pub(crate) const ENDPOINT: &str = "Public address";
pub(crate) const LAST_CONTACT: &str = "Last contact";
pub(crate) const NEVER: &str = "Never";
pub(crate) const VERSION: &str = "Agent version";
pub(crate) const BACKEND: &str = "Backend";
pub(crate) const GENERATION: &str = "Generation";
pub(crate) const CERTIFICATE: &str = "Certificate ends";
pub(crate) const PODS: &str = "Pods";
pub(crate) const NO_PODS: &str = "No pod is on this node.";
pub(crate) const JOIN: &str = "Join line";
pub(crate) const JOIN_OPEN: &str = "The open join line ends ";
pub(crate) const JOIN_NEW: &str = "Make a new join line";
pub(crate) const JOIN_AGAIN: &str = "A new line voids the one before. A node that joins again gets a \
     new certificate in place of its old one; its pods stay.";
pub(crate) const RETIRE: &str = "Retire this node";

/// What a state asks of the operator; nothing where all is well.
pub(crate) fn explain(state: NodeState) -> Option<&'static str> {
    match state {
        NodeState::InContact => None,
        NodeState::Awaiting => {
            Some("Run the join line on the server. It appears here as in contact within seconds.")
        }
        NodeState::Away => Some(
            "Its agent has been silent for longer than 45 seconds. Tunnels on it go on without the \
             portal; changes wait until it is back. Look at the server, and at myrelay-agent \
             status there.",
        ),
        NodeState::Retired => Some("Its certificate is refused. It cannot come back."),
    }
}

/// What the portal wants and what the node has.
pub(crate) fn generation(wanted: u64, applied: u64) -> String {
    if wanted == applied {
        format!("{applied}, all of it applied")
    } else {
        format!("{applied} applied, {wanted} wanted")
    }
}
