//! What money does: a payment is credit, credit pays invoices, and what goes back comes out of both.

use myrelay_domain::{
    ids::{InstallationId, InvoiceId, PaymentId},
    money::Money,
};
use serde_json::json;

use super::store;
use crate::{
    Result, accounts,
    context::Context,
    database::Write,
    ledger::{self, Book, Kind},
    outbox::{self, Event},
    pods::{self, Changed},
    subscriptions::{self, Invoice, Link},
};

/// A payment that is known to be sound.
pub(super) struct Arrived<'a> {
    pub(super) account: myrelay_domain::ids::AccountId,
    pub(super) invoice: Option<InvoiceId>,
    pub(super) plugin: InstallationId,
    pub(super) method: &'a str,
    pub(super) provider_id: &'a str,
    pub(super) amount: Money,
    /// What the provider kept of it, in the smallest unit.
    pub(super) fee: i64,
    pub(super) occurred_at: i64,
}

/// Writes a payment down, and pays its invoice if that is enough. To be called with the account
/// held, once for each payment.
pub(super) async fn receive(
    context: &Context,
    tx: &mut Write,
    arrived: &Arrived<'_>,
) -> Result<Vec<Changed>> {
    let Arrived { account, invoice, plugin, amount, fee, .. } = *arrived;
    let id: PaymentId = context.new_id();
    store::payments::insert(tx, id, arrived, context.now()).await?;
    let lines = [
        (Book::Provider(plugin), amount.minor - fee),
        (Book::Fees, fee),
        (Book::Customer(account), -amount.minor),
    ];
    let about = id.to_string();
    ledger::record(context, tx, (Kind::Payment, &about), amount.currency, &lines).await?;
    let (minor, currency) = (amount.minor, amount.currency.code());
    let mut payload = json!({ "payment": id, "amount": minor, "currency": currency });
    if let Some(invoice) = invoice {
        payload["invoice"] = json!(invoice);
    }
    outbox::record(context, tx, Event::PaymentReceived, Some(account), payload).await?;
    if let Some(invoice) = invoice
        && let Some(changed) = settle(context, tx, invoice).await?
    {
        return Ok(changed);
    }
    // What was for nothing that is open pays what is.
    if let Some(open) = subscriptions::open_of_active(tx, account).await?
        && let Some(changed) = settle(context, tx, open).await?
    {
        return Ok(changed);
    }
    let Some(invoice) = invoice else {
        store::checkouts::end_of_account(tx, account, context.now()).await?;
        return Ok(Vec::new());
    };
    if let Some(open) = subscriptions::find_invoice(tx, invoice).await?.filter(Invoice::is_open) {
        let credit = ledger::credit(tx, account, amount.currency).await?;
        let arrived = Money { minor: credit, ..open.total };
        let failure = format!("{arrived} of {} arrived: pay the rest", open.total);
        subscriptions::set_failure(tx, invoice, Some(&failure)).await?;
        // What is to be paid now is another amount.
        store::checkouts::end_of_invoice(tx, invoice, context.now()).await?;
    }
    Ok(Vec::new())
}

/// Pays an invoice with what its account has. None: it is not open, or that is not enough. To be
/// called with the account held.
pub(super) async fn settle(
    context: &Context,
    tx: &mut Write,
    invoice: InvoiceId,
) -> Result<Option<Vec<Changed>>> {
    let invoice = subscriptions::find_invoice(tx, invoice).await?;
    let Some(invoice) = invoice.filter(Invoice::is_open) else { return Ok(None) };
    let total = invoice.total;
    if ledger::credit(tx, invoice.account, total.currency).await? < total.minor {
        return Ok(None);
    }
    let lines = [(Book::Customer(invoice.account), total.minor), (Book::Revenue, -total.minor)];
    let about = invoice.id.to_string();
    ledger::record(context, tx, (Kind::Invoice, &about), total.currency, &lines).await?;
    let paid = subscriptions::pay(context, tx, &invoice).await?;
    store::checkouts::end_of_invoice(tx, invoice.id, context.now()).await?;
    if let Some(link) = &paid.replaced {
        stop_collecting(context, tx, link).await?;
    }
    let changed = pods::give_access(context, tx, paid.account, paid.plan).await?;
    Ok(Some(vec![changed]))
}

/// Has a provider collect nothing more.
pub(super) async fn stop_collecting(context: &Context, tx: &mut Write, link: &Link) -> Result<()> {
    let now = context.now();
    let task = (link.plugin, store::tasks::CANCEL, &*link.provider_id);
    Ok(store::tasks::add(tx, task, now, now).await?)
}

/// Money that goes back, or that came back although it was sent.
pub(super) struct Returned<'a> {
    pub(super) plugin: InstallationId,
    /// The provider's id of it.
    pub(super) provider_id: &'a str,
    /// In the smallest unit of the payment's currency.
    pub(super) minor: i64,
    pub(super) occurred_at: i64,
}

