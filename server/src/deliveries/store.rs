//! The deliveries' SQL.

use myrelay_app::contract::DeadDeliveryRow;
use myrelay_domain::ids::{AccountId, DeliveryId, EventId, InstallationId};
use sqlx::{AnyPool, AssertSqlSafe, FromRow};

use super::{AT_A_TIME, After, Leased, Verdict};
use crate::{
    database::{Write, places, portions, read_id, read_number},
    plugins::Backlog,
};

/// How many are leased and settled in one statement: as many as are called at a time.
pub(super) const TOGETHER: usize = 8;
const _: () = assert!(AT_A_TIME == 8, "the statements below have eight places");

#[derive(FromRow)]
struct Row {
    id: String,
    event_id: String,
    kind: String,
    account_id: String,
    sequence: i64,
    attempts: i64,
    payload: String,
    happened_at: i64,
    created_at: i64,
}

/// A delivery that is to be.
pub(super) struct New {
    pub(super) id: DeliveryId,
    pub(super) plugin: InstallationId,
    pub(super) event: EventId,
    pub(super) account: Option<AccountId>,
}

/// Adds deliveries, numbered in the order of their events; one that is there stays as it is.
pub(super) async fn insert(tx: &mut Write, new: &[New], now: i64) -> sqlx::Result<()> {
    for new in portions(new) {
        let sql = format!(
            "WITH new (id, plugin_id, event_id, account_id) AS (VALUES {}) \
             INSERT INTO deliveries (id, plugin_id, event_id, account_id, sequence, attempts, \
                 due_at, created_at) \
             SELECT id, plugin_id, event_id, account_id, \
                 COALESCE((SELECT MAX(before.sequence) FROM deliveries AS before \
                     WHERE before.plugin_id = new.plugin_id \
                         AND before.account_id = new.account_id), 0) \
                 + ROW_NUMBER() OVER (PARTITION BY plugin_id, account_id ORDER BY event_id), \
                 0, $1, $1 FROM new WHERE true \
             ON CONFLICT (plugin_id, event_id) DO NOTHING",
            places(2, new.len(), 4)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now);
        for one in new {
            query = query
                .bind(one.id.to_string())
                .bind(one.plugin.to_string())
                .bind(one.event.to_string())
                .bind(one.account.map(|it| it.to_string()).unwrap_or_default());
        }
        query.execute(&mut **tx).await?;
    }
    Ok(())
}

/// The first that is open of each of `accounts`, where it is due and nobody tries it.
macro_rules! first_of_each {
    () => {
        "SELECT deliveries.id FROM accounts JOIN deliveries \
             ON deliveries.plugin_id = $1 AND deliveries.account_id = accounts.account_id \
                 AND deliveries.sequence = (SELECT MIN(sequence) FROM deliveries AS first \
                     WHERE first.plugin_id = $1 AND first.account_id = accounts.account_id \
                         AND first.delivered_at IS NULL AND first.dead_at IS NULL) \
         WHERE due_at <= $2 AND (leased_until IS NULL OR leased_until <= $2) \
         ORDER BY due_at, id"
    };
}

/// What is due of a plugin and nobody tries: of each account only the first that is open. It reads
/// as much as there are accounts, however much waits of each.
pub(super) async fn due(
    pool: &AnyPool,
    plugin: InstallationId,
    now: i64,
    most: u32,
) -> sqlx::Result<Vec<DeliveryId>> {
    let ids: Vec<String> = sqlx::query_scalar(concat!(
        "WITH RECURSIVE accounts (account_id) AS ( \
             SELECT MIN(account_id) FROM deliveries \
                 WHERE plugin_id = $1 AND delivered_at IS NULL AND dead_at IS NULL \
             UNION ALL \
             SELECT (SELECT MIN(account_id) FROM deliveries \
                 WHERE plugin_id = $1 AND delivered_at IS NULL AND dead_at IS NULL \
                     AND deliveries.account_id > accounts.account_id) \
                 FROM accounts WHERE account_id IS NOT NULL) ",
        first_of_each!(),
        " LIMIT $3"
    ))
    .bind(plugin.to_string())
    .bind(now)
    .bind(i64::from(most))
    .fetch_all(pool)
    .await?;
    ids.iter().map(|id| read_id(id)).collect()
}

