//! Messages to customers that did not arrive, as operators see them: never what they say or where
//! they go.

use async_trait::async_trait;
use myrelay_domain::ids::{AccountId, DeliveryId, InstallationId};
use serde::{Deserialize, Serialize};

use super::{MessageKind, Millis, Page, PortalError};

/// Which of them are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingWanted {
    /// Those that were given up; otherwise those on their way.
    pub given_up: bool,
    /// Those of this plugin alone.
    pub plugin: Option<String>,
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutgoingState {
    /// It is being tried.
    Trying,
    /// It is tried as soon as those before it are over.
    InTurn,
    /// It is tried then.
    Later(Millis),
    /// The customer's quiet hours keep it back until then.
    Quiet(Millis),
    /// Its plugin is not called now.
    StandsStill,
    /// Nobody tries any more, since then.
    GivenUp(Millis),
    /// The same, and what it says is not true any more: it is not sent again.
    TooLate(Millis),
}

/// A message that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingRow {
    pub id: DeliveryId,
    /// What it is about, in a line without names.
    pub about: String,
    pub kind: MessageKind,
    pub account: AccountId,
    /// What carries it.
    pub plugin: InstallationId,
    pub carrier: String,
    pub attempts: u32,
    /// What the last try said.
    pub failure: Option<String>,
    pub state: OutgoingState,
    pub created_at: Millis,
}

/// A page of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingView {
    pub wanted: OutgoingWanted,
    /// The name of the plugin, where they are of one alone.
    pub carrier: Option<String>,
    /// How many there are altogether.
    pub waiting: u32,
    pub given_up: u32,
    /// In the order in which they were made.
    pub messages: Page<OutgoingRow>,
}

/// What operators may ask about them.
#[async_trait]
pub trait OutgoingContract: Send + Sync {
    /// Those that were made after the message `after`.
    async fn outgoing(
        &self,
        wanted: OutgoingWanted,
        after: Option<&str>,
    ) -> Result<OutgoingView, PortalError>;

    /// Puts all that were given up on their way again, or those of one plugin.
    async fn send_all_again(&self, plugin: Option<&str>) -> Result<(), PortalError>;

    /// Puts one that was given up on its way again.
    async fn send_again(&self, message: &str) -> Result<(), PortalError>;
}
