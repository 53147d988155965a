//! The words of a device's page.

pub(crate) const CHECK_TITLE: &str = "Connection";
pub(crate) const FACTS: &str = "What we know about it";
pub(crate) const FACTS_LEDE: &str = "This is all: the private key was never sent.";
pub(crate) const PUBLIC_KEY: &str = "Public key";
pub(crate) const ADDRESSES: &str = "Addresses";
pub(crate) const LOCATION: &str = "Location";
pub(crate) const ADDED: &str = "Added";
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
