//! The SQL of what arrived.

use myrelay_app::contract::PaymentRow;
use myrelay_domain::{
    ids::{AccountId, InstallationId, InvoiceId, PaymentId},
    money::{Currency, Money},
};
use sqlx::{Any, AnyPool, Executor, FromRow};

use crate::{
    database::{Write, read_id},
    payments::books::Arrived,
};

/// Money that arrived.
pub(in crate::payments) struct Payment {
    pub(in crate::payments) id: PaymentId,
    pub(in crate::payments) account: AccountId,
    pub(in crate::payments) invoice: Option<InvoiceId>,
    pub(in crate::payments) plugin: InstallationId,
    pub(in crate::payments) provider_id: String,
    pub(in crate::payments) amount: Money,
    /// In the smallest unit.
    pub(in crate::payments) refunded: i64,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    invoice_id: Option<String>,
    plugin_id: String,
    provider_id: String,
    amount_minor: i64,
    currency: String,
    refunded_minor: i64,
}

#[derive(FromRow)]
struct Shown {
    #[sqlx(flatten)]
    row: Row,
    email: String,
    method: String,
    disputed_at: Option<i64>,
    occurred_at: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT payments.id, payments.account_id, payments.invoice_id, payments.plugin_id, \
                 payments.provider_id, payments.amount_minor, payments.currency, \
                 payments.refunded_minor, accounts.email, payments.method, payments.disputed_at, \
                 payments.occurred_at \
             FROM payments JOIN accounts ON accounts.id = payments.account_id ",
            $rest
        )
    };
}

pub(in crate::payments) async fn insert(
    tx: &mut Write,
    id: PaymentId,
    arrived: &Arrived<'_>,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO payments (id, account_id, invoice_id, plugin_id, method, provider_id, \
             amount_minor, currency, refunded_minor, occurred_at, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10)",
    )
    .bind(id.to_string())
    .bind(arrived.account.to_string())
    .bind(arrived.invoice.map(|it| it.to_string()))
    .bind(arrived.plugin.to_string())
    .bind(arrived.method)
    .bind(arrived.provider_id)
    .bind(arrived.amount.minor)
    .bind(arrived.amount.currency.to_string())
    .bind(arrived.occurred_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::payments) async fn find_by_provider(
    tx: &mut Write,
    (plugin, provider_id): (InstallationId, &str),
) -> sqlx::Result<Option<Payment>> {
    let sql = select!("WHERE payments.plugin_id = $1 AND payments.provider_id = $2");
    let row: Option<Row> = sqlx::query_as(sql)
        .bind(plugin.to_string())
        .bind(provider_id)
        .fetch_optional(&mut **tx)
        .await?;
    row.map(Row::read).transpose()
}

pub(in crate::payments) async fn find(
    executor: impl Executor<'_, Database = Any>,
    id: PaymentId,
) -> sqlx::Result<Option<Payment>> {
    let row: Option<Row> = sqlx::query_as(select!("WHERE payments.id = $1"))
        .bind(id.to_string())
        .fetch_optional(executor)
        .await?;
    row.map(Row::read).transpose()
}

pub(in crate::payments) async fn add_refunded(
    tx: &mut Write,
    id: PaymentId,
    minor: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE payments SET refunded_minor = refunded_minor + $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(minor)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// What other payments of an invoice came to, without what went back, in the smallest unit.
pub(in crate::payments) async fn of_others(
    tx: &mut Write,
    invoice: InvoiceId,
    but: PaymentId,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(amount_minor - refunded_minor), 0) AS BIGINT) FROM payments \
         WHERE invoice_id = $1 AND id <> $2",
    )
    .bind(invoice.to_string())
    .bind(but.to_string())
    .fetch_one(&mut **tx)
    .await
}

/// Marks one as disputed or not; answers whether that is new.
pub(in crate::payments) async fn set_disputed(
    tx: &mut Write,
    id: PaymentId,
    disputed_at: Option<i64>,
) -> sqlx::Result<bool> {
    let sql = match disputed_at {
        Some(_) => "UPDATE payments SET disputed_at = $2 WHERE id = $1 AND disputed_at IS NULL",
        None => "UPDATE payments SET disputed_at = $2 WHERE id = $1 AND disputed_at IS NOT NULL",
    };
    let done = sqlx::query(sql).bind(id.to_string()).bind(disputed_at).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}

/// Newest first; whether each can go back is not known here.
pub(in crate::payments) async fn list(
    pool: &AnyPool,
    after: Option<PaymentId>,
    rows: usize,
) -> sqlx::Result<Vec<(InstallationId, PaymentRow)>> {
    let sql = select!("WHERE ($1 = '' OR payments.id < $1) ORDER BY payments.id DESC LIMIT $2");
    let rows: Vec<Shown> = sqlx::query_as(sql)
        .bind(after.map(|it| it.to_string()).unwrap_or_default())
        .bind(i64::try_from(rows).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(Shown::read).collect()
}

pub(in crate::payments) async fn list_of(
    pool: &AnyPool,
    account: AccountId,
    rows: usize,
) -> sqlx::Result<Vec<(InstallationId, PaymentRow)>> {
    let sql = select!("WHERE payments.account_id = $1 ORDER BY payments.id DESC LIMIT $2");
    let rows: Vec<Shown> = sqlx::query_as(sql)
        .bind(account.to_string())
        .bind(i64::try_from(rows).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(Shown::read).collect()
}

pub(in crate::payments) async fn find_row(
    pool: &AnyPool,
    id: PaymentId,
) -> sqlx::Result<Option<(InstallationId, PaymentRow)>> {
    let row: Option<Shown> = sqlx::query_as(select!("WHERE payments.id = $1"))
        .bind(id.to_string())
        .fetch_optional(pool)
        .await?;
    row.map(Shown::read).transpose()
}

impl Row {
    fn read(self) -> sqlx::Result<Payment> {
        let currency = Currency::parse(&self.currency);
        let currency = currency.map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Payment {
            id: read_id(&self.id)?,
            account: read_id(&self.account_id)?,
            invoice: self.invoice_id.as_deref().map(read_id).transpose()?,
            plugin: read_id(&self.plugin_id)?,
            provider_id: self.provider_id,
            amount: Money { minor: self.amount_minor, currency },
            refunded: self.refunded_minor,
        })
    }
}

impl Shown {
    fn read(self) -> sqlx::Result<(InstallationId, PaymentRow)> {
        let payment = self.row.read()?;
        let row = PaymentRow {
            id: payment.id,
            account: payment.account,
            email: self.email,
            method: self.method,
            reference: payment.provider_id,
            amount: payment.amount,
            refunded: Money { minor: payment.refunded, ..payment.amount },
            can_refund: false,
            away: None,
            disputed: self.disputed_at.is_some(),
            at: self.occurred_at,
        };
        Ok((payment.plugin, row))
    }
}
