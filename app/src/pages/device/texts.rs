//! The words of a device's page.

use myrelay_domain::routes::Routes;

use crate::{client_config::ConfigError, contract::PodState};

pub(crate) const CHECK_TITLE: &str = "Connection";
pub(crate) const FACTS: &str = "What we know about it";
pub(crate) const FACTS_LEDE: &str = "This is all: the private key was never sent.";
pub(crate) const PUBLIC_KEY: &str = "Public key";
pub(crate) const ADDRESSES: &str = "Addresses";
pub(crate) const LOCATION: &str = "Location";
pub(crate) const ADDED: &str = "Added";
pub(crate) const THROUGH: &str = "Through the tunnel";
pub(crate) const CHANGE_ROUTES: &str = "Change what goes through it";
pub(crate) const NO_BLOCKING: &str = "Put the configuration below on the device again after a change; \
     its AllowedIPs line is what counts. Apps that can block traffic beside the tunnel do so only \
     when everything goes through it.";
pub(crate) const NOTHING_TITLE: &str = "No configuration can be made of this choice";
pub(crate) const BY_NAME_TITLE: &str = "On Linux, leave the endpoint's address outside";
pub(crate) const CONFIGURATION: &str = "Configuration";
pub(crate) const CONFIGURATION_LEDE: &str = "Without the private key, which only the device has. \
     WireGuard refuses this text until you put the key where it says so.";
pub(crate) const LOST: &str = "Private key lost? Remove this device and add it again: that makes a \
     new key.";
pub(crate) const NO_CONFIGURATION: &str =
    "The node has not made your interface yet. The configuration appears here when it has.";
pub(crate) const NOT_READY_TITLE: &str = "Waiting for the node";
pub(crate) const NOT_READY: &str = "The node does not have this device yet. It gets it as soon as \
     it is in contact; you need to do nothing.";
pub(crate) const REMOVE: &str = "Remove this device";

/// What its location's state means for a device; nothing where it works.
pub(crate) fn explain(state: PodState) -> Option<(&'static str, &'static str)> {
    match state {
        PodState::Paused => Some((
            "The location is paused",
            "Its devices are kept with their keys and addresses, and do not work until you resume \
             it.",
        )),
        PodState::Unpaid => Some((
            "Your plan is not paid for",
            "The device is kept with its key and addresses, and works again when the plan is paid.",
        )),
        PodState::Stopped => Some((
            "This month's data is used up",
            "Nothing passes until the next month begins, also when the tunnel says that it is \
             connected. The device and its key are kept.",
        )),
        PodState::Throttled => Some((
            "This month's data is used up",
            "The device goes on slowly until the next month begins.",
        )),
        PodState::Faulty => Some((
            "The location does not work",
            "The node could not make your interface. The operators of this service see why; your \
             devices and their keys are kept.",
        )),
        PodState::Ready | PodState::WaitingForNode | PodState::NodeAway => None,
    }
}

/// What a device sends through its tunnel.
pub(crate) fn routes(routes: &Routes) -> &'static str {
    match routes {
        Routes::Everything => "Everything goes through the tunnel.",
        routes if *routes == Routes::except_local() => {
            "Everything but local networks goes through the tunnel."
        }
        Routes::Except(_) => "Everything but these networks goes through the tunnel:",
        Routes::Only(_) => "Only these networks go through the tunnel:",
    }
}

/// Why a choice makes no configuration.
pub(crate) fn nothing(problem: &ConfigError) -> String {
    format!("What is wrong: {problem}. Change the choice.")
}

/// What wg-quick does not do by itself.
pub(crate) fn by_name(endpoint: &str) -> String {
    format!(
        "The endpoint {endpoint} is a name. If its address is among the networks that go through the \
         tunnel, wg-quick on Linux would send the encrypted packets into the tunnel too: look the \
         address up and leave it outside. The apps for phones, Windows and macOS do so themselves."
    )
}
