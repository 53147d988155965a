//! The SQL of what went back.

use myrelay_domain::ids::{InstallationId, PaymentId};

use sqlx::AnyPool;

use crate::database::Write;

type Known<'a> = (InstallationId, &'a str);

pub(in crate::payments) async fn insert(
    tx: &mut Write,
    (plugin, provider_id): Known<'_>,
    (payment, minor): (PaymentId, i64),
    occurred_at: i64,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO refunds (plugin_id, provider_id, payment_id, amount_minor, occurred_at, \
             created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(plugin.to_string())
    .bind(provider_id)
    .bind(payment.to_string())
    .bind(minor)
    .bind(occurred_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// How many of a payment there are, those that failed included.
pub(in crate::payments) async fn count(pool: &AnyPool, payment: PaymentId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM refunds WHERE payment_id = $1")
        .bind(payment.to_string())
        .fetch_one(pool)
        .await
}

/// Whether it is known.
pub(in crate::payments) async fn find(
    tx: &mut Write,
    (plugin, provider_id): Known<'_>,
) -> sqlx::Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM refunds WHERE plugin_id = $1 AND provider_id = $2",
    )
    .bind(plugin.to_string())
    .bind(provider_id)
    .fetch_one(&mut **tx)
    .await?;
    Ok(found != 0)
}

/// Marks one as failed; answers how much it was, if it was not marked before.
pub(in crate::payments) async fn fail(
    tx: &mut Write,
    (plugin, provider_id): Known<'_>,
    now: i64,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "UPDATE refunds SET failed_at = $3 \
         WHERE plugin_id = $1 AND provider_id = $2 AND failed_at IS NULL RETURNING amount_minor",
    )
    .bind(plugin.to_string())
    .bind(provider_id)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await
}
