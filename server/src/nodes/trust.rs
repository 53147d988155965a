//! Whether a node is the one agent that it says it is.

use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::INSTANCE_DIGITS;
use serde_json::json;

use super::store;
use crate::{
    Error, Result,
    authority::NODE_LIFE,
    context::Context,
    database::Write,
    outbox::{self, Event},
};

/// A request that a run sent before it ended arrives at most so long after another one of that run:
/// who comes back later than that is alive.
pub(super) const LATE_MS: i64 = 10 * 1000;
/// How many runs that were replaced are remembered for each node.
pub(super) const REMEMBERED_RUNS: i64 = 100;

/// Opens a node's stream for a run of its agent, and answers the stream's number: those before are
/// over, on every portal. A run that another one has replaced is refused, for its request may have
/// been on its way when it ended. One that comes back again lives, beside the one that replaced it:
/// two agents run with one identity, as after its folder was copied. Then neither is believed until
/// the node joins anew. What they serve goes on.
///
/// # Errors
/// [`Error::Replaced`], and [`Error::Quarantined`] from then on.
pub(crate) async fn meet(context: &Context, node: NodeId, instance: &str) -> Result<i64> {
    let fits = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    if instance.len() != INSTANCE_DIGITS || !instance.bytes().all(fits) {
        let message = format!("expected {INSTANCE_DIGITS} hexadecimal digits");
        return Err(Error::invalid("instance", message));
    }
    let now = context.now();
    let mut tx = context.database.write().await?;
    let seen = store::find_run(&mut tx, node, instance).await?.ok_or(Error::Retired)?;
    if seen.quarantined {
        return Err(Error::Quarantined);
    }
    match seen.replaced {
        None => {
            if seen.current.as_deref() != Some(instance) {
                store::set_run(&mut tx, node, instance, REMEMBERED_RUNS, now).await?;
            }
            let stream = store::open_stream(&mut tx, node, now).await?;
            tx.commit().await?;
            Ok(stream)
        }
        Some(None) => {
            store::set_returned(&mut tx, node, instance, now).await?;
            tx.commit().await?;
            Err(Error::Replaced)
        }
        Some(Some(returned_at)) if now < returned_at + LATE_MS => Err(Error::Replaced),
        Some(Some(_)) => quarantine(context, tx, node).await,
    }
}

async fn quarantine(context: &Context, mut tx: Write, node: NodeId) -> Result<i64> {
    store::set_quarantined(&mut tx, node, context.now()).await?;
    let payload = json!({ "node": node });
    outbox::record(context, &mut tx, Event::NodeQuarantined, None, payload).await?;
    tx.commit().await?;
    tracing::error!(%node, "two agents run with this node's identity: neither is believed");
    context.connections.close(node);
    Err(Error::Quarantined)
}

/// Whether a stream is the node's latest, and nothing ended it: not a retirement, a quarantine or a
/// new join either.
pub(crate) async fn is_latest_stream(context: &Context, node: NodeId, stream: i64) -> Result<bool> {
    Ok(store::stream(context.database.read(), node).await? == Some(stream))
}

/// Writes down that a stream ended; a later one of the node may be open.
pub(crate) async fn leave(context: &Context, node: NodeId, stream: i64) -> Result<()> {
    let mut tx = context.database.write().await?;
    store::leave_stream(&mut tx, node, stream, context.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// The names of the nodes whose certificates were issued before a moment, in milliseconds since
/// 1970-01-01 UTC. Nodes that never joined or are retired have none.
pub(crate) async fn not_certified_since(context: &Context, since_ms: i64) -> Result<Vec<String>> {
    let ends = since_ms.saturating_add(NODE_LIFE);
    Ok(store::ending_before(context.database.read(), ends).await?)
}
