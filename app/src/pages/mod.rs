//! The screens. A door loads what a screen shows, and the screen draws it: no page waits inside.

#[cfg(feature = "ssr")]
mod account;
#[cfg(feature = "ssr")]
mod accounts;
#[cfg(any(feature = "ssr", feature = "browser"))]
#[cfg_attr(
    not(feature = "browser"),
    expect(dead_code, reason = "the portal draws the first of its three steps")
)]
pub mod add_device;
#[cfg(feature = "ssr")]
mod add_node;
#[cfg(feature = "ssr")]
mod add_plan;
pub mod billing;
#[cfg(feature = "ssr")]
mod channel;
#[cfg(feature = "ssr")]
mod delete_any_pod;
#[cfg(feature = "ssr")]
mod delete_pod;
#[cfg(feature = "ssr")]
mod device;
#[cfg(feature = "ssr")]
mod device_routes;
#[cfg(feature = "ssr")]
mod drain_node;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
mod front;
#[cfg(feature = "ssr")]
mod home;
#[cfg(feature = "ssr")]
mod invite;
#[cfg(feature = "ssr")]
mod join;
#[cfg(feature = "ssr")]
mod move_pod;
#[cfg(feature = "ssr")]
mod new_token;
#[cfg(feature = "ssr")]
mod node;
#[cfg(feature = "ssr")]
mod nodes;
#[cfg(feature = "ssr")]
mod notifications;
#[cfg(feature = "ssr")]
mod operator_sign_in;
#[cfg(feature = "ssr")]
mod outgoing;
#[cfg(feature = "ssr")]
mod overview;
#[cfg(feature = "ssr")]
mod plans;
#[cfg(feature = "ssr")]
mod plugin;
#[cfg(feature = "ssr")]
mod plugin_calls;
pub mod plugin_forms;
#[cfg(feature = "ssr")]
mod plugin_trial;
#[cfg(feature = "ssr")]
mod plugins;
#[cfg(feature = "ssr")]
mod pod;
#[cfg(feature = "ssr")]
mod pods;
#[cfg(feature = "ssr")]
mod remove_channel;
#[cfg(feature = "ssr")]
mod remove_device;
#[cfg(feature = "ssr")]
mod remove_plugin;
#[cfg(feature = "ssr")]
mod retire_node;
#[cfg(feature = "ssr")]
mod revoke_token;
#[cfg(feature = "ssr")]
mod screen;
#[cfg(feature = "ssr")]
mod sign_in;
#[cfg(feature = "ssr")]
mod sign_up;
#[cfg(feature = "ssr")]
mod suspend_account;
#[cfg(feature = "ssr")]
mod tokens;
#[cfg(feature = "ssr")]
mod unsubscribe;
#[cfg(feature = "ssr")]
mod usage;

use std::collections::BTreeMap;

#[cfg(feature = "ssr")]
pub(crate) use screen::Screen;

pub use self::{billing::Billing, plugin_forms::PluginForm};
use crate::contract::{
    AccountBillingView, AccountRow, AddedPeer, ChannelView, ConnectionView, CreatedToken, HomeView,
    JoinView, LocationUsageView, Millis, MoveView, NodePodRow, NodeRow, NodeView,
    NotificationsView, OutgoingView, Overview, Page, PlanRow, PluginCallsView, PluginRow,
    PluginTrialView, PluginView, PodUsageView, PodView, PortalError, TokenView, TokensView,
    UnsubscribeView,
};

/// Who looks at the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Viewer {
    #[default]
    Visitor,
    Account {
        email: String,
    },
    Operator {
        email: String,
    },
}

/// What every page has around its content.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    pub viewer: Viewer,
    /// When the page is drawn: times are told relative to it.
    pub now: Millis,
    /// The path that was asked for, without the query.
    pub path: String,
}

/// A form as it comes back: what was typed (never a password), and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    pub values: BTreeMap<String, String>,
    pub error: Option<PortalError>,
}

