//! Nodes and the locations they stand in.

use async_trait::async_trait;
use myrelay_domain::ids::{LocationId, NodeId, PodId};
use serde::{Deserialize, Serialize};

use super::{Millis, NodeUsageView, Page, PodState, PortalError};

/// A place a customer can pick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationView {
    pub id: LocationId,
    pub name: String,
    /// Whether a node there is in contact.
    pub in_contact: bool,
}

/// What the "add a node" form sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddNode {
    pub name: String,
    /// The location's name; one that is new makes a new location.
    pub location: String,
    /// The name or address that devices send their packets to.
    pub endpoint: String,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// Added, and its agent has not joined yet.
    Awaiting,
    InContact,
    /// Joined, and silent for longer than 45 seconds.
    Away,
    /// Two agents ran with its identity: neither is believed until it joins again.
    Quarantined,
    Retired,
}

/// One line of the operator's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    pub id: NodeId,
    pub name: String,
    pub location: String,
    pub state: NodeState,
    pub pods: u32,
    /// Pods that do not serve.
    pub faults: u32,
    /// Its pods are being moved away.
    pub draining: bool,
    /// What is not well beside its pods.
    pub troubles: Vec<NodeTrouble>,
    pub version: Option<String>,
    pub last_contact_at: Option<Millis>,
}

impl NodeRow {
    /// Whether pods can move to it now.
    pub fn takes_pods(&self) -> bool {
        self.state == NodeState::InContact && !self.draining
    }
}

/// Something about a node that an operator should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeTrouble {
    /// So many faults of the node as a whole.
    Faults(u32),
    /// Its clock is this far from the portal's, in milliseconds; positive: ahead.
    ClockSkew(i64),
    /// So many items of its hardening are weak or missing.
    WeakHardening(u32),
    /// It is being drained, and no other node of its location takes pods.
    NowhereToDrain,
}

/// What the installer sets up on a node's host, as `myrelay_node_protocol` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HardeningItem {
    SshPasswordLogin,
    SshRootLogin,
    Fail2ban,
    UnattendedUpgrades,
    HostFirewall,
    Sysctl,
}

/// How an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HardeningVerdict {
    Ok,
    Weak,
    Missing,
    /// The agent may not look, or cannot tell.
    Unknown,
}

/// One item of a node's hardening.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardeningRow {
    pub item: HardeningItem,
    pub verdict: HardeningVerdict,
    /// What the agent found.
    pub detail: String,
}

/// How far the draining of a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainView {
    pub started_at: Millis,
    /// Pods that were on it when it started.
    pub total: u64,
    /// Pods that are on it still.
    pub left: u64,
}

/// A node that a pod could move to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetView {
    pub id: NodeId,
    pub name: String,
    pub pods: u32,
}

/// A pod, and where it could move to: the node with the fewest pods first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveView {
    pub pod: NodePodRow,
    pub location: String,
    pub targets: Vec<TargetView>,
}

/// What the form that moves a pod sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovePod {
    /// The node it moves to.
    pub node: String,
    /// How long both nodes serve it: `none`, `hour`, `day` or `week`.
    pub overlap: String,
}

/// What the form that retires a node sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetireNode {
    /// The node's name, where it is to be given up with what it serves still.
    #[serde(default)]
    pub name: String,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    pub id: NodeId,
    pub name: String,
    pub location: String,
    pub endpoint: String,
    pub state: NodeState,
    pub version: Option<String>,
    /// `kernel` or `userspace`.
    pub backend: Option<String>,
    pub last_contact_at: Option<Millis>,
    pub generation_wanted: u64,
    pub generation_applied: u64,
    pub certificate_ends_at: Option<Millis>,
    /// When the open join line ends, if there is one.
    pub join_expires_at: Option<Millis>,
    pub pods_total: u32,
    /// The newest of its pods, at most a page of them.
    pub pods: Vec<NodePodRow>,
    pub drain: Option<DrainView>,
    /// Pods that moved away and that it serves still, and until when at most.
    pub moved_pods: u32,
    pub serves_moved_until: Option<Millis>,
    pub troubles: Vec<NodeTrouble>,
    /// What is wrong with the node as a whole, in its agent's words.
    pub faults: Vec<String>,
    /// Interfaces that look like ours and are not; they are left alone.
    pub foreign: Vec<String>,
    /// Empty while the host has not been looked at.
    pub hardening: Vec<HardeningRow>,
    /// Its own resolvers as an operator writes them; empty: the deployment's.
    pub resolver: String,
    /// The deployment's resolvers; empty: none is run.
    pub deployment_resolver: String,
    /// What its pods moved.
    pub usage: NodeUsageView,
}

/// A pod as an operator sees it: no devices, no keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePodRow {
    pub id: PodId,
    pub node: String,
    pub account_email: String,
    pub interface: String,
    pub port: u16,
    pub state: PodState,
    pub fault: Option<String>,
    /// It moved, and the node before serves it until then.
    pub moved_until: Option<Millis>,
    pub devices: u32,
}

/// The line to run on a new server: shown once, for it is stored as a hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinView {
    pub node: NodeId,
    pub name: String,
    pub line: String,
    pub expires_at: Millis,
}

/// What operators may ask about nodes.
#[async_trait]
pub trait NodeContract: Send + Sync {
    async fn list_nodes(&self) -> Result<Vec<NodeRow>, PortalError>;

    async fn get_node(&self, node: &str) -> Result<NodeView, PortalError>;

    /// Adds a node and makes its join line, good for 10 minutes and one use.
    async fn add_node(&self, input: AddNode) -> Result<JoinView, PortalError>;

    /// A new join line; the earlier one is void. Works for a node that has joined too: its next
    /// join replaces its certificate.
    async fn renew_join(&self, node: &str) -> Result<JoinView, PortalError>;

    /// Closes the node's connection and refuses its certificate from now on. Refused while pods
    /// are on it, or while it serves pods that moved away, unless it is away and its name is given.
    async fn retire_node(&self, node: &str, input: RetireNode) -> Result<(), PortalError>;

    /// Moves the node's pods to the other nodes of its location, one after the other.
    async fn start_draining(&self, node: &str) -> Result<(), PortalError>;

    /// Lets the pods that are still on it stay.
    async fn stop_draining(&self, node: &str) -> Result<(), PortalError>;

    /// Names the resolvers of one node; with none it has the deployment's.
    async fn set_resolver(&self, node: &str, upstreams: &str) -> Result<(), PortalError>;

    /// One pod of whichever account.
    async fn get_any_pod(&self, pod: &str) -> Result<NodePodRow, PortalError>;

    async fn move_view(&self, pod: &str) -> Result<MoveView, PortalError>;

    /// Moves a pod to another node of its location with the same devices and addresses.
    async fn move_pod(&self, pod: &str, input: MovePod) -> Result<(), PortalError>;

    /// Deletes a pod of whichever account with its devices.
    async fn delete_any_pod(&self, pod: &str) -> Result<(), PortalError>;

    /// All pods, by age, newest first.
    async fn list_pods(&self, after: Option<&str>) -> Result<Page<NodePodRow>, PortalError>;
}
