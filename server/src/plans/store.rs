//! The plans' SQL.

use myrelay_app::contract::PlanRow;
use myrelay_domain::{
    ids::{AccountId, PlanId},
    limits::{Quota, QuotaEnd, Speed, TrafficLimits},
    money::{Currency, Interval, Money, Price},
    plan::PlanLimits,
};
use sqlx::{Any, AnyPool, Executor, FromRow};

use super::{Plan, Sold};
use crate::database::{Write, read_id, read_number};

/// The limits as they stand in a row.
#[derive(FromRow)]
struct LimitsRow {
    name: String,
    pods: i64,
    devices_per_pod: i64,
    speed_down: Option<i64>,
    speed_up: Option<i64>,
    quota_bytes: Option<i64>,
    throttle_down: Option<i64>,
    throttle_up: Option<i64>,
}

#[derive(FromRow)]
struct ListRow {
    id: String,
    accounts: i64,
    #[sqlx(flatten)]
    limits: LimitsRow,
    #[sqlx(flatten)]
    price: PriceRow,
}

#[derive(FromRow)]
struct SoldRow {
    name: String,
    #[sqlx(flatten)]
    price: PriceRow,
}

/// What a plan costs, as it stands in a row.
#[derive(FromRow)]
struct PriceRow {
    price_minor: Option<i64>,
    price_currency: Option<String>,
    price_interval: Option<String>,
    withdrawn_at: Option<i64>,
}

macro_rules! limits {
    () => {
        "plans.name, plans.pods, plans.devices_per_pod, plans.speed_down, plans.speed_up, \
             plans.quota_bytes, plans.throttle_down, plans.throttle_up"
    };
}

const DEFAULT: &str =
    "SELECT id FROM plans WHERE default_at IS NOT NULL ORDER BY default_at DESC, id DESC LIMIT 1";

pub(super) async fn find_default(tx: &mut Write) -> sqlx::Result<Option<PlanId>> {
    let id: Option<String> = sqlx::query_scalar(DEFAULT).fetch_optional(&mut **tx).await?;
    id.map(|id| read_id(&id)).transpose()
}

pub(super) async fn view_default(pool: &AnyPool) -> sqlx::Result<Option<PlanId>> {
    let id: Option<String> = sqlx::query_scalar(DEFAULT).fetch_optional(pool).await?;
    id.map(|id| read_id(&id)).transpose()
}

pub(super) async fn insert(
    tx: &mut Write,
    id: PlanId,
    name: &str,
    (limits, price): (PlanLimits, Option<Price>),
    default_at: Option<i64>,
    now: i64,
) -> sqlx::Result<()> {
    let TrafficLimits { speed, quota } = limits.traffic;
    let slow = quota.and_then(|it| match it.then {
        QuotaEnd::Stop => None,
        QuotaEnd::Throttle(slow) => Some(slow),
    });
    sqlx::query(
        "INSERT INTO plans (id, name, pods, devices_per_pod, speed_down, speed_up, quota_bytes, \
             throttle_down, throttle_up, default_at, created_at, price_minor, price_currency, \
             price_interval) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(id.to_string())
    .bind(name)
    .bind(i64::from(limits.pods))
    .bind(i64::from(limits.devices_per_pod))
    .bind(speed.map(|it| it.down.cast_signed()))
    .bind(speed.map(|it| it.up.cast_signed()))
    .bind(quota.map(|it| it.bytes.cast_signed()))
    .bind(slow.map(|it| it.down.cast_signed()))
    .bind(slow.map(|it| it.up.cast_signed()))
    .bind(default_at)
    .bind(now)
    .bind(price.map(|it| it.amount.minor))
    .bind(price.map(|it| it.amount.currency.to_string()))
    .bind(price.map(|it| it.interval.name()))
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn get_of_account(
    executor: impl Executor<'_, Database = Any>,
    account: AccountId,
) -> sqlx::Result<Plan> {
    let row: LimitsRow = sqlx::query_as(concat!(
        "SELECT ",
        limits!(),
        " FROM accounts JOIN plans ON plans.id = accounts.plan_id WHERE accounts.id = $1"
    ))
    .bind(account.to_string())
    .fetch_one(executor)
    .await?;
    let limits = row.limits()?;
    Ok(Plan { name: row.name, limits })
}

pub(super) async fn list(pool: &AnyPool) -> sqlx::Result<Vec<PlanRow>> {
    let rows: Vec<ListRow> = sqlx::query_as(concat!(
        "SELECT plans.id, ",
        limits!(),
        ", plans.price_minor, plans.price_currency, plans.price_interval, plans.withdrawn_at, \
             (SELECT COUNT(*) FROM accounts WHERE accounts.plan_id = plans.id) AS accounts \
         FROM plans ORDER BY plans.created_at, plans.id"
    ))
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let PlanLimits { pods, devices_per_pod, traffic } = row.limits.limits()?;
            Ok(PlanRow {
                id: read_id(&row.id)?,
                name: row.limits.name,
                pods,
                devices_per_pod,
                traffic,
                price: row.price.read()?,
                is_withdrawn: row.price.withdrawn_at.is_some(),
                accounts: read_number(row.accounts)?,
                is_default: false,
            })
        })
        .collect()
}

