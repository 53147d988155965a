//! The words of a pod's page. Customers know a pod by its location.

use crate::contract::PodState;

pub(crate) const DEVICES: &str = "Devices";
pub(crate) const ADD_DEVICE: &str = "Add a device";
pub(crate) const EMPTY_TITLE: &str = "No devices yet";
pub(crate) const EMPTY_TEXT: &str = "A device is a phone or computer with a key of its own. Its key \
     is made in your browser, and only the public half is sent.";
pub(crate) const ADDED: &str = "added ";
pub(crate) const DELETE: &str = "Delete this location";

/// What a state means for the customer; nothing where all is well.
pub(crate) fn explain(state: PodState) -> Option<&'static str> {
    match state {
        PodState::Ready => None,
        PodState::WaitingForNode => Some(
            "The node has not made your interface yet. It does so as soon as it can; you may \
             already add devices.",
        ),
        PodState::NodeAway => Some(
            "The node does not answer at the moment. Tunnels that exist go on; what you change \
             here is done when it returns.",
        ),
        PodState::Faulty => Some(
            "The node could not make your interface. The operators of this service see why; your \
             devices and their keys are kept.",
        ),
    }
}

/// How many devices of how many.
pub(crate) fn usage(used: usize, limit: u32) -> String {
    format!("{used} of {limit}")
}

/// Why no device can be added.
pub(crate) fn full(limit: u32) -> String {
    format!("Your plan has {limit} devices per location. Remove one to add another.")
}
