//! Channels: how a customer is reached, for what, and when not.

use async_trait::async_trait;
use myrelay_domain::ids::{ChannelId, DeliveryId, InstallationId};
use serde::{Deserialize, Serialize};

use super::{Millis, PortalError};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageKind {
    /// Goes to every channel, at any hour.
    Security,
    Usage,
    Service,
    Billing,
}

impl MessageKind {
    /// Those that a customer chooses.
    pub const CHOSEN: [Self; 3] = [Self::Usage, Self::Service, Self::Billing];

    /// In one word: as forms and rows have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Usage => "usage",
            Self::Service => "service",
            Self::Billing => "billing",
        }
    }

    /// The kind of this name.
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::Security, Self::Usage, Self::Service, Self::Billing];
        all.into_iter().find(|it| it.name() == name)
    }
}

/// What the form for a new channel sends.
#[derive(Clone, Default)]
pub struct AddChannel {
    /// The id of the plugin that carries it.
    pub plugin: String,
    /// In the plugin's own terms; empty: the plugin needs none, and says what to do instead.
    pub address: String,
}

/// What the form for quiet hours sends: times of the day as `22:00`, and a time zone of the IANA
/// database. Both times empty: there are none.
#[derive(Clone, Debug, Default)]
pub struct SetQuiet {
    pub begins: String,
    pub ends: String,
    pub zone: String,
}

/// How a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelState {
    /// It waits for its code.
    Unverified,
    Verified,
    /// Nobody is reached there any more; nothing goes there.
    Unreachable,
    /// Its operator disabled what carries it.
    Off,
}

/// A channel at a glance.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelRow {
    pub id: ChannelId,
    /// What carries it.
    pub name: String,
    /// None: the portal made it, and it is nothing to read.
    pub address: Option<String>,
    pub state: ChannelState,
    /// What carries it does not work now: messages wait until it does.
    pub away: bool,
    /// What it gets beside what is about security.
    pub kinds: Vec<MessageKind>,
}

/// What a customer has to do before a code can arrive.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelGuide {
    pub text: String,
    /// Begins with `https://`.
    pub link: Option<String>,
}

/// Why nobody is reached at a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unreachable {
    Gone,
    Unsubscribed,
    NoAddress,
}

/// A channel with all that its owner sees of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelView {
    pub row: ChannelRow,
    pub guide: Option<ChannelGuide>,
    /// Until when the code that was sent is good; none: there is none.
    pub code_ends_at: Option<Millis>,
    pub unreachable: Option<Unreachable>,
    pub added_at: Millis,
}

/// Something that can carry messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierRow {
    pub id: InstallationId,
    pub name: String,
}

/// Quiet hours as they were typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietView {
    pub begins: String,
    pub ends: String,
    pub zone: String,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageState {
    Waiting,
    Delivered,
    /// Nobody tries any more.
    GivenUp,
    /// The channel took nothing any more, or not this kind.
    Dropped,
}

/// A message at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRow {
    pub id: DeliveryId,
    pub subject: String,
    /// What carries it.
    pub channel: String,
    pub kind: MessageKind,
    pub state: MessageState,
    pub at: Millis,
}

/// All that a customer sees of notifications.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationsView {
    pub channels: Vec<ChannelRow>,
    /// How many an account may have.
    pub limit: u32,
    /// By name; those that work.
    pub carriers: Vec<CarrierRow>,
    /// There is one that does not work until an operator looks at it.
    pub stopped: bool,
    /// The account's own address.
    pub email: String,
    pub quiet: Option<QuietView>,
    /// The last ones, newest first.
    pub messages: Vec<MessageRow>,
}

/// What a link in a message is about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsubscribeView {
    /// The link's last part.
    pub link: String,
    pub kind: MessageKind,
    /// What carries the channel.
    pub name: String,
    /// Whether messages of this kind still go there.
    pub on: bool,
}

/// What may be asked about channels; all but the last two are for the asking account's own.
#[async_trait]
pub trait ChannelContract: Send + Sync {
    async fn notifications(&self) -> Result<NotificationsView, PortalError>;

    /// Adds a channel and sends a code there, if one can arrive already.
    async fn add_channel(&self, input: AddChannel) -> Result<ChannelId, PortalError>;

    async fn get_channel(&self, channel: &str) -> Result<ChannelView, PortalError>;

    /// Sends another code to a channel that waits for one, or where nobody was reached.
    async fn send_code(&self, channel: &str) -> Result<(), PortalError>;

    /// Confirms a channel by its code. Twice is fine.
    async fn verify_channel(&self, channel: &str, code: &str) -> Result<(), PortalError>;

    /// Chooses what goes to a channel beside what is about security.
    async fn set_kinds(&self, channel: &str, kinds: Vec<MessageKind>) -> Result<(), PortalError>;

    async fn remove_channel(&self, channel: &str) -> Result<(), PortalError>;

    async fn set_quiet(&self, input: SetQuiet) -> Result<(), PortalError>;

    /// For whoever has a message: what its link would end.
    async fn get_unsubscribe(&self, link: &str) -> Result<UnsubscribeView, PortalError>;

    /// For whoever has a message: ends messages of its kind to its channel. Twice is fine.
    async fn unsubscribe(&self, link: &str) -> Result<(), PortalError>;
}