impl FormState {
    /// What was typed into a field before.
    pub fn value(&self, name: &str) -> String {
        self.values.get(name).cloned().unwrap_or_default()
    }

    /// What is wrong with a field.
    pub fn error_of(&self, name: &str) -> Option<String> {
        match &self.error {
            Some(error @ PortalError::Invalid { field, .. }) if field == name => {
                Some(crate::texts::sentence(error))
            }
            _ => None,
        }
    }
}

/// One screen with what it shows. The variants are in the order of the routes.
#[derive(Clone)]
pub enum Content {
    // For visitors.
    Front,
    SignIn(FormState),
    SignUp(FormState),
    OperatorSignIn(FormState),
    /// `token` is the one of the link.
    Invite {
        token: String,
        form: FormState,
    },
    // For customers.
    Home {
        view: HomeView,
        form: FormState,
    },
    Pod(PodView),
    /// What a pod moved.
    Usage(PodUsageView),
    /// Says what deleting will do, and asks.
    DeletePod(PodView),
    /// The form is the one for a new token.
    Tokens {
        view: TokensView,
        form: FormState,
    },
    /// The token, shown this once.
    NewToken(CreatedToken),
    /// Says what revoking will do, and asks.
    RevokeToken(TokenView),
    /// The form is the one for a key of one's own, which works without JavaScript.
    AddDevice {
        pod: PodView,
        form: FormState,
    },
    Device {
        device: AddedPeer,
        connection: Option<ConnectionView>,
    },
    /// The form is the one that chooses what goes through the tunnel.
    DeviceRoutes {
        device: AddedPeer,
        form: FormState,
    },
    RemoveDevice(AddedPeer),
    /// The form is the one for a channel, or the one for quiet hours.
    Notifications {
        view: NotificationsView,
        form: FormState,
    },
    /// The form is the one for its code.
    Channel {
        view: ChannelView,
        form: FormState,
    },
    /// Says what removing will do, and asks.
    RemoveChannel(ChannelView),
    // For operators.
    Overview(Overview),
    Nodes(Vec<NodeRow>),
    AddNode(FormState),
    /// The join line, shown this once.
    Join(JoinView),
    /// The form is the one for its resolvers.
    Node {
        node: NodeView,
        form: FormState,
    },
    /// Says what draining will do, and asks.
    DrainNode(NodeView),
    RetireNode {
        node: NodeView,
        form: FormState,
    },
    Pods(Page<NodePodRow>),
    MovePod {
        view: MoveView,
        form: FormState,
    },
    /// Says what deleting will do, and asks.
    DeleteAnyPod(NodePodRow),
    Accounts {
        search: String,
        accounts: Page<AccountRow>,
    },
    /// The form is the one for its plan.
    Account {
        account: AccountRow,
        plans: Vec<PlanRow>,
        usage: Vec<LocationUsageView>,
        billing: AccountBillingView,
        form: FormState,
    },
    SuspendAccount(AccountRow),
    /// The form says why a plan was not removed.
    Plans {
        plans: Vec<PlanRow>,
        form: FormState,
    },
    AddPlan(FormState),
    Plugins(Vec<PluginRow>),
    /// The messages that did not arrive.
    Outgoing(OutgoingView),
    /// The form says why it was not enabled.
    Plugin {
        plugin: PluginView,
        form: FormState,
    },
    /// All its calls that are kept.
    PluginCalls(PluginCallsView),
    PluginForm(PluginForm),
    /// What a call comes to that was made once more.
    PluginTrial(Box<PluginTrialView>),
    /// Says what removing will do, and asks. The form says why it was refused.
    RemovePlugin {
        plugin: PluginView,
        form: FormState,
    },
    // For customers and operators.
    /// What is owed and paid.
    Billing(Billing),
    // For anybody.
    /// Says what a message's link ends, and asks.
    Unsubscribe(UnsubscribeView),
    Error(PortalError),
}
