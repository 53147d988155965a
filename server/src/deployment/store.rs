//! The deployment's SQL.

use ipnet::Ipv6Net;
use myrelay_domain::ids::DeploymentId;

use crate::database::{Write, read_id, read_number, read_text};

pub(super) struct Row {
    pub(super) id: DeploymentId,
    pub(super) epoch: i64,
    pub(super) v6_site: Ipv6Net,
}

/// The one row; of two portals that start at once one makes it.
pub(super) async fn get_or_insert(tx: &mut Write, made: Row, now: i64) -> sqlx::Result<Row> {
    sqlx::query(
        "INSERT INTO deployment (singleton, id, epoch, v6_site, allocations, created_at) \
         VALUES (1, $1, $2, $3, 0, $4) ON CONFLICT (singleton) DO NOTHING",
    )
    .bind(made.id.to_string())
    .bind(made.epoch)
    .bind(made.v6_site.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let (id, epoch, v6_site): (String, i64, String) =
        sqlx::query_as("SELECT id, epoch, v6_site FROM deployment").fetch_one(&mut **tx).await?;
    Ok(Row { id: read_id(&id)?, epoch, v6_site: read_text(&v6_site)? })
}

/// Counts an allocation. The row is held until the transaction ends.
pub(super) async fn count_allocation(tx: &mut Write) -> sqlx::Result<()> {
    let sql = "UPDATE deployment SET allocations = allocations + 1";
    sqlx::query(sql).execute(&mut **tx).await.map(drop)
}

/// The highest range number that a pod has.
pub(super) async fn highest_range(tx: &mut Write) -> sqlx::Result<Option<u32>> {
    let highest: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(number + size - 1) FROM pod_ranges WHERE pod_id IS NOT NULL",
    )
    .fetch_one(&mut **tx)
    .await?;
    highest.map(read_number).transpose()
}

pub(super) async fn set_resolver(tx: &mut Write, resolver: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE deployment SET resolver = $1 WHERE resolver <> $1";
    let done = sqlx::query(sql).bind(resolver).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}
