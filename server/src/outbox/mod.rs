//! Events: facts in the past tense, written in the transaction of the fact.

mod store;

use anyhow::Context as _;
use myrelay_domain::ids::{AccountId, EventId};
use serde_json::Value;

use crate::{Result, context::Context, database::Write};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    AccountCreated,
    AccountPlanChanged,
    AccountResumed,
    AccountSuspended,
    ChannelRemoved,
    ChannelVerified,
    NodeAdded,
    NodeDrainStarted,
    NodeDrainStopped,
    NodeJoined,
    NodeQuarantined,
    NodeResolverChanged,
    NodeRetired,
    NodeUsageRefused,
    OperatorCreated,
    PaymentDisputed,
    PaymentFailed,
    PaymentReceived,
    PaymentRefundFailed,
    PaymentRefunded,
    PeerAdded,
    PeerRemoved,
    PeerRoutesChanged,
    PlanAdded,
    PlanMadeDefault,
    PlanRemoved,
    PlanWithdrawn,
    PluginDisabled,
    PluginEnabled,
    PluginInstalled,
    PluginRemoved,
    PluginStopped,
    PluginUpgraded,
    PodChanged,
    PodCreated,
    PodDeleted,
    PodMoved,
    PodPaused,
    PodResumed,
    SubscriptionEnded,
    SubscriptionExpiring,
    SubscriptionPastDue,
    SubscriptionRenewed,
    SubscriptionStarted,
    TokenCreated,
    TokenRevoked,
    UsageQuota100,
    UsageQuota80,
}

impl Event {
    /// The names of all, as they are told.
    pub(crate) fn all_published() -> Vec<String> {
        Self::ALL.iter().map(|it| it.published()).collect()
    }

    /// Every event, in alphabetical order.
    pub(crate) const ALL: &[Self] = &[
        Self::AccountCreated,
        Self::AccountPlanChanged,
        Self::AccountResumed,
        Self::AccountSuspended,
        Self::ChannelRemoved,
        Self::ChannelVerified,
        Self::NodeAdded,
        Self::NodeDrainStarted,
        Self::NodeDrainStopped,
        Self::NodeJoined,
        Self::NodeQuarantined,
        Self::NodeResolverChanged,
        Self::NodeRetired,
        Self::NodeUsageRefused,
        Self::OperatorCreated,
        Self::PaymentDisputed,
        Self::PaymentFailed,
        Self::PaymentReceived,
        Self::PaymentRefundFailed,
        Self::PaymentRefunded,
        Self::PeerAdded,
        Self::PeerRemoved,
        Self::PeerRoutesChanged,
        Self::PlanAdded,
        Self::PlanMadeDefault,
        Self::PlanRemoved,
        Self::PlanWithdrawn,
        Self::PluginDisabled,
        Self::PluginEnabled,
        Self::PluginInstalled,
        Self::PluginRemoved,
        Self::PluginStopped,
        Self::PluginUpgraded,
        Self::PodChanged,
        Self::PodCreated,
        Self::PodDeleted,
        Self::PodMoved,
        Self::PodPaused,
        Self::PodResumed,
        Self::SubscriptionEnded,
        Self::SubscriptionExpiring,
        Self::SubscriptionPastDue,
        Self::SubscriptionRenewed,
        Self::SubscriptionStarted,
        Self::TokenCreated,
        Self::TokenRevoked,
        Self::UsageQuota100,
        Self::UsageQuota80,
    ];

    /// The name under which plugins hear of it: that of the version of its schema.
    pub(crate) fn published(self) -> String {
        format!("{}.v1", self.name().replace('_', "-"))
    }

