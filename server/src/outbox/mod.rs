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
    NodeAdded,
    NodeDrainStarted,
    NodeDrainStopped,
    NodeJoined,
    NodeQuarantined,
    NodeResolverChanged,
    NodeRetired,
    NodeUsageRefused,
    OperatorCreated,
    PeerAdded,
    PeerRemoved,
    PeerRoutesChanged,
    PlanAdded,
    PlanMadeDefault,
    PlanRemoved,
    PodChanged,
    PodCreated,
    PodDeleted,
    PodMoved,
    PodPaused,
    PodResumed,
    TokenCreated,
    TokenRevoked,
    UsageQuota100,
    UsageQuota80,
}

impl Event {
    /// The event's published name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccountCreated => "account.created",
            Self::AccountPlanChanged => "account.plan_changed",
            Self::AccountResumed => "account.resumed",
            Self::AccountSuspended => "account.suspended",
            Self::NodeAdded => "node.added",
            Self::NodeDrainStarted => "node.drain_started",
            Self::NodeDrainStopped => "node.drain_stopped",
            Self::NodeJoined => "node.joined",
            Self::NodeQuarantined => "node.quarantined",
            Self::NodeResolverChanged => "node.resolver_changed",
            Self::NodeRetired => "node.retired",
            Self::NodeUsageRefused => "node.usage_refused",
            Self::OperatorCreated => "operator.created",
            Self::PeerAdded => "peer.added",
            Self::PeerRemoved => "peer.removed",
            Self::PeerRoutesChanged => "peer.routes_changed",
            Self::PlanAdded => "plan.added",
            Self::PlanMadeDefault => "plan.made_default",
            Self::PlanRemoved => "plan.removed",
            Self::PodChanged => "pod.changed",
            Self::PodCreated => "pod.created",
            Self::PodDeleted => "pod.deleted",
            Self::PodMoved => "pod.moved",
            Self::PodPaused => "pod.paused",
            Self::PodResumed => "pod.resumed",
            Self::TokenCreated => "token.created",
            Self::TokenRevoked => "token.revoked",
            Self::UsageQuota100 => "usage.quota_100",
            Self::UsageQuota80 => "usage.quota_80",
        }
    }
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
