//! Operators: the people who run the service.

use async_trait::async_trait;
use myrelay_domain::ids::OperatorId;
use serde::{Deserialize, Serialize};

use super::{NodeRow, PluginRow, PortalError, SignIn};

/// What the page behind the one-time link sends.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvite {
    pub token: String,
    pub email: String,
    pub password: String,
}

/// Who is to be signed in; the door starts the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedInOperator {
    pub operator: OperatorId,
}

/// The operator that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorView {
    pub id: OperatorId,
    pub email: String,
}

/// What an operator sees first: what needs attention, then the counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Nodes that are away, wait for their agent, or have pods that do not serve.
    pub attention: Vec<NodeRow>,
    /// Plugins that stand still although nobody disabled them.
    pub plugins: Vec<PluginRow>,
    pub nodes: u32,
    pub pods: u32,
    pub devices: u32,
    pub accounts: u32,
}

/// What operators may ask about themselves and the whole.
#[async_trait]
pub trait OperatorContract: Send + Sync {
    /// Whether a one-time link is still good: an error says why not.
    async fn check_invite(&self, token: &str) -> Result<(), PortalError>;

    /// Makes the operator of a one-time link; the link is used up.
    async fn accept_invite(&self, input: AcceptInvite) -> Result<SignedInOperator, PortalError>;

    async fn sign_in_operator(&self, input: SignIn) -> Result<SignedInOperator, PortalError>;

    async fn operator(&self) -> Result<OperatorView, PortalError>;

    async fn overview(&self) -> Result<Overview, PortalError>;
}
