//! The subscriptions' and invoices' SQL.

mod invoices;

use myrelay_domain::{
    ids::{AccountId, InstallationId, PlanId, SubscriptionId},
    money::{Currency, Interval, Money, Price},
};
use sqlx::{Any, AnyPool, Executor, FromRow};

pub(super) use self::invoices::{
    find_invoice, find_open, insert_invoice, list_invoices, set_failure, set_invoice_paid,
    void_open,
};
use super::{Link, Subscription};
use crate::database::{Write, read_id};

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    plan_id: String,
    plan_name: String,
    price_minor: i64,
    price_currency: String,
    price_interval: String,
    began_at: Option<i64>,
    paid_until: Option<i64>,
    plugin_id: Option<String>,
    provider_id: Option<String>,
    observed_at: Option<i64>,
    cancelled_at: Option<i64>,
    past_due_at: Option<i64>,
    ended_at: Option<i64>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT subscriptions.id, subscriptions.account_id, subscriptions.plan_id, \
                 plans.name AS plan_name, plans.price_minor, plans.price_currency, \
                 plans.price_interval, subscriptions.began_at, subscriptions.paid_until, \
                 subscriptions.plugin_id, subscriptions.provider_id, subscriptions.observed_at, \
                 subscriptions.cancelled_at, subscriptions.past_due_at, subscriptions.ended_at \
             FROM subscriptions JOIN plans ON plans.id = subscriptions.plan_id ",
            $rest
        )
    };
}

