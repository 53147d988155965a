//! The names under which nodes count, and what nodes remember under them.

use myrelay_domain::ids::NodeId;

use super::{Period, Placement};
use crate::database::{Write, read_number};

/// What a report's counter means for what the node remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::usage) enum Memory {
    /// As it was.
    Same,
    /// The node began counting under another name.
    Begun,
    /// The node joined anew and began under another name: what was counted before, it forgot.
    Lost,
    /// The node goes on with what we thought it had lost.
    Found,
}

/// The bytes of a pod in a month that its node has counted itself and remembers, as another node
/// too if its folder was that one's.
pub(in crate::usage) async fn counted_by_node(
    tx: &mut Write,
    it: &Placement,
    period: Period,
) -> sqlx::Result<u64> {
    let bytes: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(usage_hours.received + usage_hours.sent), 0) AS BIGINT) \
         FROM usage_hours JOIN usage_counters ON usage_counters.counter = usage_hours.counter \
         WHERE usage_hours.pod_id = $1 AND usage_counters.node_id = $2 \
             AND usage_hours.hour_at >= $3 AND usage_hours.hour_at < $4 \
             AND usage_counters.lost_at IS NULL",
    )
    .bind(it.pod.to_string())
    .bind(it.node.to_string())
    .bind(period.start)
    .bind(period.end)
    .fetch_one(&mut **tx)
    .await?;
    read_number(bytes)
}

/// Notes that a node counts under this name, and holds the name's row until the commit: the
/// reports of one counter come one after the other.
pub(in crate::usage) async fn note_counter(
    tx: &mut Write,
    node: NodeId,
    counter: &str,
    now: i64,
) -> sqlx::Result<Memory> {
    let known: Vec<(String, i64, Option<i64>)> =
        sqlx::query_as("SELECT counter, told_at, lost_at FROM usage_counters WHERE node_id = $1")
            .bind(node.to_string())
            .fetch_all(&mut **tx)
            .await?;
    sqlx::query(
        "INSERT INTO usage_counters (node_id, counter, first_at, told_at) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (node_id, counter) DO UPDATE SET told_at = excluded.told_at",
    )
    .bind(node.to_string())
    .bind(counter)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    if let Some((.., lost_at)) = known.iter().find(|it| it.0 == counter) {
        let Some(lost_at) = lost_at else { return Ok(Memory::Same) };
        find_again(tx, node, *lost_at, now).await?;
        return Ok(Memory::Found);
    }
    let joined_at: Option<i64> = sqlx::query_scalar("SELECT joined_at FROM nodes WHERE id = $1")
        .bind(node.to_string())
        .fetch_one(&mut **tx)
        .await?;
    // What was told since the node joined is in its folder.
    let forgot = known.iter().all(|(_, told_at, _)| Some(*told_at) < joined_at);
    if known.is_empty() || !forgot {
        return Ok(Memory::Begun);
    }
    sqlx::query(
        "UPDATE usage_counters SET lost_at = $3 \
         WHERE node_id = $1 AND counter <> $2 AND lost_at IS NULL",
    )
    .bind(node.to_string())
    .bind(counter)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(Memory::Lost)
}

/// A folder is back: what was lost with it is remembered again, and what began since is not.
async fn find_again(tx: &mut Write, node: NodeId, lost_at: i64, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE usage_counters SET lost_at = CASE WHEN lost_at = $2 THEN NULL \
             ELSE COALESCE(lost_at, $3) END WHERE node_id = $1",
    )
    .bind(node.to_string())
    .bind(lost_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// How many counters a node began after a moment.
pub(in crate::usage) async fn counters_since(
    tx: &mut Write,
    node: NodeId,
    since: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM usage_counters WHERE node_id = $1 AND first_at > $2")
        .bind(node.to_string())
        .bind(since)
        .fetch_one(&mut **tx)
        .await
}