/// The same of these accounts, at most [`TOGETHER`].
pub(super) async fn next(
    tx: &mut Write,
    plugin: InstallationId,
    accounts: &[Option<AccountId>],
    now: i64,
) -> sqlx::Result<Vec<DeliveryId>> {
    let mut query = sqlx::query_scalar(concat!(
        "WITH accounts (account_id) AS ( \
             VALUES ($3), ($4), ($5), ($6), ($7), ($8), ($9), ($10)) ",
        first_of_each!()
    ))
    .bind(plugin.to_string())
    .bind(now);
    for at in 0..TOGETHER {
        // Nobody's are of the account without a name; no account is called as the rest.
        let account = accounts.get(at).map(|it| it.map(|it| it.to_string()).unwrap_or_default());
        query = query.bind(account.unwrap_or_else(|| "-".to_owned()));
    }
    let ids: Vec<String> = query.fetch_all(&mut **tx).await?;
    ids.iter().map(|id| read_id(id)).collect()
}

/// Takes these deliveries, at most [`TOGETHER`], and counts the try that comes of each. What
/// somebody else has, or had, is not among those that it answers.
pub(super) async fn lease(
    tx: &mut Write,
    ids: &[DeliveryId],
    lease: &str,
    (now, until): (i64, i64),
) -> sqlx::Result<Vec<Leased>> {
    let mut query = sqlx::query_as(
        "UPDATE deliveries SET lease = $1, leased_until = $3, attempts = attempts + 1 \
         WHERE id IN ($4, $5, $6, $7, $8, $9, $10, $11) \
             AND delivered_at IS NULL AND dead_at IS NULL AND due_at <= $2 \
             AND (leased_until IS NULL OR leased_until <= $2) \
         RETURNING id, event_id, account_id, sequence, attempts, created_at, \
             (SELECT kind FROM outbox WHERE outbox.id = event_id) AS kind, \
             (SELECT payload FROM outbox WHERE outbox.id = event_id) AS payload, \
             (SELECT outbox.created_at FROM outbox WHERE outbox.id = event_id) AS happened_at",
    );
    query = query.bind(lease).bind(now).bind(until);
    for id in padded(ids) {
        query = query.bind(id);
    }
    let rows: Vec<Row> = query.fetch_all(&mut **tx).await?;
    rows.into_iter().map(|row| row.read(lease)).collect()
}

/// Eight ids, the last of which may be none.
fn padded(ids: &[DeliveryId]) -> [String; TOGETHER] {
    std::array::from_fn(|at| ids.get(at).map(ToString::to_string).unwrap_or_default())
}

impl Row {
    fn read(self, lease: &str) -> sqlx::Result<Leased> {
        let account = Some(self.account_id).filter(|it| !it.is_empty());
        Ok(Leased {
            id: read_id(&self.id)?,
            event: read_id(&self.event_id)?,
            kind: self.kind,
            account: account.map(|it| read_id(&it)).transpose()?,
            sequence: read_number(self.sequence)?,
            attempts: read_number(self.attempts)?,
            payload: self.payload,
            at: self.happened_at,
            created_at: self.created_at,
            lease: lease.to_owned(),
        })
    }
}

/// Writes down that these were delivered, at most [`TOGETHER`]; answers those whose lease counts.
pub(super) async fn settle_delivered(
    tx: &mut Write,
    ids: &[DeliveryId],
    lease: &str,
    now: i64,
) -> sqlx::Result<Vec<DeliveryId>> {
    let mut query = sqlx::query_scalar(
        "UPDATE deliveries SET lease = NULL, leased_until = NULL, delivered_at = $2, failure = NULL \
         WHERE lease = $1 AND id IN ($3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
    );
    query = query.bind(lease).bind(now);
    for id in padded(ids) {
        query = query.bind(id);
    }
    let ids: Vec<String> = query.fetch_all(&mut **tx).await?;
    ids.iter().map(|id| read_id(id)).collect()
}

