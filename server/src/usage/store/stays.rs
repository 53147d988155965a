//! When nodes served pods.

use myrelay_domain::ids::{NodeId, PodId};

use super::Placement;
use crate::database::Write;

/// One time in which a node served a pod.
#[derive(Clone, Copy, Debug)]
pub(in crate::usage) struct Stay {
    pub(in crate::usage) began_at: i64,
    /// None as long as the node has not said that it let go of the pod.
    pub(in crate::usage) ended_at: Option<i64>,
}

/// Begins a stay. One that has not ended goes on.
pub(in crate::usage) async fn begin_stay(
    tx: &mut Write,
    it: &Placement,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO usage_stays (pod_id, node_id, began_at) \
         SELECT pod_id, node_id, $3 FROM usage_placements WHERE pod_id = $1 AND node_id = $2 \
             AND NOT EXISTS (SELECT 1 FROM usage_stays AS stays WHERE stays.pod_id = $1 \
                 AND stays.node_id = $2 AND stays.ended_at IS NULL) \
         ON CONFLICT (pod_id, node_id, began_at) DO UPDATE SET ended_at = NULL",
    )
    .bind(it.pod.to_string())
    .bind(it.node.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Ends the stay of a pod on a node.
pub(in crate::usage) async fn end_stay(
    tx: &mut Write,
    (pod, node): (PodId, NodeId),
    at: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE usage_stays SET ended_at = $3 \
         WHERE pod_id = $1 AND node_id = $2 AND ended_at IS NULL",
    )
    .bind(pod.to_string())
    .bind(node.to_string())
    .bind(at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Every stay of a pod on a node.
pub(in crate::usage) async fn stays(
    tx: &mut Write,
    pod: PodId,
    node: NodeId,
) -> sqlx::Result<Vec<Stay>> {
    let rows: Vec<(i64, Option<i64>)> = sqlx::query_as(
        "SELECT began_at, ended_at FROM usage_stays WHERE pod_id = $1 AND node_id = $2",
    )
    .bind(pod.to_string())
    .bind(node.to_string())
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|(began_at, ended_at)| Stay { began_at, ended_at }).collect())
}
