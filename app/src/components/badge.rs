//! A state: a word with a colour, never a colour alone.

use leptos::prelude::*;

use crate::{
    contract::{
        AccountState, ChannelState, ConnectionView, InvoiceState, MessageState, NodeRow, NodeState,
        PluginState, PodState, SubscriptionState,
    },
    texts,
};

/// How a state feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warn,
    Bad,
    Plain,
}

impl Tone {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// A word and how it feels, as every kind of state becomes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateWord {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
}

impl StateWord {
    /// How a device is: as its location where that decides it, else whether its node has it.
    pub(crate) fn of_device(applied: bool, state: PodState) -> Self {
        match state {
            PodState::Paused
            | PodState::Stopped
            | PodState::Throttled
            | PodState::Faulty
            | PodState::Unpaid => state.into(),
            PodState::Ready | PodState::WaitingForNode | PodState::NodeAway if applied => {
                Self { word: texts::DEVICE_READY, tone: Tone::Good }
            }
            _ => Self { word: texts::WAITING_FOR_NODE, tone: Tone::Warn },
        }
    }
}

impl From<PodState> for StateWord {
    fn from(state: PodState) -> Self {
        match state {
            PodState::Ready => Self { word: texts::POD_READY, tone: Tone::Good },
            PodState::WaitingForNode => Self { word: texts::WAITING_FOR_NODE, tone: Tone::Warn },
            PodState::NodeAway => Self { word: texts::NODE_AWAY, tone: Tone::Warn },
            PodState::Paused => Self { word: texts::PAUSED, tone: Tone::Plain },
            PodState::Faulty => Self { word: texts::POD_FAULTY, tone: Tone::Bad },
            PodState::Throttled => Self { word: texts::POD_THROTTLED, tone: Tone::Warn },
            PodState::Stopped => Self { word: texts::POD_STOPPED, tone: Tone::Bad },
            PodState::Unpaid => Self { word: texts::POD_UNPAID, tone: Tone::Bad },
        }
    }
}

impl From<NodeState> for StateWord {
    fn from(state: NodeState) -> Self {
        match state {
            NodeState::Awaiting => Self { word: texts::NODE_AWAITING, tone: Tone::Warn },
            NodeState::InContact => Self { word: texts::NODE_IN_CONTACT, tone: Tone::Good },
            NodeState::Away => Self { word: texts::NODE_AWAY, tone: Tone::Bad },
            NodeState::Quarantined => Self { word: texts::NODE_QUARANTINED, tone: Tone::Bad },
            NodeState::Retired => Self { word: texts::NODE_RETIRED, tone: Tone::Plain },
        }
    }
}

impl StateWord {
    /// A node in contact whose pods do not all serve is not well, nor is one with troubles.
    pub(crate) fn of_node(node: &NodeRow) -> Self {
        if node.state != NodeState::InContact {
            node.state.into()
        } else if 0 < node.faults {
            Self { word: texts::NODE_FAULTY, tone: Tone::Bad }
        } else if !node.troubles.is_empty() {
            Self { word: texts::NODE_TROUBLED, tone: Tone::Warn }
        } else if node.draining {
            Self { word: texts::NODE_DRAINING, tone: Tone::Plain }
        } else {
            node.state.into()
        }
    }
}

impl From<PluginState> for StateWord {
    fn from(state: PluginState) -> Self {
        match state {
            PluginState::Enabled => Self { word: texts::PLUGIN_ENABLED, tone: Tone::Good },
            PluginState::Failing => Self { word: texts::PLUGIN_FAILING, tone: Tone::Warn },
            PluginState::Resting => Self { word: texts::PLUGIN_RESTING, tone: Tone::Warn },
            PluginState::Stopped => Self { word: texts::PLUGIN_STOPPED, tone: Tone::Bad },
            PluginState::Unloaded => Self { word: texts::PLUGIN_UNLOADED, tone: Tone::Bad },
            PluginState::Disabled => Self { word: texts::PLUGIN_DISABLED, tone: Tone::Plain },
        }
    }
}

impl From<ChannelState> for StateWord {
    fn from(state: ChannelState) -> Self {
        match state {
            ChannelState::Unverified => Self { word: texts::CHANNEL_UNVERIFIED, tone: Tone::Warn },
            ChannelState::Verified => Self { word: texts::CHANNEL_VERIFIED, tone: Tone::Good },
            ChannelState::Unreachable => Self { word: texts::CHANNEL_UNREACHABLE, tone: Tone::Bad },
            ChannelState::Off => Self { word: texts::CHANNEL_OFF, tone: Tone::Plain },
        }
    }
}

impl From<MessageState> for StateWord {
    fn from(state: MessageState) -> Self {
        match state {
            MessageState::Waiting => Self { word: texts::MESSAGE_WAITING, tone: Tone::Plain },
            MessageState::Delivered => Self { word: texts::MESSAGE_DELIVERED, tone: Tone::Good },
            MessageState::GivenUp => Self { word: texts::MESSAGE_GIVEN_UP, tone: Tone::Bad },
            MessageState::Dropped => Self { word: texts::MESSAGE_DROPPED, tone: Tone::Warn },
        }
    }
}

impl From<AccountState> for StateWord {
    fn from(state: AccountState) -> Self {
        match state {
            AccountState::Active => Self { word: texts::ACCOUNT_ACTIVE, tone: Tone::Good },
            AccountState::Suspended => Self { word: texts::ACCOUNT_SUSPENDED, tone: Tone::Bad },
        }
    }
}

impl From<SubscriptionState> for StateWord {
    fn from(state: SubscriptionState) -> Self {
        match state {
            SubscriptionState::Pending => {
                Self { word: texts::SUBSCRIPTION_PENDING, tone: Tone::Warn }
            }
            SubscriptionState::Active => {
                Self { word: texts::SUBSCRIPTION_ACTIVE, tone: Tone::Good }
            }
            SubscriptionState::PastDue => {
                Self { word: texts::SUBSCRIPTION_PAST_DUE, tone: Tone::Bad }
            }
            SubscriptionState::Ended => Self { word: texts::SUBSCRIPTION_ENDED, tone: Tone::Plain },
        }
    }
}

impl From<InvoiceState> for StateWord {
    fn from(state: InvoiceState) -> Self {
        match state {
            InvoiceState::Open => Self { word: texts::INVOICE_OPEN, tone: Tone::Warn },
            InvoiceState::Pending => Self { word: texts::INVOICE_PENDING, tone: Tone::Warn },
            InvoiceState::Paid => Self { word: texts::INVOICE_PAID, tone: Tone::Good },
            InvoiceState::Void => Self { word: texts::INVOICE_VOID, tone: Tone::Plain },
        }
    }
}

impl From<ConnectionView> for StateWord {
    fn from(connection: ConnectionView) -> Self {
        match connection {
            ConnectionView::Connected => Self { word: texts::CONNECTED, tone: Tone::Good },
            ConnectionView::NotConnected => Self { word: texts::NOT_CONNECTED, tone: Tone::Plain },
            ConnectionView::NotApplied => Self { word: texts::WAITING_FOR_NODE, tone: Tone::Warn },
            ConnectionView::NodeAway => Self { word: texts::NODE_AWAY, tone: Tone::Warn },
        }
    }
}

/// Shows a state.
#[component]
pub fn Badge(#[prop(into)] state: StateWord) -> impl IntoView {
    view! { <span class=format!("badge badge-{}", state.tone.class())>{state.word}</span> }
}
