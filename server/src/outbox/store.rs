//! The outbox's SQL.

use myrelay_domain::ids::{AccountId, EventId};

use sqlx::{AnyPool, AssertSqlSafe};

use super::{Untold, Waiting};
use crate::database::{Write, is_only_writer, places, portions, read_id};

pub(super) async fn insert(
    tx: &mut Write,
    id: EventId,
    kind: &str,
    account: Option<AccountId>,
    payload: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO outbox (id, kind, account_id, payload, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.to_string())
    .bind(kind)
    .bind(account.map(|it| it.to_string()))
    .bind(payload)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The oldest that were not dispatched. Ids are UUIDv7: their order is that of the events.
pub(super) async fn waiting(pool: &AnyPool, most: i64) -> sqlx::Result<Vec<Waiting>> {
    let rows: Vec<(String, String, Option<String>, i64)> = sqlx::query_as(
        "SELECT id, kind, account_id, created_at FROM outbox WHERE dispatched_at IS NULL ORDER BY id LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, kind, account, at)| {
            let account = account.map(|it| read_id(&it)).transpose()?;
            Ok(Waiting { id: read_id(&id)?, kind, account, at })
        })
        .collect()
}

/// Marks these as dispatched; answers those that were not.
pub(super) async fn mark_dispatched(
    tx: &mut Write,
    ids: &[EventId],
    now: i64,
) -> sqlx::Result<Vec<EventId>> {
    mark(tx, "dispatched_at", ids, now).await
}

/// The oldest of which no message was made yet.
pub(super) async fn untold(pool: &AnyPool, most: i64) -> sqlx::Result<Vec<Untold>> {
    let rows: Vec<(String, String, Option<String>, String)> = sqlx::query_as(
        "SELECT id, kind, account_id, payload FROM outbox WHERE told_at IS NULL \
         ORDER BY id LIMIT $1",
    )
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, kind, account, payload)| {
            let account = account.map(|it| read_id(&it)).transpose()?;
            Ok(Untold { id: read_id(&id)?, kind, account, payload })
        })
        .collect()
}

/// Marks these as told; answers those that were not.
pub(super) async fn mark_told(
    tx: &mut Write,
    ids: &[EventId],
    now: i64,
) -> sqlx::Result<Vec<EventId>> {
    mark(tx, "told_at", ids, now).await
}

async fn mark(
    tx: &mut Write,
    column: &'static str,
    ids: &[EventId],
    now: i64,
) -> sqlx::Result<Vec<EventId>> {
    let mut marked = Vec::with_capacity(ids.len());
    for ids in portions(ids) {
        let places = places(2, 1, ids.len());
        let these = format!("{column} IS NULL AND id IN {places}");
        // Events become deliveries and messages at the same time: who takes rows in another order
        // than the other may wait for what waits for them.
        let held = if is_only_writer(tx) {
            these
        } else {
            format!("id IN (SELECT id FROM outbox WHERE {these} ORDER BY id FOR UPDATE)")
        };
        let sql = format!("UPDATE outbox SET {column} = $1 WHERE {held} RETURNING id");
        let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(now);
        for id in ids {
            query = query.bind(id.to_string());
        }
        let rows: Vec<String> = query.fetch_all(&mut **tx).await?;
        for id in rows {
            marked.push(read_id(&id)?);
        }
    }
    Ok(marked)
}

#[cfg(test)]
pub(super) async fn names(pool: &AnyPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT kind FROM outbox ORDER BY created_at, id").fetch_all(pool).await
}
