//! Looking at the host now and then, for the reports.

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::inspect;
use crate::node::Node;

/// What the installer set up changes seldom, and is read from a few dozen files.
const EVERY: Duration = Duration::from_secs(600);

/// Looks at once and then every ten minutes; the next report tells what was found.
pub(crate) async fn look_for_ever(node: Arc<Node>) -> Infallible {
    loop {
        let now_ms = node.system.now_ms();
        let looked = tokio::task::spawn_blocking(move || inspect(Path::new("/"), now_ms)).await;
        match looked {
            Ok(report) => {
                node.hardening.send_replace(Arc::new(report));
            }
            Err(error) => tracing::error!(%error, "the host's hardening could not be looked at"),
        }
        sleep(EVERY).await;
    }
}
