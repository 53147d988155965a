//! The SQL of whom a node's identity belongs to.

use myrelay_domain::ids::NodeId;
use sqlx::AnyPool;

use crate::database::Write;

/// The keys a node's certificates may have.
pub(crate) struct Keys {
    pub(crate) current: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) quarantined: bool,
    pub(crate) retired: bool,
}

/// What the portal knows when a run of a node's agent comes.
pub(crate) struct Seen {
    pub(crate) quarantined: bool,
    /// The run that came last.
    pub(crate) current: Option<String>,
    /// Whether another run replaced this one, and when it came back first all the same.
    pub(crate) replaced: Option<Option<i64>>,
}

pub(crate) async fn find_keys(pool: &AnyPool, id: NodeId) -> sqlx::Result<Option<Keys>> {
    type Row = (Option<String>, Option<String>, Option<i64>, Option<i64>);
    let row: Option<Row> = sqlx::query_as(
        "SELECT key_hash, previous_key_hash, quarantined_at, retired_at FROM nodes WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|(current, previous, quarantined_at, retired_at)| Keys {
        current,
        previous,
        quarantined: quarantined_at.is_some(),
        retired: retired_at.is_some(),
    }))
}

/// None for a retired node. Its row is held until the transaction ends.
pub(crate) async fn find_run(
    tx: &mut Write,
    id: NodeId,
    instance: &str,
) -> sqlx::Result<Option<Seen>> {
    // An update of nothing holds the row on both engines.
    let row: Option<(Option<String>, Option<i64>)> = sqlx::query_as(
        "UPDATE nodes SET instance = instance WHERE id = $1 AND retired_at IS NULL \
         RETURNING instance, quarantined_at",
    )
    .bind(id.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let Some((current, quarantined_at)) = row else { return Ok(None) };
    let replaced = sqlx::query_scalar(
        "SELECT returned_at FROM node_runs WHERE node_id = $1 AND instance = $2",
    )
    .bind(id.to_string())
    .bind(instance)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(Some(Seen { quarantined: quarantined_at.is_some(), current, replaced }))
}

/// Notes that a run is a node's from now on, and which one it replaces; of those the latest are
/// remembered.
pub(crate) async fn set_run(
    tx: &mut Write,
    id: NodeId,
    instance: &str,
    remembered: i64,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO node_runs (node_id, instance, replaced_at) \
         SELECT id, instance, $2 FROM nodes WHERE id = $1 AND instance IS NOT NULL \
         ON CONFLICT (node_id, instance) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM node_runs WHERE node_id = $1 AND instance NOT IN ( \
             SELECT instance FROM node_runs WHERE node_id = $1 \
             ORDER BY replaced_at DESC, instance LIMIT $2)",
    )
    .bind(id.to_string())
    .bind(remembered)
    .execute(&mut **tx)
    .await?;
    let sql = "UPDATE nodes SET instance = $2 WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).bind(instance).execute(&mut **tx).await.map(drop)
}

/// Notes that a run came back that another one had replaced.
pub(crate) async fn set_returned(
    tx: &mut Write,
    id: NodeId,
    instance: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE node_runs SET returned_at = $3 WHERE node_id = $1 AND instance = $2")
        .bind(id.to_string())
        .bind(instance)
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Whoever joins is a new agent: no run of before means anything.
pub(crate) async fn forget_runs(tx: &mut Write, id: NodeId) -> sqlx::Result<()> {
    let sql = "DELETE FROM node_runs WHERE node_id = $1";
    sqlx::query(sql).bind(id.to_string()).execute(&mut **tx).await.map(drop)
}

pub(crate) async fn set_quarantined(tx: &mut Write, id: NodeId, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE nodes SET quarantined_at = $2, away_at = $2, stream = stream + 1 WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Counts a node's stream, which is its only one from now on.
pub(crate) async fn open_stream(tx: &mut Write, id: NodeId, now: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "UPDATE nodes SET stream = stream + 1, away_at = NULL, last_contact_at = $2 WHERE id = $1 \
         RETURNING stream",
    )
    .bind(id.to_string())
    .bind(now)
    .fetch_one(&mut **tx)
    .await
}

/// Notes that this stream ended and none came since.
pub(crate) async fn leave_stream(
    tx: &mut Write,
    id: NodeId,
    stream: i64,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE nodes SET away_at = $3 WHERE id = $1 AND stream = $2 AND away_at IS NULL")
        .bind(id.to_string())
        .bind(stream)
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// The number of a node's latest stream.
pub(crate) async fn stream(pool: &AnyPool, id: NodeId) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar("SELECT stream FROM nodes WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
}

/// The names of the nodes whose certificates end before a moment.
pub(crate) async fn ending_before(pool: &AnyPool, ends_at: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT name FROM nodes WHERE certificate_ends_at < $1 AND retired_at IS NULL \
         ORDER BY name",
    )
    .bind(ends_at)
    .fetch_all(pool)
    .await
}