/// Writes down that so much of a payment went back: out of what the account has, and what is more
/// than that out of what was sold. A payment that went back whole ends what it paid for. To be
/// called with the account held, once for each refund, for no more than is left.
pub(super) async fn give_back(
    context: &Context,
    tx: &mut Write,
    payment: &store::payments::Payment,
    returned: &Returned<'_>,
) -> Result<Vec<Changed>> {
    let (account, minor) = (payment.account, returned.minor);
    let currency = payment.amount.currency;
    let known = (returned.plugin, returned.provider_id);
    store::refunds::insert(tx, known, (payment.id, minor), returned.occurred_at, context.now())
        .await?;
    store::payments::add_refunded(tx, payment.id, minor).await?;
    let credit = ledger::credit(tx, account, currency).await?.max(0);
    let sold = (minor - credit).max(0);
    let lines = [
        (Book::Provider(returned.plugin), -minor),
        (Book::Customer(account), minor - sold),
        (Book::Revenue, sold),
    ];
    let about = format!("{}/{}", returned.plugin, returned.provider_id);
    ledger::record(context, tx, (Kind::Refund, &about), currency, &lines).await?;
    let payload = json!({ "payment": payment.id, "amount": minor, "currency": currency.code() });
    outbox::record(context, tx, Event::PaymentRefunded, Some(account), payload).await?;
    // What is to be paid now is another amount.
    store::checkouts::end_of_account(tx, account, context.now()).await?;
    if sold == 0 || payment.refunded + minor < payment.amount.minor {
        return Ok(Vec::new());
    }
    end_what_it_paid(context, tx, payment).await
}

/// Ends the subscription that a payment paid for, as long as that period is not over. Money that
/// paid no invoice of its own was credit, and what runs was paid with it.
async fn end_what_it_paid(
    context: &Context,
    tx: &mut Write,
    payment: &store::payments::Payment,
) -> Result<Vec<Changed>> {
    let invoice = match payment.invoice {
        Some(invoice) => subscriptions::find_invoice(tx, invoice).await?,
        None => None,
    };
    let mut period = invoice.as_ref().and_then(|it| it.period);
    if let Some(invoice) = &invoice
        && invoice.total.minor <= store::payments::of_others(tx, invoice.id, payment.id).await?
    {
        // Others paid that one.
        period = None;
    }
    let subscription = match (invoice, period) {
        (Some(_), Some((_, until))) if until <= context.now() => None,
        (Some(invoice), Some(_)) => subscriptions::running(tx, invoice.subscription).await?,
        _ => subscriptions::active(tx, payment.account).await?,
    };
    let Some(subscription) = subscription else { return Ok(Vec::new()) };
    end(context, tx, &subscription, "its payment was given back").await
}

/// Ends a subscription that runs, now: its account's pods are served no more.
pub(super) async fn end(
    context: &Context,
    tx: &mut Write,
    subscription: &subscriptions::Subscription,
    why: &str,
) -> Result<Vec<Changed>> {
    if let Some(link) = subscriptions::end(context, tx, subscription, why).await? {
        stop_collecting(context, tx, &link).await?;
    }
    Ok(vec![pods::take_access(context, tx, subscription.account).await?])
}

/// Writes down that money which went back did not arrive: the account has it again.
pub(super) async fn keep_after_all(
    context: &Context,
    tx: &mut Write,
    payment: &store::payments::Payment,
    returned: &Returned<'_>,
) -> Result<()> {
    let currency = payment.amount.currency;
    let known = (returned.plugin, returned.provider_id);
    let now = context.now();
    let Some(minor) = store::refunds::fail(tx, known, now).await? else {
        if !store::refunds::find(tx, known).await? {
            // That it was sent may still be told, and does not count then.
            let of = (payment.id, returned.minor);
            store::refunds::insert(tx, known, of, returned.occurred_at, now).await?;
            store::refunds::fail(tx, known, now).await?;
        }
        return Ok(());
    };
    store::checkouts::end_of_account(tx, payment.account, now).await?;
    store::payments::add_refunded(tx, payment.id, -minor).await?;
    let lines =
        [(Book::Provider(returned.plugin), minor), (Book::Customer(payment.account), -minor)];
    let about = format!("{}/{}", returned.plugin, returned.provider_id);
    ledger::record(context, tx, (Kind::RefundFailed, &about), currency, &lines).await?;
    let payload = json!({ "payment": payment.id, "amount": minor, "currency": currency.code() });
    let account = Some(payment.account);
    outbox::record(context, tx, Event::PaymentRefundFailed, account, payload).await
}

/// Holds the account of a payment.
pub(super) async fn hold(tx: &mut Write, payment: &store::payments::Payment) -> Result<()> {
    accounts::hold(tx, payment.account).await
}
