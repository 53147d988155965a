//! What the things in an event are called: SQL.

use myrelay_domain::ids::AccountId;
use sqlx::AnyPool;

use crate::database::read_number;

pub(in crate::messages) async fn plan(pool: &AnyPool, id: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT name FROM plans WHERE id = $1").bind(id).fetch_optional(pool).await
}

pub(in crate::messages) async fn location(
    pool: &AnyPool,
    id: &str,
) -> sqlx::Result<Option<String>> {
    let sql = "SELECT name FROM locations WHERE id = $1";
    sqlx::query_scalar(sql).bind(id).fetch_optional(pool).await
}

/// Where an account's pod is: the location's name, and the host and port where it is served.
pub(in crate::messages) async fn pod(
    pool: &AnyPool,
    account: AccountId,
    id: &str,
) -> sqlx::Result<Option<(String, String, u16)>> {
    let row: Option<(String, String, i64)> = sqlx::query_as(
        "SELECT locations.name, nodes.endpoint, pods.port FROM pods \
             JOIN locations ON locations.id = pods.location_id \
             JOIN nodes ON nodes.id = pods.node_id \
         WHERE pods.id = $1 AND pods.account_id = $2",
    )
    .bind(id)
    .bind(account.to_string())
    .fetch_optional(pool)
    .await?;
    let read = |(location, host, port)| Ok((location, host, read_number(port)?));
    row.map(read).transpose()
}
