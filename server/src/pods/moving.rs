//! Moving a pod to another node of its location: key and port are the new node's, addresses and
//! devices stay, and for a while both nodes serve it.

use myrelay_app::contract::{MovePod, MoveView};
use myrelay_domain::ids::{NodeId, PodId};
use serde_json::json;

use super::{Changed, PodFacts, count_change, free_port, gone, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    database::Write,
    deployment, nodes,
    outbox::{self, Event},
    usage::{self, Placement},
};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long both nodes serve a pod that moved, where nobody says otherwise.
pub(super) const OVERLAP_MS: i64 = 7 * 24 * HOUR_MS;

/// For operators: moves a pod to another node of its location. To the node it is on already,
/// nothing happens.
pub async fn move_pod(context: &Context, caller: Caller, pod: &str, input: MovePod) -> Result<()> {
    caller.operator()?;
    let pod = super::parse_id(pod)?;
    let overlap_ms = match input.overlap.as_str() {
        "none" => 0,
        "hour" => HOUR_MS,
        "day" => 24 * HOUR_MS,
        "week" => OVERLAP_MS,
        _ => return Err(Error::invalid("overlap", "say how long both servers serve it")),
    };
    let target: NodeId =
        input.node.parse().map_err(|_no_id| Error::invalid("node", "pick a node"))?;
    let mut tx = context.database.write().await?;
    deployment::count_allocation(&mut tx).await?;
    let facts = store::find(&mut tx, pod).await?.ok_or(Error::NotFound("pod"))?;
    if facts.node == target {
        return Ok(());
    }
    nodes::ensure_takes_pods(&mut tx, context, target, facts.location_id).await?;
    let changed = relocate(context, &mut tx, &facts, target, overlap_ms).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}

/// For operators: a pod, and the nodes that it could move to.
pub async fn move_view(context: &Context, caller: Caller, pod: &str) -> Result<MoveView> {
    let row = super::get_any_row(context, caller, pod).await?;
    let facts =
        store::view(context.database.read(), row.id).await?.ok_or(Error::NotFound("pod"))?;
    let targets = nodes::others(context, facts.location_id, facts.node).await?;
    Ok(MoveView { pod: row, location: facts.location, targets })
}

/// Moves a pod off a node that is being drained to whichever other node suits best. Answers
/// whether there was one; a pod that is no longer there needs none.
pub(super) async fn move_away(context: &Context, node: NodeId, pod: PodId) -> Result<bool> {
    let mut tx = context.database.write().await?;
    deployment::count_allocation(&mut tx).await?;
    let facts = store::find(&mut tx, pod).await?;
    let Some(facts) = facts.filter(|it| it.node == node) else { return Ok(true) };
    if !nodes::is_draining(&mut tx, node).await? {
        return Ok(true);
    }
    let target = nodes::pick_other(&mut tx, context, facts.location_id, node).await?;
    let Some(target) = target else { return Ok(false) };
    let changed = relocate(context, &mut tx, &facts, target, OVERLAP_MS).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(true)
}

/// Puts a pod on another node. Only one transaction may be here at a time.
async fn relocate(
    context: &Context,
    tx: &mut Write,
    facts: &PodFacts,
    target: NodeId,
    overlap_ms: i64,
) -> Result<Changed> {
    let now = context.now();
    let mut nodes = facts.nodes();
    nodes.push(target);
    let changed = count_change(tx, nodes).await?;
    // A node that serves it still goes on with the port and the key that devices may know.
    let back = facts.former.as_ref().filter(|it| it.node == target);
    let (port, key) = match back {
        Some(former) => (former.port, former.public_key),
        None => (free_port(tx, target).await?, None),
    };
    if let Some(former) = &facts.former {
        store::end_former(tx, facts.id, former.node).await?;
        if former.node != target {
            let placement = (former.node, former.port);
            let generation = changed.of(former.node);
            store::insert_tombstone(tx, facts.id, placement, generation, now).await?;
        }
    }
    store::forget_tombstone(tx, facts.id, target).await?;
    let leaves = changed.of(facts.node);
    if 0 < overlap_ms {
        store::insert_former(tx, facts, leaves, now, now + overlap_ms).await?;
    } else {
        let placement = (facts.node, facts.port);
        store::insert_tombstone(tx, facts.id, placement, leaves, now).await?;
    }
    let (pod, account, location) = (facts.id, facts.account, facts.location_id);
    usage::place(tx, &Placement { pod, node: target, account, location }, now).await?;
    if !store::place(tx, facts, (target, port), key, changed.of(target), now).await? {
        return Err(gone(tx, facts.id).await);
    }
    let payload = json!({ "pod": facts.id, "from": facts.node, "to": target });
    outbox::record(context, tx, Event::PodMoved, Some(facts.account), payload).await?;
    Ok(changed)
}
