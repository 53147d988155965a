//! The invoices' SQL.

use myrelay_domain::{
    ids::{AccountId, InvoiceId, SubscriptionId},
    money::Money,
};
use sqlx::{Any, AnyPool, Executor, FromRow};

use super::{interval, money};
use crate::{
    database::{Write, read_id},
    subscriptions::Invoice,
};

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    subscription_id: String,
    plan_id: String,
    plan_name: String,
    price_interval: String,
    total_minor: i64,
    currency: String,
    period_from: Option<i64>,
    period_until: Option<i64>,
    failure: Option<String>,
    paid_at: Option<i64>,
    void_at: Option<i64>,
    created_at: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT invoices.id, invoices.account_id, invoices.subscription_id, \
                 subscriptions.plan_id, plans.name AS plan_name, plans.price_interval, \
                 invoices.total_minor, invoices.currency, invoices.period_from, \
                 invoices.period_until, invoices.failure, invoices.paid_at, invoices.void_at, \
                 invoices.created_at \
             FROM invoices JOIN subscriptions ON subscriptions.id = invoices.subscription_id \
                 JOIN plans ON plans.id = subscriptions.plan_id ",
            $rest
        )
    };
}

pub(in crate::subscriptions) async fn insert_invoice(
    tx: &mut Write,
    id: InvoiceId,
    (account, subscription): (AccountId, SubscriptionId),
    total: Money,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO invoices (id, account_id, subscription_id, total_minor, currency, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id.to_string())
    .bind(account.to_string())
    .bind(subscription.to_string())
    .bind(total.minor)
    .bind(total.currency.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::subscriptions) async fn find_open(
    tx: &mut Write,
    subscription: SubscriptionId,
) -> sqlx::Result<Option<InvoiceId>> {
    let id: Option<String> = sqlx::query_scalar(
        "SELECT id FROM invoices \
         WHERE subscription_id = $1 AND paid_at IS NULL AND void_at IS NULL",
    )
    .bind(subscription.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    id.map(|id| read_id(&id)).transpose()
}

pub(in crate::subscriptions) async fn find_invoice(
    executor: impl Executor<'_, Database = Any>,
    id: InvoiceId,
) -> sqlx::Result<Option<Invoice>> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE invoices.id = $1"))
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    row.map(Row::read).transpose()
}

pub(in crate::subscriptions) async fn list_invoices(
    pool: &AnyPool,
    account: AccountId,
    most: i64,
) -> sqlx::Result<Vec<Invoice>> {
    let sql = select!("WHERE invoices.account_id = $1 ORDER BY invoices.id DESC LIMIT $2");
    let rows: Vec<Row> =
        sqlx::query_as(sql).bind(account.to_string()).bind(most).fetch_all(pool).await?;
    rows.into_iter().map(Row::read).collect()
}

pub(in crate::subscriptions) async fn set_invoice_paid(
    tx: &mut Write,
    id: InvoiceId,
    (from, until): (i64, i64),
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE invoices SET paid_at = $2, period_from = $3, period_until = $4, failure = NULL \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now)
    .bind(from)
    .bind(until)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::subscriptions) async fn set_failure(
    tx: &mut Write,
    id: InvoiceId,
    failure: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE invoices SET failure = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(failure)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(in crate::subscriptions) async fn void_open(
    tx: &mut Write,
    subscription: SubscriptionId,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE invoices SET void_at = $2 \
         WHERE subscription_id = $1 AND paid_at IS NULL AND void_at IS NULL",
    )
    .bind(subscription.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

impl Row {
    fn read(self) -> sqlx::Result<Invoice> {
        Ok(Invoice {
            id: read_id(&self.id)?,
            account: read_id(&self.account_id)?,
            subscription: read_id(&self.subscription_id)?,
            plan: read_id(&self.plan_id)?,
            plan_name: self.plan_name,
            interval: interval(&self.price_interval)?,
            total: money(self.total_minor, &self.currency)?,
            period: self.period_from.zip(self.period_until),
            failure: self.failure,
            paid_at: self.paid_at,
            void_at: self.void_at,
            created_at: self.created_at,
        })
    }
}
