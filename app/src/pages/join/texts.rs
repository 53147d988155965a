//! The words of the page with the join line.

pub(crate) const LEDE: &str = "Run this line as root on the new server. It installs nothing: the \
     agent has to be there already.";
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
