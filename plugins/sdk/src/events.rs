//! What events hold, a struct for each: `cargo xtask events` writes this file by `plugins/events`.
//!
//! ```ignore
//! match events::parse(&event.type_name, &event.data)? {
//!     Some(events::Event::PeerAdded(it)) => tell(&it.peer),
//!     _ => Ok(()),
//! }
//! ```

use serde::Deserialize;

use crate::{
    answers::error,
    types::{Error, ErrorKind},
};

macro_rules! events {
    ($(
        $(#[$about:meta])*
        $event:ident = $name:literal {
            $($(#[$field_about:meta])* $field:ident: $kind:ty,)*
        }
    )*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
            #[non_exhaustive]
            pub struct $event {
                $($(#[$field_about])* pub $field: $kind,)*
            }
        )*

        /// An event that this SDK knows.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Event {
            $($(#[$about])* $event($event),)*
        }

        /// What an event holds, by `type_name` and `data` as `handle` gets them. None where the SDK
        /// is older than the event. Fields that came later are left out.
        ///
        /// # Errors
        /// [`ErrorKind::InvalidInput`] where `data` is not what the event's schema says.
        pub fn parse(type_name: &str, data: &str) -> Result<Option<Event>, Error> {
            let wrong = |why: serde_json::Error| {
                error(ErrorKind::InvalidInput, format!("the data of {type_name}: {why}"))
            };
            match type_name {
                $($name => Ok(Some(Event::$event(serde_json::from_str(data).map_err(wrong)?))),)*
                _ => Ok(None),
            }
        }
    };
}

events! {
    /// An account was made.
    AccountCreated = "account.created.v1" {
        /// The account's id.
        account: String,
    }

    /// An account has another plan.
    AccountPlanChanged = "account.plan-changed.v1" {
        /// The account's id.
        account: String,
        /// The id of the plan from now on.
        plan: String,
    }

    /// A suspended account may be used again.
    AccountResumed = "account.resumed.v1" {
        /// The account's id.
        account: String,
    }

    /// An account is suspended: its pods stand still.
    AccountSuspended = "account.suspended.v1" {
        /// The account's id.
        account: String,
    }

    /// A customer removed a channel for messages.
    ChannelRemoved = "channel.removed.v1" {
        /// The channel's id.
        channel: String,
    }

    /// A customer confirmed a channel for messages.
    ChannelVerified = "channel.verified.v1" {
        /// The channel's id.
        channel: String,
    }

    /// There is something to be paid.
    InvoiceOpened = "invoice.opened.v1" {
        /// The invoice's id.
        invoice: String,
        /// The subscription's id.
        subscription: String,
        /// How much, in the smallest unit of the currency: cents.
        amount: i64,
        /// The currency, by its three letters: EUR.
        currency: String,
    }

    /// An invoice is paid.
    InvoicePaid = "invoice.paid.v1" {
        /// The invoice's id.
        invoice: String,
        /// The subscription's id.
        subscription: String,
    }

    /// An operator added a node, which has not joined yet.
    NodeAdded = "node.added.v1" {
        /// The node's id.
        node: String,
    }

    /// A node takes no new pods from now on.
    NodeDrainStarted = "node.drain-started.v1" {
        /// The node's id.
        node: String,
    }

    /// A node takes new pods again.
    NodeDrainStopped = "node.drain-stopped.v1" {
        /// The node's id.
        node: String,
    }

    /// The machine of a node is there and has an identity.
    NodeJoined = "node.joined.v1" {
        /// The node's id.
        node: String,
    }

    /// Two agents have the identity of one node: it is trusted with nothing more.
    NodeQuarantined = "node.quarantined.v1" {
        /// The node's id.
        node: String,
    }

    /// A node answers its devices' DNS in another way.
    NodeResolverChanged = "node.resolver-changed.v1" {
        /// The node's id.
        node: String,
    }

    /// A node is given up.
    NodeRetired = "node.retired.v1" {
        /// The node's id.
        node: String,
    }

    /// A node told usage that cannot be.
    NodeUsageRefused = "node.usage-refused.v1" {
        /// The node's id.
        node: String,
    }

    /// There is a new operator.
    OperatorCreated = "operator.created.v1" {
        /// The operator's id.
        operator: String,
    }

    /// A customer had a payment disputed by their bank.
    PaymentDisputed = "payment.disputed.v1" {
        /// The payment's id.
        payment: String,
    }

    /// A payment was tried and failed.
    PaymentFailed = "payment.failed.v1" {
        /// The provider's word for why.
        code: String,
        /// The id of the invoice it was for, where it was for one.
        invoice: Option<String>,
    }

    /// A payment arrived.
    PaymentReceived = "payment.received.v1" {
        /// The payment's id.
        payment: String,
        /// How much, in the smallest unit of the currency: cents.
        amount: i64,
        /// The currency, by its three letters: EUR.
        currency: String,
        /// The id of the invoice it is for, where it is for one.
        invoice: Option<String>,
    }

    /// A refund came back, and the payment is ours again.
    PaymentRefundFailed = "payment.refund-failed.v1" {
        /// The payment's id.
        payment: String,
        /// How much, in the smallest unit of the currency: cents.
        amount: i64,
        /// The currency, by its three letters: EUR.
        currency: String,
    }

    /// A payment went back, in whole or in part.
    PaymentRefunded = "payment.refunded.v1" {
        /// The payment's id.
        payment: String,
        /// How much, in the smallest unit of the currency: cents.
        amount: i64,
        /// The currency, by its three letters: EUR.
        currency: String,
    }

    /// A device was added to a pod.
    PeerAdded = "peer.added.v1" {
        /// The device's id.
        peer: String,
        /// The id of its pod.
        pod: String,
    }

    /// A device was removed from a pod.
    PeerRemoved = "peer.removed.v1" {
        /// The device's id.
        peer: String,
        /// The id of the pod it was in.
        pod: String,
    }

    /// Other networks go through a device's tunnel.
    PeerRoutesChanged = "peer.routes-changed.v1" {
        /// The device's id.
        peer: String,
        /// The id of its pod.
        pod: String,
    }

    /// There is a new plan.
    PlanAdded = "plan.added.v1" {
        /// The plan's id.
        plan: String,
    }

    /// New accounts have this plan from now on.
    PlanMadeDefault = "plan.made-default.v1" {
        /// The plan's id.
        plan: String,
    }

    /// A plan is gone.
    PlanRemoved = "plan.removed.v1" {
        /// The plan's id.
        plan: String,
    }

    /// A plan is not offered any more.
    PlanWithdrawn = "plan.withdrawn.v1" {
        /// The plan's id.
        plan: String,
    }

    /// An operator disabled a plugin.
    PluginDisabled = "plugin.disabled.v1" {
        /// The id of the installation.
        plugin: String,
    }

    /// An operator enabled a plugin.
    PluginEnabled = "plugin.enabled.v1" {
        /// The id of the installation.
        plugin: String,
    }

    /// An operator installed a plugin.
    PluginInstalled = "plugin.installed.v1" {
        /// The id of the installation.
        plugin: String,
        /// The plugin's own id, a reverse domain name.
        name: String,
        /// Its version.
        version: String,
    }

    /// An operator removed a plugin.
    PluginRemoved = "plugin.removed.v1" {
        /// The id of the installation.
        plugin: String,
        /// The plugin's own id, a reverse domain name.
        name: String,
    }

    /// The portal stopped a plugin that fails all the time.
    PluginStopped = "plugin.stopped.v1" {
        /// The id of the installation.
        plugin: String,
    }

    /// A plugin has another version, or other settings: then from and to are the same.
    PluginUpgraded = "plugin.upgraded.v1" {
        /// The id of the installation.
        plugin: String,
        /// The version before.
        from: String,
        /// The version from now on.
        to: String,
    }

    /// A customer changed a pod's settings.
    PodChanged = "pod.changed.v1" {
        /// The pod's id.
        pod: String,
        /// Whether its devices reach each other.
        devices_meet: bool,
    }

    /// A customer has a pod in a location.
    PodCreated = "pod.created.v1" {
        /// The pod's id.
        pod: String,
        /// The id of the node that serves it.
        node: String,
    }

    /// A pod is gone.
    PodDeleted = "pod.deleted.v1" {
        /// The pod's id.
        pod: String,
        /// The id of the node that served it.
        node: String,
    }

    /// A pod is served by another node.
    PodMoved = "pod.moved.v1" {
        /// The pod's id.
        pod: String,
        /// The id of the node before.
        from: String,
        /// The id of the node from now on.
        to: String,
    }

    /// A customer paused a pod.
    PodPaused = "pod.paused.v1" {
        /// The pod's id.
        pod: String,
    }

    /// A customer resumed a pod.
    PodResumed = "pod.resumed.v1" {
        /// The pod's id.
        pod: String,
    }

    /// A customer signed in.
    SessionStarted = "session.started.v1" {
        /// The account's id.
        account: String,
    }

    /// A subscription ended.
    SubscriptionEnded = "subscription.ended.v1" {
        /// The subscription's id.
        subscription: String,
        /// The id of its plan.
        plan: String,
    }

    /// A subscription ends soon if nobody pays.
    SubscriptionExpiring = "subscription.expiring.v1" {
        /// The subscription's id.
        subscription: String,
        /// The id of its plan.
        plan: String,
        /// Until when it is paid, in milliseconds since 1970 UTC.
        paid_until: i64,
    }

    /// A subscription was not paid in time.
    SubscriptionPastDue = "subscription.past-due.v1" {
        /// The subscription's id.
        subscription: String,
        /// The id of its plan.
        plan: String,
        /// Until when it is paid, in milliseconds since 1970 UTC.
        paid_until: i64,
    }

    /// A subscription is paid for one period more.
    SubscriptionRenewed = "subscription.renewed.v1" {
        /// The subscription's id.
        subscription: String,
        /// The id of its plan.
        plan: String,
        /// The invoice's id.
        invoice: String,
        /// Until when it is paid, in milliseconds since 1970 UTC.
        paid_until: i64,
    }

    /// A subscription is paid for the first time.
    SubscriptionStarted = "subscription.started.v1" {
        /// The subscription's id.
        subscription: String,
        /// The id of its plan.
        plan: String,
        /// The invoice's id.
        invoice: String,
        /// Until when it is paid, in milliseconds since 1970 UTC.
        paid_until: i64,
    }

    /// A customer made a token for a pod.
    TokenCreated = "token.created.v1" {
        /// The token's id.
        token: String,
        /// The id of the pod that it manages.
        pod: String,
    }

    /// A token for a pod is no longer good.
    TokenRevoked = "token.revoked.v1" {
        /// The token's id.
        token: String,
        /// The id of the pod that it managed.
        pod: String,
    }

    /// An account used up its data of the month in a location.
    UsageQuota100 = "usage.quota-100.v1" {
        /// The account's id.
        account: String,
        /// The location's id.
        location: String,
        /// When the month of the quota began, in milliseconds since 1970 UTC.
        period_at: i64,
    }

    /// An account used 80 % of its data of the month in a location.
    UsageQuota80 = "usage.quota-80.v1" {
        /// The account's id.
        account: String,
        /// The location's id.
        location: String,
        /// When the month of the quota began, in milliseconds since 1970 UTC.
        period_at: i64,
    }
}
