//! The agent's side of the conversation with its portal: it dials, again and again.

mod address;
mod connection;
mod error;
mod greeting;
mod lines;
mod renewal;
mod report;
mod requests;
mod session;
mod tls;

use std::{convert::Infallible, sync::Arc};

use tokio::time::{Instant, sleep};

pub use address::{AddressError, PortalAddress};
pub(crate) use connection::Connection;
pub use error::LinkError;
pub(crate) use greeting::greet;
pub(crate) use renewal::renew_for_ever;
pub(crate) use requests::Requests;
pub(crate) use tls::{of_joiner, of_node};

use crate::{backoff::Backoff, node::Node, system::jitter};

/// Keeps a stream to the portal, for ever. Whatever happens to it, the node serves what it last
/// knew.
pub(crate) async fn dial_for_ever(node: Arc<Node>) -> Infallible {
    let mut backoff = Backoff::new(node.pace);
    let mut everything = false;
    loop {
        let started = Instant::now();
        let Err(error) = session::hold(&node, everything).await;
        node.lost(&error);
        everything = error.wants_snapshot();
        if matches!(error, LinkError::Retired) {
            if let Err(error) = node.retire().await {
                tracing::error!(%error, "the retired node's state could not be written");
            }
            backoff.slowest();
        }
        sleep(backoff.pause(started.elapsed(), jitter(node.system.as_ref()))).await;
    }
}
