//! Which nodes take pods, and emptying one of them.

use myrelay_app::contract::TargetView;
use myrelay_domain::ids::{LocationId, NodeId};
use serde_json::json;

use super::{AWAY_MS, parse_id, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    database::Write,
    outbox::{self, Event},
};

/// For operators: starts to move a node's pods to the other nodes of its location; it gets no new
/// ones. Twice is fine.
pub async fn start_draining(context: &Context, caller: Caller, node: &str) -> Result<()> {
    set(context, caller, node, true).await
}

/// For operators: lets the pods that are on a node stay, and new ones come. Those that moved do not
/// come back. Twice is fine.
pub async fn stop_draining(context: &Context, caller: Caller, node: &str) -> Result<()> {
    set(context, caller, node, false).await
}

async fn set(context: &Context, caller: Caller, node: &str, drain: bool) -> Result<()> {
    caller.operator()?;
    let node = parse_id(node)?;
    let mut tx = context.database.write().await?;
    let facts = store::find(&mut tx, node).await?.ok_or(Error::NotFound("node"))?;
    if facts.retired {
        return Err(Error::invalid("node", "this node was retired"));
    }
    if facts.draining == drain {
        return Ok(());
    }
    let event = if drain {
        store::start_draining(&mut tx, node, context.now()).await?;
        Event::NodeDrainStarted
    } else {
        store::stop_draining(&mut tx, node).await?;
        Event::NodeDrainStopped
    };
    outbox::record(context, &mut tx, event, None, json!({ "node": node })).await?;
    tx.commit().await?;
    Ok(())
}

/// The nodes that are being drained.
pub(crate) async fn draining(context: &Context) -> Result<Vec<NodeId>> {
    Ok(store::draining(context.database.read()).await?)
}

/// Whether a node is being drained, as of a transaction's moment.
pub(crate) async fn is_draining(tx: &mut Write, node: NodeId) -> Result<bool> {
    Ok(store::find(tx, node).await?.is_some_and(|it| it.draining))
}

/// The node in a location that a new pod goes to: one in contact before one that is away, then
/// the one with the fewest pods. None that is drained, quarantined or retired.
pub(crate) async fn pick(
    tx: &mut Write,
    context: &Context,
    location: LocationId,
) -> Result<Option<NodeId>> {
    Ok(store::pick(tx, location, context.now() - AWAY_MS).await?)
}

/// The node in a location, in contact and not this one, that a pod moves to.
pub(crate) async fn pick_other(
    tx: &mut Write,
    context: &Context,
    location: LocationId,
    not: NodeId,
) -> Result<Option<NodeId>> {
    let takers = store::takers(&mut **tx, location, not, context.now() - AWAY_MS).await?;
    Ok(takers.first().map(|it| it.id))
}

/// The nodes in a location, in contact and not this one, that a pod could move to: the one with
/// the fewest pods first.
pub(crate) async fn others(
    context: &Context,
    location: LocationId,
    not: NodeId,
) -> Result<Vec<TargetView>> {
    let since = context.now() - AWAY_MS;
    Ok(store::takers(context.database.read(), location, not, since).await?)
}

/// Refuses a node that a pod of this location cannot move to now.
pub(crate) async fn ensure_takes_pods(
    tx: &mut Write,
    context: &Context,
    node: NodeId,
    location: LocationId,
) -> Result<()> {
    let facts = store::find(tx, node).await?.filter(|it| it.location == location && !it.retired);
    let Some(facts) = facts else {
        return Err(Error::invalid("node", "pick another node of the same location"));
    };
    if facts.draining || facts.quarantined {
        return Err(Error::invalid("node", "this node takes no pods at the moment: pick another"));
    }
    if facts.is_lost(context.now()) {
        return Err(Error::invalid("node", "this node is not in contact: pick one that is"));
    }
    Ok(())
}
