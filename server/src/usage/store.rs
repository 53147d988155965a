//! The usage's SQL.

mod counters;
mod stays;
mod views;

use myrelay_domain::ids::{AccountId, LocationId, NodeId, PodId};
use myrelay_node_protocol::Carried;
use sqlx::{Any, Executor};

pub(super) use self::{
    counters::{Memory, counted_by_node, counters_since, note_counter},
    stays::{Stay, begin_stay, end_stay, stays},
    views::{
        Series, days_of_location, hours_of_location, hours_of_node, locations_of_account,
        refusal_of,
    },
};
use super::{Period, Placement};
use crate::database::{Write, read_id, read_number};

/// Where a pod stands or stood.
pub(super) struct Place {
    pub(super) placement: Placement,
    /// It stands there now, and was neither deleted nor moved.
    pub(super) current: bool,
}

/// What one counter of a node said of one pod in one hour.
pub(super) struct Hour {
    pub(super) node: NodeId,
    pub(super) counter: String,
    pub(super) received: u64,
    pub(super) sent: u64,
}

pub(super) async fn place(tx: &mut Write, it: &Placement, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO usage_placements (pod_id, node_id, account_id, location_id, placed_at) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (pod_id, node_id) DO UPDATE SET placed_at = excluded.placed_at",
    )
    .bind(it.pod.to_string())
    .bind(it.node.to_string())
    .bind(it.account.to_string())
    .bind(it.location.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Writes what a placement counts on from; answers whether that is another number than before.
pub(super) async fn put_carried(
    tx: &mut Write,
    it: &Placement,
    carried: Carried,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE usage_placements SET carried_bytes = $3, carried_period_at = $4 \
         WHERE pod_id = $1 AND node_id = $2 AND NOT (carried_bytes = $3 AND carried_period_at = $4) \
             AND NOT (carried_bytes = 0 AND $3 = 0)",
    )
    .bind(it.pod.to_string())
    .bind(it.node.to_string())
    .bind(carried.bytes.cast_signed())
    .bind(carried.period_ms)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Where the pods of an account in a location stand now.
pub(super) async fn standing(
    tx: &mut Write,
    account: AccountId,
    location: LocationId,
) -> sqlx::Result<Vec<Placement>> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT id, node_id FROM pods WHERE account_id = $1 AND location_id = $2")
            .bind(account.to_string())
            .bind(location.to_string())
            .fetch_all(&mut **tx)
            .await?;
    rows.iter()
        .map(|(pod, node)| {
            Ok(Placement { pod: read_id(pod)?, node: read_id(node)?, account, location })
        })
        .collect()
}

/// The day of the month on which an account's quotas start anew.
pub(super) async fn reset_day(
    executor: impl Executor<'_, Database = Any>,
    account: AccountId,
) -> sqlx::Result<u8> {
    let day: i64 = sqlx::query_scalar("SELECT reset_day FROM accounts WHERE id = $1")
        .bind(account.to_string())
        .fetch_one(executor)
        .await?;
    read_number(day)
}

/// The bytes of an account in a location in a month, both directions together.
pub(super) async fn used(
    executor: impl Executor<'_, Database = Any>,
    account: AccountId,
    location: LocationId,
    period: Period,
) -> sqlx::Result<u64> {
    let bytes: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(received + sent), 0) AS BIGINT) FROM usage_days \
         WHERE account_id = $1 AND location_id = $2 AND day_at >= $3 AND day_at < $4",
    )
    .bind(account.to_string())
    .bind(location.to_string())
    .bind(period.start)
    .bind(period.end)
    .fetch_one(executor)
    .await?;
    read_number(bytes)
}

/// Every place that a pod has or had.
pub(super) async fn places(tx: &mut Write, pod: PodId) -> sqlx::Result<Vec<Place>> {
    let rows: Vec<(String, String, String, Option<String>)> = sqlx::query_as(
        "SELECT usage_placements.node_id, usage_placements.account_id, \
             usage_placements.location_id, pods.id \
         FROM usage_placements LEFT JOIN pods ON pods.id = usage_placements.pod_id \
             AND pods.node_id = usage_placements.node_id \
         WHERE usage_placements.pod_id = $1",
    )
    .bind(pod.to_string())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|(node, account, location, stands)| {
            let (account, location) = (read_id(&account)?, read_id(&location)?);
            let placement = Placement { pod, node: read_id(&node)?, account, location };
            Ok(Place { placement, current: stands.is_some() })
        })
        .collect()
}

/// Whose pods stand on a node, and in which location.
pub(super) async fn accounts_on(
    tx: &mut Write,
    node: NodeId,
) -> sqlx::Result<Vec<(AccountId, LocationId)>> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT account_id, location_id FROM pods WHERE node_id = $1")
            .bind(node.to_string())
            .fetch_all(&mut **tx)
            .await?;
    rows.iter().map(|(account, location)| Ok((read_id(account)?, read_id(location)?))).collect()
}

