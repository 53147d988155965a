//! The operators' SQL.

use myrelay_domain::{email::Email, ids::OperatorId, token::TokenHash};
use sqlx::AnyPool;

use crate::database::{Write, read_id};

pub(super) async fn count(pool: &AnyPool) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM operators").fetch_one(pool).await
}

pub(super) async fn find_email(pool: &AnyPool, id: OperatorId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT email FROM operators WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
}

pub(super) async fn find_by_email(
    pool: &AnyPool,
    email: &Email,
) -> sqlx::Result<Option<(OperatorId, String)>> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT id, password_hash FROM operators WHERE email = $1")
            .bind(email.as_str())
            .fetch_optional(pool)
            .await?;
    row.map(|(id, hash)| Ok((read_id(&id)?, hash))).transpose()
}

pub(super) async fn insert(
    tx: &mut Write,
    id: OperatorId,
    email: &Email,
    password_hash: &str,
    role: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO operators (id, email, password_hash, role, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id.to_string())
    .bind(email.as_str())
    .bind(password_hash)
    .bind(role)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn delete_open_invites(tx: &mut Write) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM operator_invites WHERE used_at IS NULL")
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn insert_invite(
    tx: &mut Write,
    hash: &TokenHash,
    expires_at: i64,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO operator_invites (token_hash, expires_at, created_at) VALUES ($1, $2, $3)",
    )
    .bind(hash.as_str())
    .bind(expires_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// When an invite ends, and when it was used.
pub(super) async fn find_invite(
    pool: &AnyPool,
    hash: &TokenHash,
) -> sqlx::Result<Option<(i64, Option<i64>)>> {
    sqlx::query_as("SELECT expires_at, used_at FROM operator_invites WHERE token_hash = $1")
        .bind(hash.as_str())
        .fetch_optional(pool)
        .await
}

/// Uses a good invite up; answers whether it was good.
pub(super) async fn use_invite(tx: &mut Write, hash: &TokenHash, now: i64) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE operator_invites SET used_at = $2 \
         WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
    )
    .bind(hash.as_str())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
