//! Pods: a customer's own interface in a location.

use async_trait::async_trait;
use myrelay_domain::{
    ids::{LocationId, PodId},
    keys::PublicKey,
};
use serde::{Deserialize, Serialize};

use super::{LocationView, Millis, PeerView, PortalError, UsageSummaryView};

/// What the "add a location" form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreatePod {
    pub location: String,
}

/// How a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodState {
    /// The node serves it.
    Ready,
    /// The node has not made it yet; it will as soon as it can.
    WaitingForNode,
    /// The node is away: tunnels that exist go on, changes wait.
    NodeAway,
    /// The node could not make it; the operator sees why.
    Faulty,
    /// Its owner paused it: its devices are kept and do not work.
    Paused,
    /// The month's data is used up, and its node slows it down.
    Throttled,
    /// The month's data is used up, and its node lets nothing pass.
    Stopped,
    /// Its account's plan is not paid for: its devices are kept and do not work.
    Unpaid,
}

/// One pod at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRow {
    pub id: PodId,
    pub location_id: LocationId,
    pub location: String,
    pub state: PodState,
    pub devices: u32,
}

/// What a customer sees first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeView {
    pub pods: Vec<PodRow>,
    /// Every location, those with a pod of this account too.
    pub locations: Vec<LocationView>,
    pub plan: String,
    pub pod_limit: u32,
    /// The plan is not paid for: no pod is served, and none can be added.
    pub unpaid: bool,
}

/// One pod with its devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodView {
    pub id: PodId,
    pub location: String,
    pub state: PodState,
    /// Oldest first.
    pub devices: Vec<PeerView>,
    pub device_limit: u32,
    /// Whether its devices reach each other.
    pub devices_meet: bool,
    pub moved: Option<MovedView>,
    /// This month's data.
    pub usage: UsageSummaryView,
}

/// A pod moved to another node, and devices must follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedView {
    /// Until when the node before serves devices that have not followed; none: it does not.
    pub ends_at: Option<Millis>,
    /// The key that the new node made; none until it has.
    pub public_key: Option<PublicKey>,
    /// `host:port` of the new node.
    pub endpoint: String,
}

/// What may be asked about pods; all of it is the asking account's own.
#[async_trait]
pub trait PodContract: Send + Sync {
    async fn home(&self) -> Result<HomeView, PortalError>;

    /// Makes a pod in a location, on the node there with the fewest pods. Asked twice for one
    /// location it answers the pod that exists.
    async fn create_pod(&self, input: CreatePod) -> Result<PodId, PortalError>;

    async fn get_pod(&self, pod: &str) -> Result<PodView, PortalError>;

    /// Deletes the pod and its devices; the node forgets its key.
    async fn delete_pod(&self, pod: &str) -> Result<(), PortalError>;

    /// Takes the pod's devices off its node, or puts them back with the same keys and addresses.
    async fn set_paused(&self, pod: &str, paused: bool) -> Result<(), PortalError>;

    /// Lets the pod's devices reach each other, or no longer.
    async fn set_devices_meet(&self, pod: &str, meet: bool) -> Result<(), PortalError>;
}
