//! What monitors are told of nodes: states and counts, nothing of who uses them.

use super::{AWAY_MS, store};
use crate::{Result, context::Context};

/// One node that is not retired, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeMetrics {
    pub(crate) name: String,
    pub(crate) in_contact: bool,
    pub(crate) quarantined: bool,
    pub(crate) draining: bool,
    /// Milliseconds since 1970-01-01 UTC, as all moments here.
    pub(crate) last_contact_at: Option<i64>,
    pub(crate) certificate_ends_at: Option<i64>,
    /// The node's clock minus ours, in milliseconds.
    pub(crate) clock_skew: Option<i64>,
    pub(crate) generation_wanted: i64,
    pub(crate) generation_applied: i64,
    pub(crate) pods: i64,
    /// Pods that do not serve.
    pub(crate) pod_faults: i64,
}

/// All nodes that are not retired, by name.
pub(crate) async fn metrics(context: &Context) -> Result<Vec<NodeMetrics>> {
    let since = context.now() - AWAY_MS;
    Ok(store::metrics(context.database.read(), since).await?)
}
