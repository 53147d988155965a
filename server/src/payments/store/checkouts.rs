//! The checkouts' SQL.

use myrelay_app::contract::CheckoutStep;
use myrelay_domain::ids::{AccountId, CheckoutId, InstallationId, InvoiceId};
use sqlx::{AnyPool, FromRow};

use crate::{
    context::Context,
    database::{Write, read_id, read_number},
};

/// An invoice, and what it is paid with.
type Of = (InvoiceId, InstallationId);

/// One way of paying an invoice, as it was begun.
pub(in crate::payments) struct Checkout {
    pub(in crate::payments) plugin: InstallationId,
    pub(in crate::payments) method: String,
    pub(in crate::payments) provider_id: Option<String>,
    pub(in crate::payments) step: Option<CheckoutStep>,
    pub(in crate::payments) pending: Option<String>,
    pub(in crate::payments) expires_at: i64,
    ended_at: Option<i64>,
    failed_at: Option<i64>,
}

impl Checkout {
    /// Whether a customer is led there to pay.
    pub(in crate::payments) fn can_be_paid(&self, now: i64) -> bool {
        let is_over = self.ended_at.or(self.failed_at).is_some();
        !is_over && (now < self.expires_at || self.pending.is_some())
    }
}

#[derive(FromRow)]
struct Row {
    plugin_id: String,
    method: String,
    provider_id: Option<String>,
    step: Option<String>,
    pending: Option<String>,
    expires_at: i64,
    ended_at: Option<i64>,
    failed_at: Option<i64>,
}

pub(in crate::payments) async fn insert(
    tx: &mut Write,
    id: CheckoutId,
    (invoice, plugin): Of,
    method: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO checkouts (id, invoice_id, plugin_id, method, attempts, expires_at, \
             created_at) \
         VALUES ($1, $2, $3, $4, 1, $5, $5)",
    )
    .bind(id.to_string())
    .bind(invoice.to_string())
    .bind(plugin.to_string())
    .bind(method)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The last one that nobody answered and that began after this, counted once more: its id, which
/// try this is, and when it began.
pub(in crate::payments) async fn take_unanswered(
    tx: &mut Write,
    (invoice, plugin): Of,
    after: i64,
) -> sqlx::Result<Option<(CheckoutId, u32, i64)>> {
    let row: Option<(String, i64, i64)> = sqlx::query_as(
        "UPDATE checkouts SET attempts = attempts + 1 WHERE id = (\
             SELECT id FROM checkouts WHERE invoice_id = $1 AND plugin_id = $2 \
                 AND provider_id IS NULL AND ended_at IS NULL AND $3 < created_at \
             ORDER BY id DESC LIMIT 1) \
         RETURNING id, attempts, created_at",
    )
    .bind(invoice.to_string())
    .bind(plugin.to_string())
    .bind(after)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|(id, attempts, at)| Ok((read_id(&id)?, read_number(attempts)?, at))).transpose()
}

/// Whether another checkout has a provider's id.
pub(in crate::payments) async fn is_known(
    tx: &mut Write,
    (plugin, provider_id): (InstallationId, &str),
    id: CheckoutId,
) -> sqlx::Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM checkouts WHERE plugin_id = $1 AND provider_id = $2 AND id <> $3",
    )
    .bind(plugin.to_string())
    .bind(provider_id)
    .bind(id.to_string())
    .fetch_one(&mut **tx)
    .await?;
    Ok(found != 0)
}

pub(in crate::payments) async fn answer(
    tx: &mut Write,
    id: CheckoutId,
    (provider_id, step): (&str, &str),
    expires_at: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE checkouts SET provider_id = $2, step = $3, expires_at = $4 WHERE id = $1")
        .bind(id.to_string())
        .bind(provider_id)
        .bind(step)
        .bind(expires_at)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// The last one of an invoice.
pub(in crate::payments) async fn last(
    pool: &AnyPool,
    invoice: InvoiceId,
) -> sqlx::Result<Option<Checkout>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT plugin_id, method, provider_id, step, pending, expires_at, ended_at, failed_at \
         FROM checkouts WHERE invoice_id = $1 ORDER BY id DESC LIMIT 1",
    )
    .bind(invoice.to_string())
    .fetch_optional(pool)
    .await?;
    row.map(Row::read).transpose()
}

/// The last one of an invoice that was to be paid by transfer.
pub(in crate::payments) async fn last_transfer(
    pool: &AnyPool,
    invoice: InvoiceId,
) -> sqlx::Result<Option<Checkout>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT plugin_id, method, provider_id, step, pending, expires_at, ended_at, failed_at \
         FROM checkouts WHERE invoice_id = $1 AND step LIKE '{\"Instructions\"%' \
         ORDER BY id DESC LIMIT 1",
    )
    .bind(invoice.to_string())
    .fetch_optional(pool)
    .await?;
    row.map(Row::read).transpose()
}

/// What a customer does to pay an invoice with a plugin, where that was begun and is not over.
pub(in crate::payments) async fn step(
    context: &Context,
    (invoice, plugin): Of,
) -> sqlx::Result<Option<CheckoutStep>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT plugin_id, method, provider_id, step, pending, expires_at, ended_at, failed_at \
         FROM checkouts WHERE invoice_id = $1 AND plugin_id = $2 ORDER BY id DESC LIMIT 1",
    )
    .bind(invoice.to_string())
    .bind(plugin.to_string())
    .fetch_optional(context.database.read())
    .await?;
    let found = row.map(Row::read).transpose()?;
    Ok(found.filter(|it| it.can_be_paid(context.now())).and_then(|it| it.step))
}

