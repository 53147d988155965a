//! A short look at the portal, that asks for nothing and leaves nothing.

use std::sync::Arc;

use super::{Connection, LinkError, of_node};
use crate::{identity::Identity, system::System};

/// What a portal shows of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Greeting {
    /// When its certificate ends, in milliseconds since 1970-01-01 UTC.
    pub(crate) certificate_until_ms: Option<i64>,
    /// This machine's clock minus the portal's, in milliseconds; it comes in whole seconds.
    pub(crate) skew_ms: Option<i64>,
}

/// Connects as the node does, and verifies all that it verifies.
pub(crate) async fn greet(
    identity: &Identity,
    system: &Arc<dyn System>,
) -> Result<Greeting, LinkError> {
    let mut connection = Connection::dial(&identity.portal, of_node(identity, system)?).await?;
    match connection.look().await {
        // There is nothing at that path, and it says so.
        Ok(()) | Err(LinkError::Refused { .. }) => {}
        Err(error) => return Err(error),
    }
    let skew_ms = connection.said_ms().map(|it| system.now_ms().saturating_sub(it));
    Ok(Greeting { certificate_until_ms: connection.certificate_until_ms(), skew_ms })
}
