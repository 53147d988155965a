//! The outbox's SQL.

use myrelay_domain::ids::{AccountId, EventId};

use crate::database::Write;

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

#[cfg(test)]
pub(super) async fn names(pool: &sqlx::AnyPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT kind FROM outbox ORDER BY created_at, id").fetch_all(pool).await
}
