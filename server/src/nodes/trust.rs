//! Whether a node is the one agent that it says it is.

use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::INSTANCE_DIGITS;
use serde_json::json;

use super::store;
use crate::{
    Error, Result,
    authority::NODE_LIFE,
    context::Context,
    outbox::{self, Event},
};

/// Notes which run of a node's agent opens a stream. A run that another one has replaced never
/// comes back, unless two agents run with one identity, as after its folder was copied: then neither
/// is believed until the node joins anew. What they serve goes on.
///
/// # Errors
/// [`Error::Quarantined`] now and from then on.
pub(crate) async fn meet(context: &Context, node: NodeId, instance: &str) -> Result<()> {
    let fits = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    if instance.len() != INSTANCE_DIGITS || !instance.bytes().all(fits) {
        let message = format!("expected {INSTANCE_DIGITS} hexadecimal digits");
        return Err(Error::invalid("instance", message));
    }
    let mut tx = context.database.write().await?;
    let seen = store::find_instances(&mut tx, node).await?.ok_or(Error::Retired)?;
    if seen.quarantined {
        return Err(Error::Quarantined);
    }
    if seen.current.as_deref() == Some(instance) {
        return Ok(());
    }
    if seen.previous.as_deref() != Some(instance) {
        store::set_instance(&mut tx, node, instance).await?;
        tx.commit().await?;
        return Ok(());
    }
    store::set_quarantined(&mut tx, node, context.now()).await?;
    let payload = json!({ "node": node });
    outbox::record(context, &mut tx, Event::NodeQuarantined, None, payload).await?;
    tx.commit().await?;
    tracing::error!(%node, "two agents run with this node's identity: neither is believed");
    context.connections.close(node);
    Err(Error::Quarantined)
}

/// The names of the nodes whose certificates were issued before a moment, in milliseconds since
/// 1970-01-01 UTC. Nodes that never joined or are retired have none.
pub(crate) async fn not_certified_since(context: &Context, since_ms: i64) -> Result<Vec<String>> {
    let ends = since_ms.saturating_add(NODE_LIFE);
    Ok(store::ending_before(context.database.read(), ends).await?)
}
