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

/// Which runs of a node's agent came, and whether one came that should not.
pub(crate) struct Instances {
    pub(crate) current: Option<String>,
    pub(crate) previous: Option<String>,
    pub(crate) quarantined: bool,
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
pub(crate) async fn find_instances(tx: &mut Write, id: NodeId) -> sqlx::Result<Option<Instances>> {
    // An update of nothing holds the row on both engines.
    let row: Option<(Option<String>, Option<String>, Option<i64>)> = sqlx::query_as(
        "UPDATE nodes SET instance = instance WHERE id = $1 AND retired_at IS NULL \
         RETURNING instance, previous_instance, quarantined_at",
    )
    .bind(id.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|(current, previous, quarantined_at)| Instances {
        current,
        previous,
        quarantined: quarantined_at.is_some(),
    }))
}

pub(crate) async fn set_instance(tx: &mut Write, id: NodeId, instance: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE nodes SET previous_instance = instance, instance = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(instance)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(crate) async fn set_quarantined(tx: &mut Write, id: NodeId, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE nodes SET quarantined_at = $2, away_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
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
