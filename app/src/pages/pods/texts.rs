//! The words of the list of pods.

use crate::components::Column;

pub(crate) const TITLE: &str = "Pods";
pub(crate) const LEDE: &str =
    "One account's own interface on one node. Devices and their keys are not shown to operators.";
pub(crate) const EMPTY_TITLE: &str = "No pods yet";
pub(crate) const EMPTY_TEXT: &str = "A pod is made when a customer picks a location. Add a node so \
     that there is one to pick.";
pub(crate) const INTERFACE: Column = ("Interface", false);
pub(crate) const STATE: Column = ("State", false);
pub(crate) const ACCOUNT: Column = ("Account", false);
pub(crate) const NODE: Column = ("Node", false);
pub(crate) const PORT: Column = ("Port", true);
pub(crate) const DEVICES: Column = ("Devices", true);
pub(crate) const ACTIONS: Column = ("Change", false);
pub(crate) const MOVED: &str = "Moved. The old node drops it ";
pub(crate) const MOVE: &str = "Move";
pub(crate) const DELETE: &str = "Delete";
pub(crate) const COLUMNS: &[Column] = &[INTERFACE, STATE, ACCOUNT, NODE, PORT, DEVICES, ACTIONS];
/// On a node's own page the node goes without saying.
pub(crate) const COLUMNS_OF_A_NODE: &[Column] =
    &[INTERFACE, STATE, ACCOUNT, PORT, DEVICES, ACTIONS];
