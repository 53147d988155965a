//! The outbox's SQL.

use myrelay_domain::ids::{AccountId, EventId};

use sqlx::AnyPool;

use super::{Untold, Waiting};
use crate::database::{Write, read_id};

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

pub(super) async fn mark_dispatched(tx: &mut Write, id: EventId, now: i64) -> sqlx::Result<bool> {
    let sql = "UPDATE outbox SET dispatched_at = $2 WHERE id = $1 AND dispatched_at IS NULL";
    let done = sqlx::query(sql).bind(id.to_string()).bind(now).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
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

pub(super) async fn mark_told(tx: &mut Write, id: EventId, now: i64) -> sqlx::Result<bool> {
    let sql = "UPDATE outbox SET told_at = $2 WHERE id = $1 AND told_at IS NULL";
    let done = sqlx::query(sql).bind(id.to_string()).bind(now).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
pub(super) async fn names(pool: &AnyPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT kind FROM outbox ORDER BY created_at, id").fetch_all(pool).await
}