/// A plan that costs something.
pub(super) async fn find_sold(tx: &mut Write, id: PlanId) -> sqlx::Result<Option<Sold>> {
    let row: Option<SoldRow> = sqlx::query_as(
        "SELECT name, price_minor, price_currency, price_interval, withdrawn_at FROM plans \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let Some(SoldRow { name, price: row }) = row else { return Ok(None) };
    let is_withdrawn = row.withdrawn_at.is_some();
    Ok(row.read()?.map(|price| Sold { id, name, price, is_withdrawn }))
}

pub(super) async fn withdraw(tx: &mut Write, id: PlanId, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE plans SET withdrawn_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Whether anybody ever chose it.
pub(super) async fn was_sold(tx: &mut Write, id: PlanId) -> sqlx::Result<bool> {
    let sold: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM subscriptions WHERE plan_id = $1")
        .bind(id.to_string())
        .fetch_one(&mut **tx)
        .await?;
    Ok(0 < sold)
}

pub(super) async fn count(tx: &mut Write) -> sqlx::Result<usize> {
    read_number(sqlx::query_scalar("SELECT COUNT(*) FROM plans").fetch_one(&mut **tx).await?)
}

/// Holds a plan's row until the commit; answers whether there is one.
pub(super) async fn hold(tx: &mut Write, id: PlanId) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE plans SET name = name WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The default is the one that became it last.
pub(super) async fn set_default(tx: &mut Write, id: PlanId, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE plans SET default_at = NULL WHERE default_at IS NOT NULL")
        .execute(&mut **tx)
        .await?;
    sqlx::query("UPDATE plans SET default_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn count_accounts(tx: &mut Write, id: PlanId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM accounts WHERE plan_id = $1")
        .bind(id.to_string())
        .fetch_one(&mut **tx)
        .await
}

pub(super) async fn delete(tx: &mut Write, id: PlanId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plans WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await
        .map(drop)
}

impl PriceRow {
    fn read(&self) -> sqlx::Result<Option<Price>> {
        let (Some(minor), Some(currency), Some(interval)) =
            (self.price_minor, &self.price_currency, &self.price_interval)
        else {
            return Ok(None);
        };
        let currency =
            Currency::parse(currency).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let interval = Interval::parse(interval)
            .ok_or_else(|| sqlx::Error::Decode("an interval that nobody knows".into()))?;
        Ok(Some(Price { amount: Money { minor, currency }, interval }))
    }
}

impl LimitsRow {
    fn limits(&self) -> sqlx::Result<PlanLimits> {
        let speed = read_speed(self.speed_down, self.speed_up)?;
        let then = read_speed(self.throttle_down, self.throttle_up)?;
        let then = then.map_or(QuotaEnd::Stop, QuotaEnd::Throttle);
        let bytes: Option<u64> = self.quota_bytes.map(read_number).transpose()?;
        let quota = bytes.map(|bytes| Quota { bytes, then });
        Ok(PlanLimits {
            pods: read_number(self.pods)?,
            devices_per_pod: read_number(self.devices_per_pod)?,
            traffic: TrafficLimits { speed, quota },
        })
    }
}

fn read_speed(down: Option<i64>, up: Option<i64>) -> sqlx::Result<Option<Speed>> {
    let (Some(down), Some(up)) = (down, up) else { return Ok(None) };
    Ok(Some(Speed { down: read_number(down)?, up: read_number(up)? }))
}