/// What every counter said of a pod's hour, whichever node's it is.
pub(super) async fn hours(tx: &mut Write, pod: PodId, hour: i64) -> sqlx::Result<Vec<Hour>> {
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "SELECT node_id, counter, received, sent FROM usage_hours \
         WHERE pod_id = $1 AND hour_at = $2",
    )
    .bind(pod.to_string())
    .bind(hour)
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|(node, counter, received, sent)| {
            let (received, sent) = (read_number(received)?, read_number(sent)?);
            Ok(Hour { node: read_id(&node)?, counter, received, sent })
        })
        .collect()
}

/// Writes what a counter says of a pod's hour, in place of what it said before.
pub(super) async fn put_hour(
    tx: &mut Write,
    it: &Placement,
    hour_at: i64,
    hour: &Hour,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO usage_hours (pod_id, node_id, counter, hour_at, account_id, location_id, \
             received, sent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (pod_id, hour_at, node_id, counter) DO UPDATE \
             SET received = excluded.received, sent = excluded.sent",
    )
    .bind(it.pod.to_string())
    .bind(hour.node.to_string())
    .bind(&hour.counter)
    .bind(hour_at)
    .bind(it.account.to_string())
    .bind(it.location.to_string())
    .bind(hour.received.cast_signed())
    .bind(hour.sent.cast_signed())
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Adds bytes to a pod's day.
pub(super) async fn add_to_day(
    tx: &mut Write,
    it: &Placement,
    day_at: i64,
    (received, sent): (u64, u64),
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO usage_days (pod_id, day_at, account_id, location_id, received, sent) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (pod_id, day_at) DO UPDATE \
             SET received = usage_days.received + excluded.received, \
                 sent = usage_days.sent + excluded.sent",
    )
    .bind(it.pod.to_string())
    .bind(day_at)
    .bind(it.account.to_string())
    .bind(it.location.to_string())
    .bind(received.cast_signed())
    .bind(sent.cast_signed())
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Marks that so many percent of a quota were reached; answers whether they were not before.
pub(super) async fn mark(
    tx: &mut Write,
    (account, location): (AccountId, LocationId),
    period_at: i64,
    percent: u8,
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO quota_marks (account_id, location_id, period_at, percent, reached_at) \
         VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (account_id, location_id, period_at, percent) DO NOTHING",
    )
    .bind(account.to_string())
    .bind(location.to_string())
    .bind(period_at)
    .bind(i64::from(percent))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes why something of a node was not taken; answers when something was not taken before.
pub(super) async fn put_refusal(
    tx: &mut Write,
    node: NodeId,
    reason: &str,
    now: i64,
) -> sqlx::Result<Option<i64>> {
    let before: Option<i64> =
        sqlx::query_scalar("SELECT refused_at FROM usage_refusals WHERE node_id = $1")
            .bind(node.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    sqlx::query(
        "INSERT INTO usage_refusals (node_id, reason, refused_at) VALUES ($1, $2, $3) \
         ON CONFLICT (node_id) DO UPDATE \
             SET reason = excluded.reason, refused_at = excluded.refused_at",
    )
    .bind(node.to_string())
    .bind(reason)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(before)
}

/// Forgets hours, with all that only they need, and days.
pub(super) async fn prune(tx: &mut Write, hours: i64, days: i64) -> sqlx::Result<()> {
    for (sql, before) in [
        ("DELETE FROM usage_hours WHERE hour_at < $1", hours),
        ("DELETE FROM usage_days WHERE day_at < $1", days),
        ("DELETE FROM quota_marks WHERE period_at < $1", days),
        ("DELETE FROM usage_refusals WHERE refused_at < $1", hours),
        ("DELETE FROM usage_stays WHERE ended_at < $1", hours),
        (
            "DELETE FROM usage_placements WHERE placed_at < $1 \
                 AND NOT EXISTS (SELECT 1 FROM pods WHERE pods.id = usage_placements.pod_id) \
                 AND NOT EXISTS (SELECT 1 FROM usage_hours \
                     WHERE usage_hours.pod_id = usage_placements.pod_id)",
            hours,
        ),
        (
            "DELETE FROM usage_counters WHERE first_at < $1 AND lost_at IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM usage_hours \
                     WHERE usage_hours.node_id = usage_counters.node_id \
                         AND usage_hours.counter = usage_counters.counter)",
            hours,
        ),
    ] {
        sqlx::query(sql).bind(before).execute(&mut **tx).await?;
    }
    Ok(())
}
