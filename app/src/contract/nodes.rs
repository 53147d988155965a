//! Nodes and the locations they stand in.

use async_trait::async_trait;
use myrelay_domain::ids::{LocationId, NodeId, PodId};
use serde::{Deserialize, Serialize};

use super::{Millis, Page, PodState, PortalError};

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
    pub version: Option<String>,
    pub last_contact_at: Option<Millis>,
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
    pub pods: Vec<NodePodRow>,
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
    /// are on it.
    async fn retire_node(&self, node: &str) -> Result<(), PortalError>;

    /// All pods, by age, newest first.
    async fn list_pods(&self, after: Option<&str>) -> Result<Page<NodePodRow>, PortalError>;
}
