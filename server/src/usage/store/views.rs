//! Reading usage for the pages.

use std::collections::BTreeMap;

use myrelay_app::contract::UsageRefusal;
use myrelay_domain::ids::{AccountId, LocationId, NodeId};
use sqlx::AnyPool;

use crate::database::{read_id, read_number};

/// Received and sent bytes by when their hour or day began.
pub(in crate::usage) type Series = BTreeMap<i64, (u64, u64)>;

pub(in crate::usage) async fn hours_of_location(
    pool: &AnyPool,
    account: AccountId,
    location: LocationId,
    since: i64,
) -> sqlx::Result<Series> {
    let rows = sqlx::query_as(
        "SELECT hour_at, CAST(SUM(received) AS BIGINT), CAST(SUM(sent) AS BIGINT) \
         FROM usage_hours WHERE account_id = $1 AND location_id = $2 AND hour_at >= $3 \
         GROUP BY hour_at",
    )
    .bind(account.to_string())
    .bind(location.to_string())
    .bind(since)
    .fetch_all(pool)
    .await?;
    read(rows)
}

pub(in crate::usage) async fn days_of_location(
    pool: &AnyPool,
    account: AccountId,
    location: LocationId,
    since: i64,
) -> sqlx::Result<Series> {
    let rows = sqlx::query_as(
        "SELECT day_at, CAST(SUM(received) AS BIGINT), CAST(SUM(sent) AS BIGINT) \
         FROM usage_days WHERE account_id = $1 AND location_id = $2 AND day_at >= $3 \
         GROUP BY day_at",
    )
    .bind(account.to_string())
    .bind(location.to_string())
    .bind(since)
    .fetch_all(pool)
    .await?;
    read(rows)
}

pub(in crate::usage) async fn hours_of_node(
    pool: &AnyPool,
    node: NodeId,
    since: i64,
) -> sqlx::Result<Series> {
    let rows = sqlx::query_as(
        "SELECT hour_at, CAST(SUM(received) AS BIGINT), CAST(SUM(sent) AS BIGINT) \
         FROM usage_hours WHERE node_id = $1 AND hour_at >= $2 GROUP BY hour_at",
    )
    .bind(node.to_string())
    .bind(since)
    .fetch_all(pool)
    .await?;
    read(rows)
}

/// The locations where an account has a pod or used something since, by name.
pub(in crate::usage) async fn locations_of_account(
    pool: &AnyPool,
    account: AccountId,
    since: i64,
) -> sqlx::Result<Vec<(LocationId, String)>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, name FROM locations WHERE id IN ( \
             SELECT location_id FROM pods WHERE account_id = $1 \
             UNION SELECT location_id FROM usage_days WHERE account_id = $1 AND day_at >= $2) \
         ORDER BY name",
    )
    .bind(account.to_string())
    .bind(since)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|(id, name)| Ok((read_id(&id)?, name))).collect()
}

/// What was not taken from a node at last.
pub(in crate::usage) async fn refusal_of(
    pool: &AnyPool,
    node: NodeId,
) -> sqlx::Result<Option<UsageRefusal>> {
    let row: Option<(String, i64)> =
        sqlx::query_as("SELECT reason, refused_at FROM usage_refusals WHERE node_id = $1")
            .bind(node.to_string())
            .fetch_optional(pool)
            .await?;
    Ok(row.map(|(reason, at)| UsageRefusal { reason, at }))
}

fn read(rows: Vec<(i64, i64, i64)>) -> sqlx::Result<Series> {
    let point = |(at, received, sent)| Ok((at, (read_number(received)?, read_number(sent)?)));
    rows.into_iter().map(point).collect()
}
