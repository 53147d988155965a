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
    AccountResumed,
    AccountSuspended,
    NodeAdded,
    NodeJoined,
    NodeRetired,
    OperatorCreated,
    PeerAdded,
    PeerRemoved,
    PodCreated,
    PodDeleted,
}

impl Event {
    /// The event's published name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccountCreated => "account.created",
            Self::AccountResumed => "account.resumed",
            Self::AccountSuspended => "account.suspended",
            Self::NodeAdded => "node.added",
            Self::NodeJoined => "node.joined",
            Self::NodeRetired => "node.retired",
            Self::OperatorCreated => "operator.created",
            Self::PeerAdded => "peer.added",
            Self::PeerRemoved => "peer.removed",
            Self::PodCreated => "pod.created",
            Self::PodDeleted => "pod.deleted",
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
