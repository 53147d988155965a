//! Peers: the devices of a pod. Pages say "device".

use async_trait::async_trait;
use myrelay_domain::{
    addresses::HostAddresses,
    ids::{PeerId, PodId},
    keys::PublicKey,
    routes::{CidrList, Routes},
};
use serde::{Deserialize, Serialize};

use super::{Millis, MovedView, PodState, PortalError};

/// What adding a device sends: a name and a public key. There is no field for a private one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddPeer {
    pub pod: String,
    pub name: String,
    pub public_key: String,
}

/// What a device is to send through its tunnel, as a form says it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRoutes {
    pub peer: String,
    /// `everything`, `except-local`, `except` or `only`.
    pub mode: String,
    /// Networks parted by white space or commas; the first two modes need none.
    pub networks: String,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    pub id: PeerId,
    pub pod: PodId,
    pub name: String,
    pub public_key: PublicKey,
    pub addresses: HostAddresses,
    /// What it sends through the tunnel.
    pub routes: Routes,
    /// Whether the node has it.
    pub applied: bool,
    pub created_at: Millis,
}

/// All of a client's configuration but its private key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientConfig {
    pub addresses: HostAddresses,
    pub routes: Routes,
    /// What goes through the tunnel whatever the device chose: the pod's own addresses and the
    /// resolvers.
    pub inside: CidrList,
    /// What the operator configured; may be empty.
    pub dns: Vec<std::net::IpAddr>,
    /// The pod's public key, made on the node.
    pub pod_key: PublicKey,
    /// `host:port`, the host in brackets when it is an IPv6 address.
    pub endpoint: String,
    /// Bytes.
    pub mtu: u16,
}

/// A device that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedPeer {
    pub peer: PeerView,
    pub location: String,
    /// None while the node has not made the pod's key: ask [`PeerContract::client_config`] later.
    pub config: Option<ClientConfig>,
    /// How its location is.
    pub state: PodState,
    /// Where its location moved to.
    pub moved: Option<MovedView>,
}

/// Whether a device is connected right now. Asked of the node, stored nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectionView {
    Connected,
    NotConnected,
    /// The node does not have this device yet.
    NotApplied,
    /// The node did not answer.
    NodeAway,
}

/// What may be asked about devices; all of them are the asking account's own.
#[async_trait]
pub trait PeerContract: Send + Sync {
    /// Adds a device and waits up to 5 seconds until the node has it; then it is pending and comes
    /// when the node does.
    async fn add_peer(&self, input: AddPeer) -> Result<AddedPeer, PortalError>;

    async fn get_peer(&self, peer: &str) -> Result<AddedPeer, PortalError>;

    /// What the device's configuration is made of; an error while the pod has no key yet.
    async fn client_config(&self, peer: &str) -> Result<ClientConfig, PortalError>;

    /// Chooses what the device sends through its tunnel. The node has no part in it: it counts in
    /// the configuration.
    async fn set_routes(&self, input: SetRoutes) -> Result<(), PortalError>;

    async fn remove_peer(&self, peer: &str) -> Result<(), PortalError>;

    async fn check_connection(&self, peer: &str) -> Result<ConnectionView, PortalError>;
}
