//! What the pages may ask of the portal. The portal implements it; nothing here knows how.
//!
//! One value of [`Portal`] serves one request and knows who asks. Inputs are text as it was typed:
//! the portal parses it, so that every door refuses the same things with the same words.

mod accounts;
mod billing;
mod channels;
mod error;
mod nodes;
mod operators;
mod outgoing;
mod peers;
mod plans;
mod plugin_forms;
mod plugin_gallery;
mod plugin_health;
mod plugin_limits;
mod plugins;
mod pods;
mod tokens;
mod usage;

use std::sync::Arc;

pub use accounts::{
    AccountContract, AccountRow, AccountState, AccountView, SignIn, SignUp, SignedInAccount,
};
pub use billing::{
    AccountBillingView, BillingContract, BillingView, CheckoutStep, CheckoutView, InvoiceRow,
    InvoiceState, InvoiceView, MarkPaid, OfferRow, PayerAway, PaymentMethodRow, PaymentRow,
    ProviderPage, RefundPayment, SubscriptionState, SubscriptionView,
};
pub use channels::{
    AddChannel, CarrierRow, ChannelContract, ChannelGuide, ChannelRow, ChannelState, ChannelView,
    MessageKind, MessageRow, MessageState, NotificationsView, QuietView, SetQuiet, Unreachable,
    UnsubscribeView,
};
pub use error::PortalError;
pub use nodes::{
    AddNode, DrainView, HardeningItem, HardeningRow, HardeningVerdict, JoinView, LocationView,
    MovePod, MoveView, NodeContract, NodePodRow, NodeRow, NodeState, NodeTrouble, NodeView,
    RetireNode, TargetView,
};
pub use operators::{AcceptInvite, OperatorContract, OperatorView, Overview, SignedInOperator};
pub use outgoing::{OutgoingContract, OutgoingRow, OutgoingState, OutgoingView, OutgoingWanted};
pub use peers::{
    AddPeer, AddedPeer, ClientConfig, ConnectionView, PeerContract, PeerView, SetRoutes,
};
pub use plans::{AddPlan, PlanContract, PlanRow};
pub use plugin_forms::{
    AskedRow, CapabilityChange, HostBar, InstallOutcome, InstallView, PluginFormContract,
    PluginSettingsView, SecretField, SettingField, SettingInput, SettingsChange, SettingsForm,
    TypedFields, UploadPlugin,
};
pub use plugin_gallery::{
    ChoosePackage, GalleryRow, GalleryView, PackageBar, PackageCard, PackageSigner,
    PackageStanding, PluginGalleryContract, PluginKind,
};
pub use plugin_health::{HEALTH_HOURS, HourOfCalls, PluginHealthView, PluginSaidView};
pub use plugin_limits::{
    KeptLimit, LimitField, LimitKind, LimitsChange, PluginLimitsView, SetLimit,
};
pub use plugins::{
    CallsWanted, CapabilityRow, CollectingView, DeadDeliveryRow, PluginCallRow, PluginCallsView,
    PluginContract, PluginJobRow, PluginLimits, PluginLogLine, PluginRequestRow, PluginRow,
    PluginState, PluginTrialView, PluginVersionRow, PluginView,
};
pub use pods::{CreatePod, HomeView, MovedView, PodContract, PodRow, PodState, PodView};
use serde::{Deserialize, Serialize};
pub use tokens::{CreateToken, CreatedToken, TokenContract, TokenRow, TokenView, TokensView};
pub use usage::{
    LocationUsageView, NodeUsageView, PodUsageView, USAGE_DAYS, USAGE_HOURS, UsageContract,
    UsagePoint, UsageRefusal, UsageSummaryView, UsageView,
};

/// Everything the pages and the API may ask.
pub trait Portal:
    AccountContract
    + BillingContract
    + ChannelContract
    + NodeContract
    + OperatorContract
    + OutgoingContract
    + PeerContract
    + PlanContract
    + PluginContract
    + PluginFormContract
    + PluginGalleryContract
    + PodContract
    + TokenContract
    + UsageContract
{
}

impl<T> Portal for T where
    T: AccountContract
        + BillingContract
        + ChannelContract
        + NodeContract
        + OperatorContract
        + OutgoingContract
        + PeerContract
        + PlanContract
        + PluginContract
        + PluginFormContract
        + PluginGalleryContract
        + PodContract
        + TokenContract
        + UsageContract
{
}

/// How a request hands its portal to pages and server functions.
pub type SharedPortal = Arc<dyn Portal>;

/// A list's page: at most 50 rows, and where the next one starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Hand this back as `after` to go on; none on the last page.
    pub next: Option<String>,
}

/// The most rows on a page.
pub const PAGE_ROWS: usize = 50;

/// A moment: milliseconds since 1970-01-01 UTC.
pub type Millis = i64;
