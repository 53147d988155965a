//! The next certificate, in time.

use std::{convert::Infallible, sync::Arc, time::Duration};

use myrelay_node_protocol::{RenewRequest, Renewed};
use tokio::time::{Instant, sleep, sleep_until};

use super::{LinkError, of_node};
use crate::{
    identity::{IdentityError, NewKey},
    node::Node,
    system::jitter,
};

/// Asks for the next certificate around half-life of this one, until it has it. The stream goes
/// on with the old certificate; the next connections use the new one.
///
/// A clock that is wrong by more than a lifetime makes every certificate look due: one that was just
/// renewed is left alone for a third of its life, by a clock that nobody sets.
pub(crate) async fn renew_for_ever(node: Arc<Node>) -> Infallible {
    let mut renewed: Option<Instant> = None;
    loop {
        let validity = node.identity().validity();
        if let Some(renewed) = renewed {
            sleep_until(renewed + validity.life() / 3).await;
        }
        let due = validity.renew_at_ms(jitter(node.system.as_ref()));
        loop {
            let left = due.saturating_sub(node.system.now_ms());
            let Some(left) = u64::try_from(left).ok().filter(|it| *it != 0) else { break };
            // In steps: the clock may be set, and a machine may sleep.
            sleep(node.pace.clock.min(Duration::from_millis(left))).await;
        }
        match renew(&node).await {
            Ok(()) => {
                tracing::info!("the certificate is renewed");
                renewed = Some(Instant::now());
            }
            Err(error) => tracing::warn!(%error, "the certificate is not renewed yet"),
        }
        sleep(node.pace.clock).await;
    }
}

async fn renew(node: &Node) -> Result<(), LinkError> {
    let new = NewKey::generate()
        .map_err(|error| IdentityError::Damaged(format!("no new key: {error}")))?;
    let request = RenewRequest { csr_pem: new.csr_pem.clone() };
    let renewed: Renewed = node.post("/v1/renew", &request).await?;
    let old = node.identity();
    let Renewed { certificate_pem, ca_pem, not_after_ms: _ } = renewed;
    let next = new.certified(old.node, old.portal.clone(), certificate_pem, ca_pem)?;
    // Whether key and certificate belong together shows here, before the old ones are replaced.
    of_node(&next, &node.system)?;
    node.become_identity(next)?;
    Ok(())
}
