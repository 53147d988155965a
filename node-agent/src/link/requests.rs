//! Short requests, over one kept connection beside the stream.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::{Mutex, watch};

use super::{Connection, LinkError, of_node};
use crate::{identity::Identity, system::System};

/// Sends one request at a time. All of them may be sent twice: each says the same thing again.
#[derive(Default)]
pub(crate) struct Requests {
    kept: Mutex<Option<(Arc<Identity>, Connection)>>,
    /// Our clock minus the portal's at the last answer, in milliseconds; none before the first.
    pub(crate) skew_ms: watch::Sender<Option<i64>>,
}

impl Requests {
    /// Posts over the kept connection, or over a new one if that one is gone or was made with the
    /// certificate of before.
    pub(crate) async fn post<Q: Serialize, A: DeserializeOwned>(
        &self,
        identity: Arc<Identity>,
        system: &Arc<dyn System>,
        path: &str,
        message: &Q,
    ) -> Result<A, LinkError> {
        let mut kept = self.kept.lock().await;
        // Taken out, so that a request that is given up closes its connection.
        if let Some((of, mut connection)) = kept.take()
            && Arc::ptr_eq(&of, &identity)
            && connection.is_open()
        {
            let answer = connection.post(path, message).await;
            self.compare_clocks(&connection, system);
            match answer {
                // The portal closed it meanwhile.
                Err(LinkError::Unreachable(_)) => {}
                answer => {
                    *kept = Some((of, connection)).filter(|_| is_usable_after(&answer));
                    return answer;
                }
            }
        }
        let config = of_node(&identity, system)?;
        let mut connection = Connection::dial(&identity.portal, config).await?;
        let answer = connection.post(path, message).await;
        self.compare_clocks(&connection, system);
        *kept = Some((identity, connection)).filter(|_| is_usable_after(&answer));
        answer
    }

    fn compare_clocks(&self, connection: &Connection, system: &Arc<dyn System>) {
        if let Some(said) = connection.said_ms() {
            self.skew_ms.send_replace(Some(system.now_ms().saturating_sub(said)));
        }
    }
}

fn is_usable_after<A>(answer: &Result<A, LinkError>) -> bool {
    matches!(answer, Ok(_) | Err(LinkError::Refused { .. }))
}
