//! Retiring a node, which needs to know of its pods; and showing it with them.

use myrelay_app::contract::{NodeView, RetireNode};
use myrelay_domain::ids::NodeId;

use super::{REST_MS, list_of_node, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    nodes, usage,
};

/// One node with its pods, and how many that moved away it serves still.
pub async fn get_node(context: &Context, caller: Caller, node: &str) -> Result<NodeView> {
    let mut view = nodes::get(context, caller, node).await?;
    view.pods = list_of_node(context, caller, view.id).await?;
    let former = store::former_on_node(context.database.read(), view.id).await?;
    (view.moved_pods, view.serves_moved_until) = former;
    view.usage = usage::of_node(context, caller, view.id).await?;
    Ok(view)
}

/// Retires a node: its certificate is refused from now on and its connection closed. Refused while
/// it has pods: their customers would lose them. Pods that moved away and that it serves still are
/// given up only for a node that is away, by its name. Twice is fine.
pub async fn retire_node(
    context: &Context,
    caller: Caller,
    node: &str,
    input: RetireNode,
) -> Result<()> {
    caller.operator()?;
    let node: NodeId = node.parse().map_err(|_no_id| Error::NotFound("node"))?;
    let mut tx = context.database.write().await?;
    let facts = nodes::find(&mut tx, node).await?;
    if facts.retired {
        return Ok(());
    }
    // Holds the node's row: no pod can come while we look.
    nodes::bump(&mut tx, node).await?;
    let pods = store::count_on_node(&mut tx, node).await?;
    if pods > 0 {
        let message = format!("this node still has pods ({pods}): drain it first, or delete them");
        return Err(Error::invalid("node", message));
    }
    let (moved, _) = store::former_on_node(&mut *tx, node).await?;
    if moved > 0 && !facts.is_lost(context.now()) {
        let message = format!(
            "pods that moved away ({moved}) are still served here: wait until that is over"
        );
        return Err(Error::invalid("node", message));
    }
    if moved > 0 && input.name.trim() != facts.name {
        let message = "type the node's name to say that it is lost";
        return Err(Error::invalid("name", message));
    }
    store::give_up(&mut tx, node, context.now() + REST_MS).await?;
    nodes::retire(context, &mut tx, node).await?;
    tx.commit().await?;
    context.connections.close(node);
    Ok(())
}
