//! What operators do about money: they say what arrived, give back, and end what runs.

use myrelay_app::contract::{MarkPaid, RefundPayment};
use myrelay_domain::{
    ids::{AccountId, PaymentId},
    money::Money,
};
use myrelay_plugin_host::{Answer, Call, Failure, types};

use super::{
    Beside,
    books::{self, Arrived},
    call, checkout, may_be_done, parse_invoice, payer, store, told,
};
use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    error::InField,
    plugins::Ask,
    subscriptions,
};

/// The longest name of a payment, in bytes, and reason of a refund, in characters.
const REFERENCE: usize = 140;
const REASON: usize = 200;
/// When a provider is asked about a refund that is on its way, in milliseconds.
const ASKED_AFTER_MS: i64 = 5 * 60_000;

/// Says that money for an invoice arrived. The same reference is one payment.
pub(crate) async fn mark_paid(
    context: &Context,
    caller: Caller,
    invoice: &str,
    input: MarkPaid,
) -> Result<()> {
    caller.operator()?;
    let invoice =
        subscriptions::get_invoice(context, caller, &parse_invoice(invoice)?.to_string()).await?;
    let amount = Money::parse(&input.amount, invoice.total.currency).in_field("amount")?;
    let reference = input.reference.trim();
    if !(1..=REFERENCE).contains(&reference.len()) || reference.chars().any(char::is_control) {
        let message = "what your bank calls this payment, 1 to 140 characters";
        return Err(Error::invalid("reference", message));
    }
    let last = store::checkouts::last_transfer(context.database.read(), invoice.id).await?;
    let last = last.ok_or_else(|| {
        Error::Limit("nobody was told to pay this invoice by transfer".to_owned())
    })?;
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, invoice.account).await?;
    let known = (last.plugin, reference);
    if store::payments::find_by_provider(&mut tx, known).await?.is_some() {
        let message = "a payment of this name was entered before".to_owned();
        return Err(Error::Taken { field: "reference", message });
    }
    let arrived = Arrived {
        account: invoice.account,
        invoice: Some(invoice.id),
        plugin: last.plugin,
        method: &last.method,
        provider_id: reference,
        amount,
        fee: 0,
        occurred_at: context.now(),
    };
    let changed = books::receive(context, &mut tx, &arrived).await?;
    tx.commit().await?;
    for changed in changed {
        changed.tell(context);
    }
    Ok(())
}

/// Gives back all of a payment or some of it, through its provider. The same form sent twice is one
/// refund.
pub(crate) async fn refund(
    context: &Context,
    caller: Caller,
    payment: &str,
    input: RefundPayment,
) -> Result<()> {
    caller.operator()?;
    let id: PaymentId = payment.parse().map_err(|_no_id| Error::NotFound("payment"))?;
    let found = store::payments::find(context.database.read(), id).await?;
    let found = found.ok_or(Error::NotFound("payment"))?;
    let currency = found.amount.currency;
    let amount = Money::parse(&input.amount, currency).in_field("amount")?;
    let left = Money { minor: found.amount.minor - found.refunded, currency };
    if left.minor < amount.minor {
        return Err(Error::invalid("amount", format!("at most {left} can go back")));
    }
    let reason: String = input.reason.trim().chars().filter(|it| !it.is_control()).collect();
    if REASON < reason.chars().count() {
        return Err(Error::invalid("reason", "at most 200 characters"));
    }
    let plugin = payer(context, &found.plugin.to_string()).await?;
    let able = checkout::capabilities(context, &plugin).await?;
    if !able.refunds || (!able.partial_refunds && amount != found.amount) {
        let what = if able.refunds { "parts of payments" } else { "payments" };
        return Err(Error::Limit(format!("{} gives no {what} back", plugin.name())));
    }
    let tries = store::refunds::count(context.database.read(), id).await?;
    let asked = Ask {
        call: Call::Refund {
            payment: found.provider_id.clone(),
            amount: types::Money { minor: amount.minor, currency: currency.to_string() },
            reason,
        },
        about: Some(id.to_string()),
        // The same until one was written: a form that is sent twice asks for one refund.
        delivery: format!("refund-{id}-{tries}-{}", amount.minor),
        attempt: 1,
        at: context.now(),
    };
    let outcome = call(context, &plugin, &asked, Beside::Nothing).await?;
    match &outcome.result {
        // It is on its way, and may be told of by nobody.
        Ok(Answer::Effects(effects)) if effects.is_empty() => {
            let now = context.now();
            let mut tx = context.database.write().await?;
            let task = (plugin.id, store::tasks::RECONCILE, &*found.provider_id);
            store::tasks::add(&mut tx, task, now + ASKED_AFTER_MS, now).await?;
            tx.commit().await?;
            Ok(())
        }
        Ok(Answer::Effects(_)) => Ok(()),
        Err(failure) if may_be_done(failure) => {
            let now = context.now();
            let mut tx = context.database.write().await?;
            let task = (plugin.id, store::tasks::RECONCILE, &*found.provider_id);
            store::tasks::add(&mut tx, task, now, now).await?;
            tx.commit().await?;
            let message = "nobody knows yet whether it was given back: the provider is asked, look \
                           at the payment in a few minutes";
            Err(Error::Unavailable(message.to_owned()))
        }
        Err(Failure::Reported(error)) => {
            Err(Error::Unavailable(format!("{}: {}", plugin.name(), error.message)))
        }
        Err(failure) => Err(told(&plugin, failure)),
        Ok(_) => Err(told(&plugin, &Failure::Refused("another answer".to_owned()))),
    }
}

/// Ends an account's subscription now: its pods are served no more until it pays again, or an
/// operator gives it a plan.
pub(crate) async fn end_subscription(
    context: &Context,
    caller: Caller,
    account: &str,
) -> Result<()> {
    caller.operator()?;
    let account: AccountId = account.parse().map_err(|_no_id| Error::NotFound("account"))?;
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, account).await?;
    let active = subscriptions::active(&mut tx, account).await?;
    let active = active.ok_or(Error::NotFound("subscription"))?;
    let changed = books::end(context, &mut tx, &active, "an operator ended it").await?;
    tx.commit().await?;
    for changed in changed {
        changed.tell(context);
    }
    Ok(())
}
