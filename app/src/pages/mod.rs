//! The screens. A door loads what a screen shows, and the screen draws it: no page waits inside.

use std::collections::BTreeMap;

use crate::contract::{
    AccountRow, AddedPeer, ConnectionView, HomeView, JoinView, Millis, NodePodRow, NodeRow,
    NodeView, Overview, Page, PodView, PortalError,
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

/// One screen with what it shows. The variants are in the order of the routes.
#[derive(Clone)]
pub enum Content {
    // For visitors.
    Front,
    SignIn(FormState),
    SignUp(FormState),
    OperatorSignIn(FormState),
    /// `token` is the one of the link.
    Invite { token: String, form: FormState },
    // For customers.
    Home { view: HomeView, form: FormState },
    Pod(PodView),
    /// Says what deleting will do, and asks.
    DeletePod(PodView),
    /// The form is the one for a key of one's own, which works without JavaScript.
    AddDevice { pod: PodView, form: FormState },
    Device { device: AddedPeer, connection: Option<ConnectionView> },
    RemoveDevice(AddedPeer),
    // For operators.
    Overview(Overview),
    Nodes(Vec<NodeRow>),
    AddNode(FormState),
    /// The join line, shown this once.
    Join(JoinView),
    Node(NodeView),
    RetireNode { node: NodeView, form: FormState },
    Pods(Page<NodePodRow>),
    Accounts { search: String, accounts: Page<AccountRow> },
    SuspendAccount(AccountRow),
    // For anybody.
    Error(PortalError),
}
