//! The accounts' SQL.

use myrelay_app::contract::{AccountRow, AccountState};
use myrelay_domain::{
    email::Email,
    ids::{AccountId, PlanId},
};
use sqlx::{Any, AnyPool, Executor};

use crate::database::{Write, is_only_writer, read_id, read_number};

/// What a sign-in compares with.
pub(super) struct Found {
    pub(super) id: AccountId,
    pub(super) password_hash: String,
    pub(super) suspended: bool,
}

pub(super) async fn insert(
    tx: &mut Write,
    id: AccountId,
    email: &Email,
    password_hash: &str,
    plan: PlanId,
    (reset_day, unpaid_at, now): (u8, Option<i64>, i64),
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO accounts (id, email, password_hash, plan_id, reset_day, created_at, unpaid_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id.to_string())
    .bind(email.as_str())
    .bind(password_hash)
    .bind(plan.to_string())
    .bind(i64::from(reset_day))
    .bind(now)
    .bind(unpaid_at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Holds an account's row until the commit; answers whether there is one.
pub(super) async fn hold(tx: &mut Write, id: AccountId) -> sqlx::Result<bool> {
    if is_only_writer(tx) {
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM accounts WHERE id = $1");
        let found: i64 = query.bind(id.to_string()).fetch_one(&mut **tx).await?;
        return Ok(found == 1);
    }
    let done = sqlx::query("UPDATE accounts SET email = email WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets the mark; answers whether it changed.
pub(super) async fn set_unpaid(
    tx: &mut Write,
    id: AccountId,
    unpaid_at: Option<i64>,
) -> sqlx::Result<bool> {
    if is_unpaid(&mut **tx, id).await? == unpaid_at.is_some() {
        return Ok(false);
    }
    sqlx::query("UPDATE accounts SET unpaid_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(unpaid_at)
        .execute(&mut **tx)
        .await?;
    Ok(true)
}

pub(super) async fn is_unpaid(
    executor: impl Executor<'_, Database = Any>,
    id: AccountId,
) -> sqlx::Result<bool> {
    let mark: Option<Option<i64>> =
        sqlx::query_scalar("SELECT unpaid_at FROM accounts WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(executor)
            .await?;
    Ok(mark.flatten().is_some())
}

pub(super) async fn find_by_email(pool: &AnyPool, email: &Email) -> sqlx::Result<Option<Found>> {
    let row: Option<(String, String, Option<i64>)> =
        sqlx::query_as("SELECT id, password_hash, suspended_at FROM accounts WHERE email = $1")
            .bind(email.as_str())
            .fetch_optional(pool)
            .await?;
    row.map(|(id, password_hash, suspended_at)| {
        Ok(Found { id: read_id(&id)?, password_hash, suspended: suspended_at.is_some() })
    })
    .transpose()
}

pub(super) async fn is_active(pool: &AnyPool, id: AccountId) -> sqlx::Result<bool> {
    let row: Option<String> =
        sqlx::query_scalar("SELECT id FROM accounts WHERE id = $1 AND suspended_at IS NULL")
            .bind(id.to_string())
            .fetch_optional(pool)
            .await?;
    Ok(row.is_some())
}

type Row = (String, String, String, Option<i64>, i64, i64);

pub(super) async fn find_row(pool: &AnyPool, id: AccountId) -> sqlx::Result<Option<AccountRow>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT accounts.id, accounts.email, plans.name, accounts.suspended_at, \
             (SELECT COUNT(*) FROM pods WHERE pods.account_id = accounts.id), accounts.created_at \
         FROM accounts JOIN plans ON plans.id = accounts.plan_id WHERE accounts.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await?;
    row.map(read_row).transpose()
}

pub(super) async fn list(
    pool: &AnyPool,
    search: &str,
    after: Option<AccountId>,
    rows: usize,
) -> sqlx::Result<Vec<AccountRow>> {
    // Ids are UUIDv7: their order is the order of creation.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT accounts.id, accounts.email, plans.name, accounts.suspended_at, \
             (SELECT COUNT(*) FROM pods WHERE pods.account_id = accounts.id), accounts.created_at \
         FROM accounts JOIN plans ON plans.id = accounts.plan_id \
         WHERE accounts.email LIKE $1 ESCAPE '!' AND ($2 = '' OR accounts.id < $2) \
         ORDER BY accounts.id DESC LIMIT $3",
    )
    .bind(contains(search))
    .bind(after.map(|it| it.to_string()).unwrap_or_default())
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read_row).collect()
}

/// Sets the mark; answers whether it changed, or none when there is no such account.
pub(super) async fn set_suspended(
    tx: &mut Write,
    id: AccountId,
    suspended_at: Option<i64>,
) -> sqlx::Result<Option<bool>> {
    let before: Option<Option<i64>> =
        sqlx::query_scalar("SELECT suspended_at FROM accounts WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    let Some(before) = before else { return Ok(None) };
    if before.is_some() == suspended_at.is_some() {
        return Ok(Some(false));
    }
    sqlx::query("UPDATE accounts SET suspended_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(suspended_at)
        .execute(&mut **tx)
        .await?;
    Ok(Some(true))
}

/// Gives an account a plan; answers whether it had another one, or none when there is no such
/// account.
pub(super) async fn set_plan(
    tx: &mut Write,
    id: AccountId,
    plan: PlanId,
) -> sqlx::Result<Option<bool>> {
    let before: Option<String> = sqlx::query_scalar("SELECT plan_id FROM accounts WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    let Some(before) = before else { return Ok(None) };
    if before == plan.to_string() {
        return Ok(Some(false));
    }
    sqlx::query("UPDATE accounts SET plan_id = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(plan.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(Some(true))
}

fn read_row(row: Row) -> sqlx::Result<AccountRow> {
    let (id, email, plan, suspended_at, pods, created_at) = row;
    let state = if suspended_at.is_some() { AccountState::Suspended } else { AccountState::Active };
    Ok(AccountRow { id: read_id(&id)?, email, plan, state, pods: read_number(pods)?, created_at })
}

/// A LIKE pattern for text anywhere; what LIKE reads specially is escaped.
fn contains(search: &str) -> String {
    let escaped = search.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}
