//! The SQL of which nodes take pods, and of emptying one.

use myrelay_app::contract::TargetView;
use myrelay_domain::ids::{LocationId, NodeId};
use sqlx::{Any, AnyPool, Executor};

use crate::database::{Write, read_id, read_number};

/// The node of a location that a new pod goes to.
pub(crate) async fn pick(
    tx: &mut Write,
    location: LocationId,
    in_contact_since: i64,
) -> sqlx::Result<Option<NodeId>> {
    let id: Option<String> = sqlx::query_scalar(
        "SELECT nodes.id FROM nodes WHERE nodes.location_id = $1 AND nodes.retired_at IS NULL \
             AND nodes.draining_at IS NULL AND nodes.quarantined_at IS NULL \
         ORDER BY CASE WHEN nodes.away_at IS NULL AND nodes.last_contact_at > $2 THEN 0 \
                       WHEN nodes.joined_at IS NOT NULL THEN 1 ELSE 2 END, \
             (SELECT COUNT(*) FROM pods WHERE pods.node_id = nodes.id), nodes.id LIMIT 1",
    )
    .bind(location.to_string())
    .bind(in_contact_since)
    .fetch_optional(&mut **tx)
    .await?;
    id.map(|id| read_id(&id)).transpose()
}

/// The nodes of a location in contact that take pods, but one: the one with the fewest pods first.
pub(crate) async fn takers(
    executor: impl Executor<'_, Database = Any>,
    location: LocationId,
    not: NodeId,
    in_contact_since: i64,
) -> sqlx::Result<Vec<TargetView>> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT nodes.id, nodes.name, \
             (SELECT COUNT(*) FROM pods WHERE pods.node_id = nodes.id) AS pods \
         FROM nodes WHERE nodes.location_id = $1 AND nodes.id <> $2 \
             AND nodes.retired_at IS NULL AND nodes.draining_at IS NULL \
             AND nodes.quarantined_at IS NULL AND nodes.away_at IS NULL \
             AND nodes.last_contact_at > $3 \
         ORDER BY pods, nodes.id",
    )
    .bind(location.to_string())
    .bind(not.to_string())
    .bind(in_contact_since)
    .fetch_all(executor)
    .await?;
    rows.into_iter()
        .map(|(id, name, pods)| {
            Ok(TargetView { id: read_id(&id)?, name, pods: read_number(pods)? })
        })
        .collect()
}

/// Drains a node, and counts the pods that are on it now.
pub(crate) async fn start_draining(tx: &mut Write, id: NodeId, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE nodes SET draining_at = $2, \
             drain_pods = (SELECT COUNT(*) FROM pods WHERE pods.node_id = nodes.id) \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(crate) async fn stop_draining(tx: &mut Write, id: NodeId) -> sqlx::Result<()> {
    let sql = "UPDATE nodes SET draining_at = NULL, drain_pods = 0 WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).execute(&mut **tx).await.map(drop)
}

/// The nodes that are being drained, and have pods still.
pub(crate) async fn draining(pool: &AnyPool) -> sqlx::Result<Vec<NodeId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM nodes WHERE draining_at IS NOT NULL AND retired_at IS NULL \
             AND EXISTS (SELECT 1 FROM pods WHERE pods.node_id = nodes.id) ORDER BY id",
    )
    .fetch_all(pool)
    .await?;
    ids.iter().map(|id| read_id(id)).collect()
}
