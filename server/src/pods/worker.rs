//! What becomes of pods by itself: overlaps end, and nodes that are drained lose their pods.

use std::time::Duration;

use myrelay_domain::ids::{NodeId, PodId};

use super::{moving, store};
use crate::{Result, context::Context, nodes};

/// How often the worker looks.
const EVERY: Duration = Duration::from_secs(5);
/// How many overlaps it ends in one go.
const ENDED: i64 = 100;
/// How many pods it moves off a node in one go: customers' changes get in between.
const MOVED: i64 = 10;

/// Works for as long as it is polled. Several portals may: each step is a transaction that finds
/// its work done or does it.
pub async fn work(context: Context) {
    loop {
        if let Err(error) = end_overlaps(&context).await {
            tracing::warn!(%error, "cannot look where pods were served");
        }
        if let Err(error) = drain(&context).await {
            tracing::warn!(%error, "cannot look which nodes are drained");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Has nodes forget the pods that moved away and whose time there is over.
pub(super) async fn end_overlaps(context: &Context) -> Result<()> {
    for (pod, node) in store::ended(context.database.read(), context.now(), ENDED).await? {
        // One that fails holds up nobody else.
        if let Err(error) = end_overlap(context, node, pod).await {
            tracing::warn!(%node, %pod, %error, "cannot end where a pod was served");
        }
    }
    Ok(())
}

async fn end_overlap(context: &Context, node: NodeId, pod: PodId) -> Result<()> {
    let mut tx = context.database.write().await?;
    let generation = nodes::bump(&mut tx, node).await?;
    let facts = store::find(&mut tx, pod).await?;
    let former = facts.and_then(|it| it.former).filter(|it| it.node == node);
    let now = context.now();
    let Some(former) = former.filter(|it| it.ends_at <= now) else { return Ok(()) };
    store::insert_tombstone(&mut tx, pod, (node, former.port), generation, now).await?;
    store::end_former(&mut tx, pod, node).await?;
    tx.commit().await?;
    context.connections.wake(node, generation);
    Ok(())
}

/// Moves some pods off every node that is being drained.
pub(super) async fn drain(context: &Context) -> Result<()> {
    for node in nodes::draining(context).await? {
        for pod in store::some_of_node(context.database.read(), node, MOVED).await? {
            match moving::move_away(context, node, pod).await {
                Ok(true) => {}
                // The node's page says that there is nowhere to go.
                Ok(false) => break,
                Err(error) => tracing::warn!(%node, %pod, %error, "cannot move a pod"),
            }
        }
    }
    Ok(())
}
