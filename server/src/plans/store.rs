//! The plans' SQL.

use myrelay_domain::{
    ids::{AccountId, PlanId},
    plan::PlanLimits,
};
use sqlx::{Any, Executor};

use super::Plan;
use crate::database::{Write, read_id};

pub(super) async fn find_default(tx: &mut Write) -> sqlx::Result<Option<PlanId>> {
    let id: Option<String> = sqlx::query_scalar(
        "SELECT id FROM plans WHERE default_at IS NOT NULL ORDER BY default_at DESC LIMIT 1",
    )
    .fetch_optional(&mut **tx)
    .await?;
    id.map(|id| read_id(&id)).transpose()
}

pub(super) async fn insert_default(
    tx: &mut Write,
    id: PlanId,
    name: &str,
    limits: PlanLimits,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plans (id, name, pods, devices_per_pod, default_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $5)",
    )
    .bind(id.to_string())
    .bind(name)
    .bind(i64::from(limits.pods))
    .bind(i64::from(limits.devices_per_pod))
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn get_of_account(
    executor: impl Executor<'_, Database = Any>,
    account: AccountId,
) -> sqlx::Result<Plan> {
    let (name, pods, devices): (String, i64, i64) = sqlx::query_as(
        "SELECT plans.name, plans.pods, plans.devices_per_pod \
         FROM accounts JOIN plans ON plans.id = accounts.plan_id WHERE accounts.id = $1",
    )
    .bind(account.to_string())
    .fetch_one(executor)
    .await?;
    let count = |it: i64| u32::try_from(it).unwrap_or_default();
    Ok(Plan {
        name,
        limits: PlanLimits {
            pods: count(pods),
            devices_per_pod: count(devices),
            ..PlanLimits::FREE
        },
    })
}