pub(super) async fn insert(
    tx: &mut Write,
    id: SubscriptionId,
    (account, plan): (AccountId, PlanId),
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO subscriptions (id, account_id, plan_id, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(id.to_string())
    .bind(account.to_string())
    .bind(plan.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

async fn one(
    executor: impl Executor<'_, Database = Any>,
    sql: &'static str,
    key: String,
) -> sqlx::Result<Option<Subscription>> {
    let row: Option<Row> = sqlx::query_as(sql).bind(key).fetch_optional(executor).await?;
    row.map(Row::read).transpose()
}

pub(super) async fn find(tx: &mut Write, id: SubscriptionId) -> sqlx::Result<Option<Subscription>> {
    one(&mut **tx, select!("WHERE subscriptions.id = $1"), id.to_string()).await
}

pub(super) async fn find_active(
    tx: &mut Write,
    account: AccountId,
) -> sqlx::Result<Option<Subscription>> {
    let sql = select!("WHERE account_id = $1 AND ended_at IS NULL AND began_at IS NOT NULL");
    one(&mut **tx, sql, account.to_string()).await
}

pub(super) async fn find_pending(
    tx: &mut Write,
    account: AccountId,
) -> sqlx::Result<Option<Subscription>> {
    let sql = select!("WHERE account_id = $1 AND ended_at IS NULL AND began_at IS NULL");
    one(&mut **tx, sql, account.to_string()).await
}

/// The one that ended last of those that ever ran.
pub(super) async fn find_last(
    tx: &mut Write,
    account: AccountId,
) -> sqlx::Result<Option<Subscription>> {
    let sql = select!(
        "WHERE account_id = $1 AND ended_at IS NOT NULL AND began_at IS NOT NULL \
         ORDER BY ended_at DESC, subscriptions.id DESC LIMIT 1"
    );
    one(&mut **tx, sql, account.to_string()).await
}

/// What runs, or what was chosen, or what ran last.
pub(super) async fn view_held(
    pool: &AnyPool,
    account: AccountId,
) -> sqlx::Result<Option<Subscription>> {
    let sql = select!(
        "WHERE account_id = $1 AND (ended_at IS NULL OR began_at IS NOT NULL) \
         ORDER BY CASE WHEN ended_at IS NOT NULL THEN 2 WHEN began_at IS NULL THEN 1 ELSE 0 END, \
             ended_at DESC, subscriptions.id DESC LIMIT 1"
    );
    one(pool, sql, account.to_string()).await
}

pub(super) async fn find_linked(
    tx: &mut Write,
    plugin: InstallationId,
    provider_id: &str,
) -> sqlx::Result<Option<Subscription>> {
    let sql = select!("WHERE subscriptions.plugin_id = $1 AND subscriptions.provider_id = $2");
    let row: Option<Row> = sqlx::query_as(sql)
        .bind(plugin.to_string())
        .bind(provider_id)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(Row::read).transpose()
}

async fn all(
    executor: impl Executor<'_, Database = Any>,
    sql: &'static str,
    times: &[i64],
) -> sqlx::Result<Vec<Subscription>> {
    let mut query = sqlx::query_as(sql);
    for time in times {
        query = query.bind(*time);
    }
    let rows: Vec<Row> = query.fetch_all(executor).await?;
    rows.into_iter().map(Row::read).collect()
}

/// When a provider is to be asked: it was not since the paid time is over, or since this, or since
/// it should have collected, or since the grace is over.
pub(super) struct AskedWhen {
    pub(super) paid_before: i64,
    pub(super) asked_before: i64,
    pub(super) patience: i64,
    pub(super) collected_before: i64,
    pub(super) grace: i64,
    pub(super) over_before: i64,
}

/// Those whose provider is to be asked.
pub(super) async fn unasked(tx: &mut Write, when: &AskedWhen) -> sqlx::Result<Vec<Subscription>> {
    let sql = select!(
        "WHERE ended_at IS NULL AND provider_id IS NOT NULL AND paid_until <= $1 \
             AND (asked_at IS NULL OR asked_at < paid_until OR asked_at <= $2 \
                 OR (asked_at - paid_until < $3 AND paid_until <= $4) \
                 OR (asked_at - paid_until < $5 AND paid_until <= $6)) \
         ORDER BY paid_until, subscriptions.id LIMIT 200"
    );
    let times = [
        when.paid_before,
        when.asked_before,
        when.patience,
        when.collected_before,
        when.grace,
        when.over_before,
    ];
    all(&mut **tx, sql, &times).await
}

/// When one ends: it was paid until this at most, and its provider was asked so long after that and
/// answered, or should have answered since this.
pub(super) struct EndedWhen {
    pub(super) paid_before: i64,
    pub(super) grace: i64,
    pub(super) silent_since: i64,
}

/// Those that are to end, of one account or of all. Nobody is asked for whom there is no plugin.
pub(super) async fn unpaid(
    executor: impl Executor<'_, Database = Any>,
    when: &EndedWhen,
    account: Option<AccountId>,
) -> sqlx::Result<Vec<Subscription>> {
    let sql = select!(
        "WHERE ended_at IS NULL AND paid_until <= $1 AND ($2 = '' OR account_id = $2) \
             AND (provider_id IS NULL OR $3 <= answered_at - paid_until OR (paid_until <= over_at AND over_at <= $4) \
                 OR NOT EXISTS (SELECT 1 FROM plugins WHERE plugins.id = subscriptions.plugin_id)) \
         ORDER BY paid_until, subscriptions.id LIMIT 200"
    );
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(when.paid_before)
        .bind(account.map(|it| it.to_string()).unwrap_or_default())
        .bind(when.grace)
        .bind(when.silent_since)
        .fetch_all(executor)
        .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Those that end before the second time, and that nobody collects for or was told of.
pub(super) async fn expiring(
    tx: &mut Write,
    (now, then): (i64, i64),
) -> sqlx::Result<Vec<Subscription>> {
    let sql = select!(
        "WHERE ended_at IS NULL AND $1 < paid_until AND paid_until <= $2 \
             AND expiry_told_at IS NULL AND (provider_id IS NULL OR cancelled_at IS NOT NULL) \
         ORDER BY paid_until, subscriptions.id LIMIT 200"
    );
    all(&mut **tx, sql, &[now, then]).await
}

/// Those that are over now and nobody was told of; where somebody collects, those that were over at
/// the second time, and whose provider is not still to be asked whether it did.
pub(super) async fn past_due(
    tx: &mut Write,
    now: i64,
    collected_before: i64,
) -> sqlx::Result<Vec<Subscription>> {
    let sql = select!(
        "WHERE ended_at IS NULL AND paid_until <= $1 AND past_due_at IS NULL \
             AND (provider_id IS NULL OR cancelled_at IS NOT NULL OR paid_until <= $2) \
             AND NOT EXISTS (SELECT 1 FROM provider_tasks \
                 WHERE provider_tasks.plugin_id = subscriptions.plugin_id \
                     AND provider_tasks.provider_id = subscriptions.provider_id \
                     AND provider_tasks.kind = 'reconcile' AND provider_tasks.due_at <= $1) \
         ORDER BY paid_until, subscriptions.id LIMIT 200"
    );
    all(&mut **tx, sql, &[now, collected_before]).await
}

pub(super) async fn chosen_before(pool: &AnyPool, time: i64) -> sqlx::Result<Vec<Subscription>> {
    let sql = select!(
        "WHERE ended_at IS NULL AND began_at IS NULL AND subscriptions.created_at <= $1 \
         ORDER BY subscriptions.id LIMIT 200"
    );
    all(pool, sql, &[time]).await
}

/// Answers whether that changed anything.
async fn set(
    tx: &mut Write,
    sql: &'static str,
    id: SubscriptionId,
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(sql).bind(id.to_string()).bind(now).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn set_expiry_told(
    tx: &mut Write,
    id: SubscriptionId,
    now: i64,
) -> sqlx::Result<bool> {
    let sql =
        "UPDATE subscriptions SET expiry_told_at = $2 WHERE id = $1 AND expiry_told_at IS NULL";
    set(tx, sql, id, now).await
}

/// Writes down of all whose paid time is over that this was seen now, unless it was before.
pub(super) async fn set_over(tx: &mut Write, now: i64) -> sqlx::Result<()> {
    let sql = "UPDATE subscriptions SET over_at = $1 \
               WHERE ended_at IS NULL AND paid_until <= $1 \
                   AND (over_at IS NULL OR over_at < paid_until)";
    sqlx::query(sql).bind(now).execute(&mut **tx).await.map(drop)
}

pub(super) async fn set_past_due(
    tx: &mut Write,
    id: SubscriptionId,
    now: i64,
) -> sqlx::Result<bool> {
    let sql = "UPDATE subscriptions SET past_due_at = $2 \
               WHERE id = $1 AND past_due_at IS NULL AND paid_until <= $2";
    set(tx, sql, id, now).await
}

pub(super) async fn set_asked(tx: &mut Write, id: SubscriptionId, now: i64) -> sqlx::Result<()> {
    set(tx, "UPDATE subscriptions SET asked_at = $2 WHERE id = $1", id, now).await.map(drop)
}

/// Older answers replace no newer.
pub(super) async fn set_answered(
    tx: &mut Write,
    (plugin, provider_id): (InstallationId, &str),
    asked_at: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE subscriptions SET answered_at = $3 \
         WHERE plugin_id = $1 AND provider_id = $2 AND COALESCE(answered_at, 0) < $3",
    )
    .bind(plugin.to_string())
    .bind(provider_id)
    .bind(asked_at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn set_cancelled(
    tx: &mut Write,
    id: SubscriptionId,
    now: i64,
) -> sqlx::Result<()> {
    let sql = "UPDATE subscriptions SET cancelled_at = COALESCE(cancelled_at, $2) WHERE id = $1";
    set(tx, sql, id, now).await.map(drop)
}

/// It runs until this, and what was told of the period before is told anew.
pub(super) async fn set_paid(
    tx: &mut Write,
    id: SubscriptionId,
    (began, until): (i64, i64),
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE subscriptions SET began_at = $2, paid_until = $3, expiry_told_at = NULL, \
             over_at = NULL, past_due_at = NULL \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(began)
    .bind(until)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn set_ended(
    tx: &mut Write,
    id: SubscriptionId,
    why: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE subscriptions SET ended_at = $2, ended_why = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .bind(why)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn set_link(
    tx: &mut Write,
    id: SubscriptionId,
    plugin: InstallationId,
    provider_id: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE subscriptions SET plugin_id = $2, provider_id = $3, observed_at = NULL, \
             cancelled_at = NULL, asked_at = NULL, answered_at = NULL \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(plugin.to_string())
    .bind(provider_id)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn set_observed(
    tx: &mut Write,
    id: SubscriptionId,
    observed_at: i64,
    cancelled_at: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE subscriptions SET observed_at = $2, cancelled_at = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(observed_at)
        .bind(cancelled_at)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// An amount of a row.
fn money(minor: i64, currency: &str) -> sqlx::Result<Money> {
    let currency = Currency::parse(currency).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Money { minor, currency })
}

/// An interval of a row.
fn interval(name: &str) -> sqlx::Result<Interval> {
    let unknown = || sqlx::Error::Decode("an interval that nobody knows".into());
    Interval::parse(name).ok_or_else(unknown)
}

impl Row {
    fn read(self) -> sqlx::Result<Subscription> {
        let plugin: Option<InstallationId> = self.plugin_id.as_deref().map(read_id).transpose()?;
        let link = plugin.zip(self.provider_id);
        Ok(Subscription {
            id: read_id(&self.id)?,
            account: read_id(&self.account_id)?,
            plan: read_id(&self.plan_id)?,
            plan_name: self.plan_name,
            price: Price {
                amount: money(self.price_minor, &self.price_currency)?,
                interval: interval(&self.price_interval)?,
            },
            began_at: self.began_at,
            paid_until: self.paid_until,
            link: link.map(|(plugin, provider_id)| Link { plugin, provider_id }),
            observed_at: self.observed_at,
            cancelled_at: self.cancelled_at,
            past_due_at: self.past_due_at,
            ended_at: self.ended_at,
        })
    }
}
