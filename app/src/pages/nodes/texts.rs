//! The words of the list of nodes.

use crate::components::Column;

pub(crate) const TITLE: &str = "Nodes";
pub(crate) const ADD: &str = "Add a node";
pub(crate) const EMPTY_TITLE: &str = "No nodes yet";
pub(crate) const EMPTY_TEXT: &str = "A node is a server that runs the agent and serves the pods of a \
     location. Adding one gives you a line to run on it.";
pub(crate) const NAME: Column = ("Name", false);
pub(crate) const STATE: Column = ("State", false);
pub(crate) const LOCATION: Column = ("Location", false);
pub(crate) const PODS: Column = ("Pods", true);
pub(crate) const VERSION: Column = ("Version", false);
pub(crate) const CONTACT: Column = ("Last contact", false);
pub(crate) const COLUMNS: &[Column] = &[NAME, STATE, LOCATION, PODS, VERSION, CONTACT];

/// How many pods do not serve; nothing where all do.
pub(crate) fn faults(faults: u32) -> Option<String> {
    (0 < faults).then(|| format!("{faults} of its pods"))
}
