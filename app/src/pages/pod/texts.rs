//! The words of a pod's page. Customers know a pod by its location.

use crate::contract::PodState;

pub(crate) const DEVICES: &str = "Devices";
pub(crate) const ADD_DEVICE: &str = "Add a device";
pub(crate) const EMPTY_TITLE: &str = "No devices yet";
pub(crate) const EMPTY_TEXT: &str = "A device is a phone or computer with a key of its own. Its key \
     is made in your browser, and only the public half is sent.";
pub(crate) const ADDED: &str = "added ";
pub(crate) const DELETE: &str = "Delete this location";
pub(crate) const SETTINGS: &str = "Settings";
pub(crate) const MEET: &str = "Your devices and each other";
pub(crate) const MEET_OFF: &str = "They reach the internet, and not each other.";
pub(crate) const MEET_ON: &str =
    "They reach the internet and each other, by the addresses above. Nobody else's devices do.";
pub(crate) const MEET_START: &str = "Let them reach each other";
pub(crate) const MEET_STOP: &str = "Keep them apart";
pub(crate) const PAUSING: &str = "Pausing";
pub(crate) const PAUSE_OFF: &str = "A paused location moves no traffic. Keys, addresses and \
     configurations are kept.";
pub(crate) const PAUSE_ON: &str = "Paused since you asked for it. When you resume, your devices work \
     again as they are; a tunnel that is on needs up to a quarter of a minute.";
pub(crate) const PAUSE: &str = "Pause this location";
pub(crate) const RESUME: &str = "Resume this location";
pub(crate) const TOKENS: &str = "API tokens";
pub(crate) const TOKENS_TEXT: &str = "Programs of yours can manage the devices of this location.";
pub(crate) const TOKENS_OPEN: &str = "Manage tokens";
pub(crate) const MOVED: &str = "This location moved to a new server";

pub(crate) const MOVED_LINES: &str = "Put these two lines into the configuration of each device that \
     sends everything through the tunnel, in place of those that are there. A device that you added \
     or changed since the move has them already.";
pub(crate) const MOVED_SPLIT: &str = "A device that leaves something out of the tunnel needs its whole \
     new configuration, which its page shows: its AllowedIPs leave out the server's address, too.";
pub(crate) const MOVED_SOON: &str = "Two lines of each device's configuration change. They appear here \
     as soon as the new server has made its key.";

/// By when devices have to follow.
pub(crate) fn moved(until: Option<&str>) -> String {
    match until {
        Some(until) => format!("The server before serves your devices until {until}."),
        None => "A device that has not followed does not work any more.".to_owned(),
    }
}

/// What a state means for the customer; nothing where all is well.
pub(crate) fn explain(state: PodState) -> Option<&'static str> {
    match state {
        // What a used-up quota means stands where the data is.
        PodState::Ready | PodState::Throttled | PodState::Stopped => None,
        PodState::WaitingForNode => Some(
            "The node has not made your interface yet. It does so as soon as it can; you may \
             already add devices.",
        ),
        PodState::NodeAway => Some(
            "The node does not answer at the moment. Tunnels that exist go on; what you change \
             here is done when it returns.",
        ),
        PodState::Paused => Some(
            "Your devices here do not work until you resume it. You may add and remove devices \
             meanwhile.",
        ),
        PodState::Unpaid => Some(
            "Your devices here do not work until your plan is paid for. They work again then, with \
             the configurations that they have.",
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
