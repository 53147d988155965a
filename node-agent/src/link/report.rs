//! Tells the portal what the node has.

use std::{convert::Infallible, sync::Arc};

use tokio::time::sleep;

use super::LinkError;
use crate::{backoff::Backoff, node::Node, reconcile::Applied, system::jitter};

/// Reports at once, on every change, and again after a while. Ends only when the portal says that
/// the node is retired.
pub(crate) async fn send_for_ever(node: &Arc<Node>) -> Result<Infallible, LinkError> {
    let mut applied = node.applied.subscribe();
    let mut faults = node.faults.subscribe();
    let mut backoff = Backoff::new(node.pace);
    loop {
        let now = applied.borrow_and_update().clone();
        faults.mark_unchanged();
        let pause = match now {
            None => node.pace.observed,
            Some(now) => match send(node, &now).await {
                Ok(()) => {
                    backoff = Backoff::new(node.pace);
                    node.pace.observed
                }
                Err(LinkError::Retired) => return Err(LinkError::Retired),
                Err(error) => {
                    tracing::warn!(%error, "a report did not reach the portal");
                    backoff.pause(std::time::Duration::ZERO, jitter(node.system.as_ref()))
                }
            },
        };
        tokio::select! {
            // The sender lives as long as the node.
            _ = applied.changed() => {}
            _ = faults.changed() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Reports once, also when nothing was applied yet.
pub(crate) async fn send_now(node: &Arc<Node>) {
    let applied = node.applied.borrow().clone().unwrap_or_default();
    if let Err(error) = send(node, &applied).await {
        tracing::warn!(%error, "a report did not reach the portal");
    }
}

async fn send(node: &Node, applied: &Applied) -> Result<(), LinkError> {
    node.post("/v1/observed", &node.observed(applied)).await
}