    /// The event's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccountCreated => "account.created",
            Self::AccountPlanChanged => "account.plan_changed",
            Self::AccountResumed => "account.resumed",
            Self::AccountSuspended => "account.suspended",
            Self::ChannelRemoved => "channel.removed",
            Self::ChannelVerified => "channel.verified",
            Self::NodeAdded => "node.added",
            Self::NodeDrainStarted => "node.drain_started",
            Self::NodeDrainStopped => "node.drain_stopped",
            Self::NodeJoined => "node.joined",
            Self::NodeQuarantined => "node.quarantined",
            Self::NodeResolverChanged => "node.resolver_changed",
            Self::NodeRetired => "node.retired",
            Self::NodeUsageRefused => "node.usage_refused",
            Self::OperatorCreated => "operator.created",
            Self::PaymentDisputed => "payment.disputed",
            Self::PaymentFailed => "payment.failed",
            Self::PaymentReceived => "payment.received",
            Self::PaymentRefundFailed => "payment.refund_failed",
            Self::PaymentRefunded => "payment.refunded",
            Self::PeerAdded => "peer.added",
            Self::PeerRemoved => "peer.removed",
            Self::PeerRoutesChanged => "peer.routes_changed",
            Self::PlanAdded => "plan.added",
            Self::PlanMadeDefault => "plan.made_default",
            Self::PlanRemoved => "plan.removed",
            Self::PlanWithdrawn => "plan.withdrawn",
            Self::PluginDisabled => "plugin.disabled",
            Self::PluginEnabled => "plugin.enabled",
            Self::PluginInstalled => "plugin.installed",
            Self::PluginRemoved => "plugin.removed",
            Self::PluginStopped => "plugin.stopped",
            Self::PluginUpgraded => "plugin.upgraded",
            Self::PodChanged => "pod.changed",
            Self::PodCreated => "pod.created",
            Self::PodDeleted => "pod.deleted",
            Self::PodMoved => "pod.moved",
            Self::PodPaused => "pod.paused",
            Self::PodResumed => "pod.resumed",
            Self::SubscriptionEnded => "subscription.ended",
            Self::SubscriptionExpiring => "subscription.expiring",
            Self::SubscriptionPastDue => "subscription.past_due",
            Self::SubscriptionRenewed => "subscription.renewed",
            Self::SubscriptionStarted => "subscription.started",
            Self::TokenCreated => "token.created",
            Self::TokenRevoked => "token.revoked",
            Self::UsageQuota100 => "usage.quota_100",
            Self::UsageQuota80 => "usage.quota_80",
        }
    }
}

/// The name under which plugins hear of an event, with the version of its schema; none for an event
/// of a later portal.
pub(crate) fn published(name: &str) -> Option<String> {
    let known = Event::ALL.iter().find(|it| it.name() == name)?;
    Some(known.published())
}

/// An event that was not dispatched.
pub(crate) struct Waiting {
    pub(crate) id: EventId,
    /// Its name.
    pub(crate) kind: String,
    pub(crate) account: Option<AccountId>,
    /// When it happened.
    pub(crate) at: i64,
}

/// The oldest events that were not dispatched.
pub(crate) async fn waiting(context: &Context, most: i64) -> Result<Vec<Waiting>> {
    Ok(store::waiting(context.database.read(), most).await?)
}

/// Marks an event as dispatched. False: it was.
pub(crate) async fn mark_dispatched(tx: &mut Write, id: EventId, now: i64) -> Result<bool> {
    Ok(store::mark_dispatched(tx, id, now).await?)
}

/// An event of which no message was made yet.
pub(crate) struct Untold {
    pub(crate) id: EventId,
    /// Its name.
    pub(crate) kind: String,
    pub(crate) account: Option<AccountId>,
    pub(crate) payload: String,
}

/// The oldest events of which no message was made yet.
pub(crate) async fn untold(context: &Context, most: i64) -> Result<Vec<Untold>> {
    Ok(store::untold(context.database.read(), most).await?)
}

/// Marks an event as one of which messages were made. False: it was.
pub(crate) async fn mark_told(tx: &mut Write, id: EventId, now: i64) -> Result<bool> {
    Ok(store::mark_told(tx, id, now).await?)
}

/// Writes an event. The payload holds ids, never names, addresses or keys.
pub(crate) async fn record(
    context: &Context,
    tx: &mut Write,
    event: Event,
    account: Option<AccountId>,
    payload: Value,
) -> Result<()> {
    let payload = serde_json::to_string(&payload).context("an event's payload")?;
    let id: EventId = context.new_id();
    store::insert(tx, id, event.name(), account, &payload, context.now()).await?;
    Ok(())
}

/// The names of all events so far, oldest first: what the tests read.
#[cfg(test)]
pub(crate) async fn names(context: &Context) -> Vec<String> {
    store::names(context.database.read()).await.unwrap()
}