/// Whether this lease still counts; if so the row is held until the commit.
pub(super) async fn is_leased(tx: &mut Write, id: DeliveryId, lease: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE deliveries SET lease = lease WHERE id = $1 AND lease = $2";
    let query = sqlx::query(sql).bind(id.to_string()).bind(lease);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Writes down what became of a try, if its lease still counts.
pub(super) async fn settle(
    tx: &mut Write,
    id: DeliveryId,
    lease: &str,
    after: &After,
    now: i64,
) -> sqlx::Result<()> {
    let (delivered, dead) = match after.verdict {
        Verdict::Delivered => (Some(now), None),
        Verdict::Dead => (None, Some(now)),
        Verdict::Again { .. } => (None, None),
    };
    let (due, uncounted) = match after.verdict {
        Verdict::Again { due_at, counts } => (Some(due_at), i64::from(!counts)),
        _ => (None, 0),
    };
    sqlx::query(
        "UPDATE deliveries SET lease = NULL, leased_until = NULL, delivered_at = $3, dead_at = $4, \
             due_at = COALESCE($5, due_at), attempts = attempts - $6, failure = $7 \
         WHERE id = $1 AND lease = $2",
    )
    .bind(id.to_string())
    .bind(lease)
    .bind(delivered)
    .bind(dead)
    .bind(due)
    .bind(uncounted)
    .bind(after.failure.as_deref())
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn backlog(pool: &AnyPool) -> sqlx::Result<Vec<Backlog>> {
    let rows: Vec<(String, i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT plugin_id, COUNT(*) - COUNT(dead_at), COUNT(dead_at), \
             MIN(CASE WHEN dead_at IS NULL THEN created_at END) FROM deliveries \
         WHERE delivered_at IS NULL GROUP BY plugin_id",
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(plugin, waiting, dead, oldest_at)| {
            Ok(Backlog {
                plugin: read_id(&plugin)?,
                waiting: read_number(waiting)?,
                dead: read_number(dead)?,
                oldest_at,
            })
        })
        .collect()
}

/// Those that were given up, oldest first.
pub(super) async fn dead(
    pool: &AnyPool,
    plugin: InstallationId,
    most: i64,
) -> sqlx::Result<Vec<DeadDeliveryRow>> {
    let rows: Vec<(String, String, i64, Option<String>, i64)> = sqlx::query_as(
        "SELECT deliveries.id, outbox.kind, deliveries.attempts, deliveries.failure, \
             deliveries.dead_at \
         FROM deliveries JOIN outbox ON outbox.id = deliveries.event_id \
         WHERE deliveries.plugin_id = $1 AND deliveries.dead_at IS NOT NULL \
         ORDER BY deliveries.id LIMIT $2",
    )
    .bind(plugin.to_string())
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, kind, attempts, failure, at)| {
            Ok(DeadDeliveryRow {
                id: read_id(&id)?,
                event: kind,
                attempts: read_number(attempts)?,
                failure: failure.unwrap_or_default(),
                at,
            })
        })
        .collect()
}

/// Puts one of those given up on its way again, or all; answers how many.
pub(super) async fn revive(
    tx: &mut Write,
    plugin: InstallationId,
    delivery: Option<DeliveryId>,
    now: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "UPDATE deliveries SET dead_at = NULL, attempts = 0, due_at = $3, created_at = $3 \
         WHERE plugin_id = $1 AND dead_at IS NOT NULL AND (id = $2 OR $2 = '')",
    )
    .bind(plugin.to_string())
    .bind(delivery.map(|it| it.to_string()).unwrap_or_default())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Whether this was given up.
pub(super) async fn is_dead(
    tx: &mut Write,
    plugin: InstallationId,
    delivery: DeliveryId,
) -> sqlx::Result<bool> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT dead_at FROM deliveries WHERE plugin_id = $1 AND id = $2 AND dead_at IS NOT NULL",
    )
    .bind(plugin.to_string())
    .bind(delivery.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

/// Puts those given up on their way again that were put there with this one or after it.
pub(super) async fn revive_from(
    tx: &mut Write,
    plugin: InstallationId,
    first: DeliveryId,
    now: i64,
) -> sqlx::Result<()> {
    // Ids are UUIDv7: their order is the order in which they were made.
    sqlx::query(
        "UPDATE deliveries SET dead_at = NULL, attempts = 0, due_at = $3, created_at = $3 \
         WHERE plugin_id = $1 AND dead_at IS NOT NULL AND id >= $2",
    )
    .bind(plugin.to_string())
    .bind(first.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Has what waits to be tried again tried now, which is a try more.
pub(super) async fn hurry(tx: &mut Write, plugin: InstallationId, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE deliveries SET due_at = $2, \
             attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END \
         WHERE plugin_id = $1 AND due_at > $2 \
             AND delivered_at IS NULL AND dead_at IS NULL",
    )
    .bind(plugin.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Forgets what was delivered or given up long ago, but for the last of each account: its number is
/// where the next one goes on.
pub(super) async fn prune(tx: &mut Write, delivered: i64, dead: i64) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM deliveries WHERE (delivered_at < $1 OR dead_at < $2) \
             AND EXISTS (SELECT 1 FROM deliveries AS later \
                 WHERE later.plugin_id = deliveries.plugin_id \
                     AND later.account_id = deliveries.account_id \
                     AND later.sequence > deliveries.sequence)",
    )
    .bind(delivered)
    .bind(dead)
    .execute(&mut **tx)
    .await
    .map(drop)
}
