//! The words of the page with the join line.

pub(crate) const LEDE: &str = "On the new server, put what stands after --token into a file and run \
     myrelay-node/install.sh as the node guide says. Where the agent is installed already, run this \
     line as its user: it installs nothing.";
pub(crate) const SELECT: &str = "A click selects the whole line.";
pub(crate) const ENDS: &str = "Ends ";
pub(crate) const ONCE_TITLE: &str = "Shown this once";
pub(crate) const ONCE: &str = "The line holds a token that we keep only as a hash. If you lose it, \
     make a new one on the node's page; the earlier one is then void.";
pub(crate) const DONE: &str = "Go to the node";

/// The heading.
pub(crate) fn title(node: &str) -> String {
    format!("Join {node}")
}
