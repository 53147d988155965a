//! The tokens' SQL.

use myrelay_app::contract::TokenRow;
use myrelay_domain::{
    ids::{AccountId, PodId, TokenId},
    names::Name,
    token::TokenHash,
};
use sqlx::AnyPool;

use crate::database::{Write, read_id, read_number};

/// A token that is to be.
pub(super) struct NewToken<'a> {
    pub(super) id: TokenId,
    pub(super) pod: PodId,
    pub(super) slot: u32,
    pub(super) name: &'a Name,
    pub(super) hash: TokenHash,
    pub(super) expires_at: Option<i64>,
}

/// A token that counts.
pub(super) struct Live {
    pub(super) id: TokenId,
    pub(super) pod: PodId,
    pub(super) account: AccountId,
    pub(super) used_at: Option<i64>,
}

pub(super) async fn insert(tx: &mut Write, token: &NewToken<'_>, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO pod_tokens (id, pod_id, slot, name, token_hash, expires_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(token.id.to_string())
    .bind(token.pod.to_string())
    .bind(i64::from(token.slot))
    .bind(token.name.as_str())
    .bind(token.hash.as_str())
    .bind(token.expires_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The places that are taken in a pod, and the names of the tokens there.
pub(super) async fn slots(tx: &mut Write, pod: PodId) -> sqlx::Result<Vec<(u32, String)>> {
    let rows: Vec<(i64, String)> =
        sqlx::query_as("SELECT slot, name FROM pod_tokens WHERE pod_id = $1")
            .bind(pod.to_string())
            .fetch_all(&mut **tx)
            .await?;
    rows.into_iter().map(|(slot, name)| Ok((read_number(slot)?, name))).collect()
}

type Row = (String, String, i64, Option<i64>, Option<i64>);

pub(super) async fn list(pool: &AnyPool, pod: PodId) -> sqlx::Result<Vec<TokenRow>> {
    // Ids are UUIDv7: their order is the order of creation.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, name, created_at, used_at, expires_at FROM pod_tokens \
         WHERE pod_id = $1 ORDER BY id DESC",
    )
    .bind(pod.to_string())
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, name, created_at, used_at, expires_at)| {
            Ok(TokenRow { id: read_id(&id)?, name, created_at, used_at, expires_at })
        })
        .collect()
}

/// The token of a hash, if it is not over and its account not suspended.
pub(super) async fn find_live(
    pool: &AnyPool,
    hash: &TokenHash,
    now: i64,
) -> sqlx::Result<Option<Live>> {
    let row: Option<(String, String, String, Option<i64>)> = sqlx::query_as(
        "SELECT pod_tokens.id, pods.id, accounts.id, pod_tokens.used_at \
         FROM pod_tokens JOIN pods ON pods.id = pod_tokens.pod_id \
             JOIN accounts ON accounts.id = pods.account_id \
         WHERE pod_tokens.token_hash = $1 AND accounts.suspended_at IS NULL \
             AND (pod_tokens.expires_at IS NULL OR pod_tokens.expires_at > $2)",
    )
    .bind(hash.as_str())
    .bind(now)
    .fetch_optional(pool)
    .await?;
    let Some((id, pod, account, used_at)) = row else { return Ok(None) };
    Ok(Some(Live { id: read_id(&id)?, pod: read_id(&pod)?, account: read_id(&account)?, used_at }))
}

pub(super) async fn set_used(tx: &mut Write, id: TokenId, day: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE pod_tokens SET used_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(day)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Whether it was there.
pub(super) async fn delete(tx: &mut Write, pod: PodId, id: TokenId) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM pod_tokens WHERE id = $1 AND pod_id = $2")
        .bind(id.to_string())
        .bind(pod.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}
