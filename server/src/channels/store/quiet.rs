//! Quiet hours: SQL.

use myrelay_domain::ids::AccountId;
use sqlx::AnyPool;

use crate::{channels::quiet::Quiet, database::Write};

pub(in crate::channels) async fn find(
    pool: &AnyPool,
    account: AccountId,
) -> sqlx::Result<Option<Quiet>> {
    let row: Option<(i64, i64, String)> =
        sqlx::query_as("SELECT begins, ends, zone FROM quiet_hours WHERE account_id = $1")
            .bind(account.to_string())
            .fetch_optional(pool)
            .await?;
    Ok(row.map(|(begins, ends, zone)| Quiet { begins, ends, zone }))
}

pub(in crate::channels) async fn put(
    tx: &mut Write,
    account: AccountId,
    quiet: &Quiet,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO quiet_hours (account_id, begins, ends, zone) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account_id) DO UPDATE SET begins = excluded.begins, ends = excluded.ends, \
             zone = excluded.zone",
    )
    .bind(account.to_string())
    .bind(quiet.begins)
    .bind(quiet.ends)
    .bind(&quiet.zone)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::channels) async fn delete(tx: &mut Write, account: AccountId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM quiet_hours WHERE account_id = $1")
        .bind(account.to_string())
        .execute(&mut **tx)
        .await
        .map(drop)
}
