//! The acts a node can do, one verb each; what does them is the kernel, a library, or a fake.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use async_trait::async_trait;
use ipnet::IpNet;
use myrelay_domain::{
    addresses::{HostAddresses, PodRange},
    ids::PodId,
    interface::InterfaceName,
    keys::PublicKey,
};

use crate::keys::PrivateKey;

/// One of our interfaces as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedInterface {
    /// The pod it serves, read from the interface's alias; none when the alias is damaged.
    pub pod: Option<PodId>,
    pub public_key: Option<PublicKey>,
    pub port: u16,
    pub up: bool,
    /// The node's own addresses on it, with the prefix of the pod's ranges.
    pub addresses: BTreeSet<IpNet>,
    pub peers: BTreeMap<PublicKey, BTreeSet<IpNet>>,
}

/// Everything of ours on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub interfaces: BTreeMap<InterfaceName, ObservedInterface>,
    /// Interfaces that look like ours and are not: reported, never changed.
    pub foreign: BTreeSet<String>,
}

/// What a pod's interface is made from.
#[derive(Clone, Debug)]
pub struct InterfaceSpec {
    pub pod: PodId,
    pub interface: InterfaceName,
    pub port: u16,
    pub range: PodRange,
    pub private_key: PrivateKey,
}

/// Why an act failed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("UDP port {port} is in use by another program: free it or let the portal move the pod")]
    PortInUse { port: u16 },
    #[error("{what}: {source}")]
    Failed {
        what: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("no default route: the node has no uplink to send its pods' traffic to")]
    NoUplink,
    #[error("this host cannot: {0}")]
    Unsupported(String),
}

/// What makes a node's state. Every act is idempotent: done twice it changes nothing and is no
/// error.
#[async_trait]
pub trait Backend: Send + Sync {
    /// `kernel`, `userspace` or `fake`: shown to the operator.
    fn name(&self) -> &'static str;

    /// Reads back what is there, from the source itself and not from memory.
    async fn observe(&self) -> Result<Observed, BackendError>;

    /// Makes the interface with its key, port, addresses and alias, up. Rolls back on failure.
    async fn create_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError>;

    /// Sets port, addresses and up-state of an existing interface without touching its peers.
    async fn set_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError>;

    /// Removes the interface and its peers.
    async fn delete_interface(&self, interface: &InterfaceName) -> Result<(), BackendError>;

    /// Adds these peers, or moves their addresses; the others stay untouched.
    async fn set_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError>;

    /// Removes these peers; the others stay untouched.
    async fn remove_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeSet<PublicKey>,
    ) -> Result<(), BackendError>;

    /// How long ago a peer completed a handshake; none when it never did or is not there.
    async fn handshake_age(
        &self,
        interface: &InterfaceName,
        peer: &PublicKey,
    ) -> Result<Option<Duration>, BackendError>;
}
