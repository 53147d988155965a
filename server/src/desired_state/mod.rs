//! Desired state: telling each node what it should have, and writing down what it has.

mod stream;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use myrelay_domain::ids::{NodeId, PodId};
use myrelay_node_protocol::{
    CheckAnswer, Delta, DesiredPod, DesiredState, EnrolRequest, Enrolled, Epoch, Generation,
    ObservedState, ResolverSettings, StateMessage, UsageReport,
};
pub use stream::stream;

use crate::{Result, context::Context, database::Engine, nodes, pods, usage};

/// How often a portal that is not alone looks for changes that others made.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// Everything a node should have, as of one moment.
pub async fn snapshot(context: &Context, node: NodeId) -> Result<DesiredState> {
    let Changes { generation, resolver, pods, .. } = read(context, node, Generation(0)).await?;
    Ok(DesiredState { epoch: epoch(context), generation, resolver, pods })
}

/// What an agent that has `have` is sent next: a delta if it can be continued from, else
/// everything. None when it has it all.
pub async fn next(
    context: &Context,
    node: NodeId,
    epoch_had: Epoch,
    have: Generation,
) -> Result<Option<StateMessage>> {
    let contact = nodes::contact(context, node).await?;
    let continues = epoch_had == epoch(context)
        && have != Generation(0)
        && have <= contact.generation
        // Tombstones go when a node has confirmed them: one that fell behind its own word
        // starts over.
        && (contact.applied.0 != epoch_had || contact.applied.1 <= have);
    if !continues {
        return Ok(Some(StateMessage::Snapshot { state: snapshot(context, node).await? }));
    }
    if have == contact.generation {
        return Ok(None);
    }
    let Changes { generation, resolver, pods, removed } = read(context, node, have).await?;
    let epoch = epoch(context);
    let delta = Delta { epoch, after: have, generation, resolver, pods, removed };
    Ok(Some(StateMessage::Delta { delta }))
}

/// Takes a node in, in one transaction: its join token is used up, it has its first certificate,
/// and the keys of its pods are those that it will tell.
pub async fn enrol(context: &Context, input: EnrolRequest) -> Result<Enrolled> {
    let mut tx = context.database.write().await?;
    let enrolled = nodes::enrol(context, &mut tx, input).await?;
    pods::forget_keys(&mut tx, enrolled.node).await?;
    tx.commit().await?;
    context.connections.close(enrolled.node);
    Ok(enrolled)
}

/// Takes a node's report, in one transaction, and tells those who wait for it.
pub async fn observe(context: &Context, node: NodeId, observed: ObservedState) -> Result<()> {
    let mut tx = context.database.write().await?;
    nodes::record_observed(context, &mut tx, node, &observed).await?;
    // What another epoch's generations mean is unknown here.
    if observed.epoch == epoch(context) {
        pods::record_observed(context, &mut tx, node, &observed).await?;
    }
    tx.commit().await?;
    if observed.epoch == epoch(context) {
        context.connections.applied(node, observed.generation);
    }
    Ok(())
}

/// Takes what a node says that its pods moved, in one transaction. What cannot be true is written
/// down as refused.
pub async fn take_usage(context: &Context, node: NodeId, report: &UsageReport) -> Result<()> {
    let mut tx = context.database.write().await?;
    let changed = match usage::take(context, &mut tx, node, report).await {
        Ok(placements) => pods::mark_placed(&mut tx, &placements).await?,
        Err(error @ crate::Error::Invalid { .. }) => {
            tx.rollback().await?;
            let mut tx = context.database.write().await?;
            usage::record_refusal(context, &mut tx, node, &error.to_string()).await?;
            tx.commit().await?;
            return Err(error);
        }
        Err(error) => return Err(error),
    };
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}

/// Takes a node's answer to a question.
pub fn answer(context: &Context, node: NodeId, answer: &CheckAnswer) {
    context.connections.answer(node, answer);
}

/// Looks for changes that other portals on the same database made, for as long as it is polled.
/// On SQLite there are none, and it waits for ever.
pub async fn watch(context: Context) {
    if context.database.engine() == Engine::Sqlite {
        std::future::pending::<()>().await;
    }
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        for node in context.connections.of_interest() {
            match nodes::contact(&context, node).await {
                Ok(contact) => {
                    context.connections.wake(node, contact.generation);
                    if contact.applied.0 == epoch(&context) {
                        context.connections.applied(node, contact.applied.1);
                    }
                }
                Err(crate::Error::NotFound(_)) => context.connections.close(node),
                Err(error) => tracing::warn!(%error, "cannot look for changes"),
            }
        }
    }
}

fn epoch(context: &Context) -> Epoch {
    Epoch(context.deployment.epoch.unsigned_abs())
}

/// What a node should have beyond a generation.
struct Changes {
    generation: Generation,
    resolver: Option<ResolverSettings>,
    pods: BTreeMap<PodId, DesiredPod>,
    removed: Vec<PodId>,
}

async fn read(context: &Context, node: NodeId, after: Generation) -> Result<Changes> {
    let mut snapshot = context.database.snapshot().await?;
    let generation = nodes::wanted_in(&mut snapshot, node).await?;
    let resolver = nodes::resolver_in(&mut snapshot, context, node).await?;
    let addresses = &context.deployment.addresses;
    let (pods, removed) = pods::desired(&mut snapshot, addresses, node, after).await?;
    snapshot.rollback().await?;
    Ok(Changes { generation, resolver, pods, removed })
}
