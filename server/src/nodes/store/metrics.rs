//! The SQL of nodes in numbers.

use sqlx::{AnyPool, FromRow};

use crate::nodes::metrics::NodeMetrics;

#[derive(FromRow)]
struct Row {
    name: String,
    quarantined_at: Option<i64>,
    draining_at: Option<i64>,
    away_at: Option<i64>,
    last_contact_at: Option<i64>,
    certificate_ends_at: Option<i64>,
    clock_skew: Option<i64>,
    generation: i64,
    applied_generation: i64,
    pods: i64,
    pod_faults: i64,
}

/// All nodes that are not retired, by name. Who was heard since is in contact.
pub(crate) async fn metrics(pool: &AnyPool, since: i64) -> sqlx::Result<Vec<NodeMetrics>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT nodes.name, quarantined_at, draining_at, away_at, last_contact_at, \
             certificate_ends_at, clock_skew, generation, applied_generation, \
             COUNT(pods.id) AS pods, COUNT(pods.fault) AS pod_faults \
         FROM nodes LEFT JOIN pods ON pods.node_id = nodes.id \
         WHERE retired_at IS NULL \
         GROUP BY nodes.id, nodes.name, quarantined_at, draining_at, away_at, last_contact_at, \
             certificate_ends_at, clock_skew, generation, applied_generation \
         ORDER BY nodes.name",
    )
    .fetch_all(pool)
    .await?;
    let node = |it: Row| NodeMetrics {
        in_contact: it.away_at.is_none() && it.last_contact_at.is_some_and(|at| since <= at),
        name: it.name,
        quarantined: it.quarantined_at.is_some(),
        draining: it.draining_at.is_some(),
        last_contact_at: it.last_contact_at,
        certificate_ends_at: it.certificate_ends_at,
        clock_skew: it.clock_skew,
        generation_wanted: it.generation,
        generation_applied: it.applied_generation,
        pods: it.pods,
        pod_faults: it.pod_faults,
    };
    Ok(rows.into_iter().map(node).collect())
}