/// Whether an invoice was begun to be paid with a plugin.
pub(in crate::payments) async fn is_begun(
    tx: &mut Write,
    (invoice, plugin): Of,
) -> sqlx::Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM checkouts WHERE invoice_id = $1 AND plugin_id = $2",
    )
    .bind(invoice.to_string())
    .bind(plugin.to_string())
    .fetch_one(&mut **tx)
    .await?;
    Ok(found != 0)
}

/// Whether an account ever began to pay with a plugin.
pub(in crate::payments) async fn is_customer(
    tx: &mut Write,
    (account, plugin): (AccountId, InstallationId),
) -> sqlx::Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM checkouts JOIN invoices ON invoices.id = checkouts.invoice_id \
         WHERE invoices.account_id = $1 AND checkouts.plugin_id = $2",
    )
    .bind(account.to_string())
    .bind(plugin.to_string())
    .fetch_one(&mut **tx)
    .await?;
    Ok(found != 0)
}

/// Whether a checkout is neither paid nor over.
pub(in crate::payments) async fn is_open(
    context: &Context,
    (plugin, provider_id): (InstallationId, &str),
) -> sqlx::Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM checkouts \
         WHERE plugin_id = $1 AND provider_id = $2 AND ended_at IS NULL",
    )
    .bind(plugin.to_string())
    .bind(provider_id)
    .fetch_one(context.database.read())
    .await?;
    Ok(found != 0)
}

pub(in crate::payments) async fn end(tx: &mut Write, id: CheckoutId, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE checkouts SET ended_at = COALESCE(ended_at, $2) WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(in crate::payments) async fn end_of_invoice(
    tx: &mut Write,
    invoice: InvoiceId,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE checkouts SET ended_at = $2 WHERE invoice_id = $1 AND ended_at IS NULL")
        .bind(invoice.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Ends those of an account's open invoices: what is to be paid is another amount.
pub(in crate::payments) async fn end_of_account(
    tx: &mut Write,
    account: AccountId,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE checkouts SET ended_at = $2 WHERE ended_at IS NULL AND invoice_id IN (\
             SELECT id FROM invoices \
             WHERE account_id = $1 AND paid_at IS NULL AND void_at IS NULL)",
    )
    .bind(account.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::payments) async fn expire(
    tx: &mut Write,
    (plugin, provider_id): (InstallationId, &str),
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE checkouts SET ended_at = COALESCE(ended_at, $3) \
         WHERE plugin_id = $1 AND provider_id = $2",
    )
    .bind(plugin.to_string())
    .bind(provider_id)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::payments) async fn set_pending(
    tx: &mut Write,
    (invoice, plugin): Of,
    seen: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE checkouts SET pending = $3, failed_at = NULL \
         WHERE invoice_id = $1 AND plugin_id = $2 AND ended_at IS NULL",
    )
    .bind(invoice.to_string())
    .bind(plugin.to_string())
    .bind(seen)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Nothing came of those of an invoice that were begun: customers are not led there any more, and
/// the provider is asked about them all the same.
pub(in crate::payments) async fn fail(
    tx: &mut Write,
    (invoice, plugin): Of,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE checkouts SET pending = NULL, failed_at = COALESCE(failed_at, $3) \
         WHERE invoice_id = $1 AND plugin_id = $2 AND provider_id IS NOT NULL",
    )
    .bind(invoice.to_string())
    .bind(plugin.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The invoices of an account for which money is on its way.
pub(in crate::payments) async fn pending(
    pool: &AnyPool,
    account: AccountId,
) -> sqlx::Result<Vec<InvoiceId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT invoices.id FROM checkouts \
             JOIN invoices ON invoices.id = checkouts.invoice_id \
         WHERE invoices.account_id = $1 AND checkouts.pending IS NOT NULL \
             AND checkouts.ended_at IS NULL",
    )
    .bind(account.to_string())
    .fetch_all(pool)
    .await?;
    ids.iter().map(|id| read_id(id)).collect()
}

/// The open invoices that were begun to be paid by transfer, oldest first.
pub(in crate::payments) async fn awaited(
    pool: &AnyPool,
    most: usize,
) -> sqlx::Result<Vec<InvoiceId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM invoices WHERE paid_at IS NULL AND void_at IS NULL \
             AND EXISTS (SELECT 1 FROM checkouts WHERE checkouts.invoice_id = invoices.id \
                 AND checkouts.step LIKE '{\"Instructions\"%') \
         ORDER BY id LIMIT $1",
    )
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    ids.iter().map(|id| read_id(id)).collect()
}

/// Whose invoice it is, as operators know them.
pub(in crate::payments) async fn email(pool: &AnyPool, account: AccountId) -> sqlx::Result<String> {
    sqlx::query_scalar("SELECT email FROM accounts WHERE id = $1")
        .bind(account.to_string())
        .fetch_one(pool)
        .await
}

impl Row {
    fn read(self) -> sqlx::Result<Checkout> {
        let step = self.step.as_deref().map(serde_json::from_str).transpose();
        Ok(Checkout {
            plugin: read_id(&self.plugin_id)?,
            method: self.method,
            provider_id: self.provider_id,
            step: step.map_err(|error| sqlx::Error::Decode(error.into()))?,
            pending: self.pending,
            expires_at: self.expires_at,
            ended_at: self.ended_at,
            failed_at: self.failed_at,
        })
    }
}
