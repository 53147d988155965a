//! Events: facts in the past tense, written in the transaction of the fact.

#[cfg(test)]
mod schemas;
mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use anyhow::Context as _;
use myrelay_domain::ids::{AccountId, EventId};
use serde_json::Value;

use crate::{Result, context::Context, database::Write};

/// Makes the enum of its lines: the event, the name in the database, and the name under which
/// plugins hear of it, which is that of its schema in `plugins/events`.
macro_rules! events {
    ($($event:ident = $name:literal, $published:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Event {
            $($event,)*
        }

        impl Event {
            /// Every event, in alphabetical order.
            pub(crate) const ALL: &[Self] = &[$(Self::$event,)*];

            /// The event's name.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$event => $name,)*
                }
            }

            /// The name under which plugins hear of it: that of the version of its schema.
            pub(crate) fn published(self) -> &'static str {
                match self {
                    $(Self::$event => $published,)*
                }
            }

            /// The text of its schema.
            #[cfg(test)]
            pub(crate) fn schema(self) -> &'static str {
                match self {
                    $(Self::$event => include_str!(concat!(
                        env!("CARGO_MANIFEST_DIR"), "/../plugins/events/", $published, ".json"
                    )),)*
                }
            }
        }
    };
}

events! {
    AccountCreated = "account.created", "account.created.v1";
    AccountPlanChanged = "account.plan_changed", "account.plan-changed.v1";
    AccountResumed = "account.resumed", "account.resumed.v1";
    AccountSuspended = "account.suspended", "account.suspended.v1";
    ChannelRemoved = "channel.removed", "channel.removed.v1";
    ChannelVerified = "channel.verified", "channel.verified.v1";
    InvoiceOpened = "invoice.opened", "invoice.opened.v1";
    InvoicePaid = "invoice.paid", "invoice.paid.v1";
    NodeAdded = "node.added", "node.added.v1";
    NodeDrainStarted = "node.drain_started", "node.drain-started.v1";
    NodeDrainStopped = "node.drain_stopped", "node.drain-stopped.v1";
    NodeJoined = "node.joined", "node.joined.v1";
    NodeQuarantined = "node.quarantined", "node.quarantined.v1";
    NodeResolverChanged = "node.resolver_changed", "node.resolver-changed.v1";
    NodeRetired = "node.retired", "node.retired.v1";
    NodeUsageRefused = "node.usage_refused", "node.usage-refused.v1";
    OperatorCreated = "operator.created", "operator.created.v1";
    PaymentDisputed = "payment.disputed", "payment.disputed.v1";
    PaymentFailed = "payment.failed", "payment.failed.v1";
    PaymentReceived = "payment.received", "payment.received.v1";
    PaymentRefundFailed = "payment.refund_failed", "payment.refund-failed.v1";
    PaymentRefunded = "payment.refunded", "payment.refunded.v1";
    PeerAdded = "peer.added", "peer.added.v1";
    PeerRemoved = "peer.removed", "peer.removed.v1";
    PeerRoutesChanged = "peer.routes_changed", "peer.routes-changed.v1";
    PlanAdded = "plan.added", "plan.added.v1";
    PlanMadeDefault = "plan.made_default", "plan.made-default.v1";
    PlanRemoved = "plan.removed", "plan.removed.v1";
    PlanWithdrawn = "plan.withdrawn", "plan.withdrawn.v1";
    PluginDisabled = "plugin.disabled", "plugin.disabled.v1";
    PluginEnabled = "plugin.enabled", "plugin.enabled.v1";
    PluginInstalled = "plugin.installed", "plugin.installed.v1";
    PluginRemoved = "plugin.removed", "plugin.removed.v1";
    PluginStopped = "plugin.stopped", "plugin.stopped.v1";
    PluginUpgraded = "plugin.upgraded", "plugin.upgraded.v1";
    PodChanged = "pod.changed", "pod.changed.v1";
    PodCreated = "pod.created", "pod.created.v1";
    PodDeleted = "pod.deleted", "pod.deleted.v1";
    PodMoved = "pod.moved", "pod.moved.v1";
    PodPaused = "pod.paused", "pod.paused.v1";
    PodResumed = "pod.resumed", "pod.resumed.v1";
    SessionStarted = "session.started", "session.started.v1";
    SubscriptionEnded = "subscription.ended", "subscription.ended.v1";
    SubscriptionExpiring = "subscription.expiring", "subscription.expiring.v1";
    SubscriptionPastDue = "subscription.past_due", "subscription.past-due.v1";
    SubscriptionRenewed = "subscription.renewed", "subscription.renewed.v1";
    SubscriptionStarted = "subscription.started", "subscription.started.v1";
    TokenCreated = "token.created", "token.created.v1";
    TokenRevoked = "token.revoked", "token.revoked.v1";
    UsageQuota100 = "usage.quota_100", "usage.quota-100.v1";
    UsageQuota80 = "usage.quota_80", "usage.quota-80.v1";
}

impl Event {
    /// The names of all, as they are told.
    pub(crate) fn all_published() -> Vec<String> {
        Self::ALL.iter().map(|it| it.published().to_owned()).collect()
    }
}

/// The name under which plugins hear of an event, with the version of its schema; none for an event
/// of a later portal.
pub(crate) fn published(name: &str) -> Option<String> {
    let known = Event::ALL.iter().find(|it| it.name() == name)?;
    Some(known.published().to_owned())
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

/// Marks events as dispatched; answers those that were not.
pub(crate) async fn mark_dispatched(
    tx: &mut Write,
    ids: &[EventId],
    now: i64,
) -> Result<BTreeSet<EventId>> {
    Ok(store::mark_dispatched(tx, ids, now).await?.into_iter().collect())
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

/// Marks events as ones of which messages were made; answers those of which none were.
pub(crate) async fn mark_told(
    tx: &mut Write,
    ids: &[EventId],
    now: i64,
) -> Result<BTreeSet<EventId>> {
    Ok(store::mark_told(tx, ids, now).await?.into_iter().collect())
}

/// Writes an event. The payload holds ids, never names, addresses or keys, and is what its schema in
/// `plugins/events` says: the tests look at every one.
pub(crate) async fn record(
    context: &Context,
    tx: &mut Write,
    event: Event,
    account: Option<AccountId>,
    payload: Value,
) -> Result<()> {
    #[cfg(test)]
    schemas::check(event, account, &payload);
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
