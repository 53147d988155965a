//! The sessions' SQL.

use myrelay_domain::ids::AccountId;
use sqlx::AnyPool;

use super::{ABSOLUTE_MS, IDLE_MS, SignedIn};
use crate::database::{Write, read_id};

pub(super) async fn insert(
    tx: &mut Write,
    hash: &str,
    signed_in: SignedIn,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO sessions \
             (token_hash, account_id, operator_id, created_at, expires_at, absolute_end_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(hash)
    .bind(signed_in.account.map(|it| it.to_string()))
    .bind(signed_in.operator.map(|it| it.to_string()))
    .bind(now)
    .bind(now + IDLE_MS)
    .bind(now + ABSOLUTE_MS)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Who a live session signs in, and when its idle time ends.
pub(super) async fn find(
    pool: &AnyPool,
    hash: &str,
    now: i64,
) -> sqlx::Result<Option<(SignedIn, i64)>> {
    let row: Option<(Option<String>, Option<String>, i64)> = sqlx::query_as(
        "SELECT account_id, operator_id, expires_at FROM sessions \
         WHERE token_hash = $1 AND expires_at > $2 AND absolute_end_at > $2",
    )
    .bind(hash)
    .bind(now)
    .fetch_optional(pool)
    .await?;
    let Some((account, operator, expires_at)) = row else { return Ok(None) };
    let account = account.map(|it| read_id(&it)).transpose()?;
    let operator = operator.map(|it| read_id(&it)).transpose()?;
    Ok(Some((SignedIn { account, operator }, expires_at)))
}

pub(super) async fn update(
    tx: &mut Write,
    hash: &str,
    signed_in: SignedIn,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE sessions SET account_id = $2, operator_id = $3, expires_at = $4 \
         WHERE token_hash = $1 AND expires_at > $5 AND absolute_end_at > $5",
    )
    .bind(hash)
    .bind(signed_in.account.map(|it| it.to_string()))
    .bind(signed_in.operator.map(|it| it.to_string()))
    .bind(now + IDLE_MS)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn touch(tx: &mut Write, hash: &str, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE sessions SET expires_at = $2 WHERE token_hash = $1 AND expires_at > $3")
        .bind(hash)
        .bind(now + IDLE_MS)
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn delete(tx: &mut Write, hash: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
        .bind(hash)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn delete_of_account(tx: &mut Write, account: AccountId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE account_id = $1")
        .bind(account.to_string())
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn delete_expired(tx: &mut Write, now: i64) -> sqlx::Result<u64> {
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1 OR absolute_end_at <= $1")
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(|done| done.rows_affected())
}
