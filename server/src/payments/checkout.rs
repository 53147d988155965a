//! A customer pays: a checkout is written down, the plugin begins it, and its answer is kept.

use myrelay_app::contract::CheckoutStep;
use myrelay_domain::{
    ids::{CheckoutId, InstallationId},
    money::{Interval, Money},
};
use myrelay_plugin_host::{Answer, Call, Failure, billing, billing_types as wire, types};

use super::{Beside, books, call, may_be_done, payer, refused, store, told};
use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    database::Write,
    ledger,
    plugins::{self, Ask, Installed},
    subscriptions::{self, Invoice},
};

/// How long a checkout that nobody answered is begun again under the same id, in milliseconds:
/// providers remember what they did for a day.
const SAME_MS: i64 = 23 * 3_600_000;
/// When a provider is asked for the first time how a checkout stands, in milliseconds.
const ASKED_AFTER_MS: i64 = 60_000;

/// Begins to pay an invoice. Twice it is the same checkout, as long as it can be paid.
pub(crate) async fn begin_checkout(
    context: &Context,
    caller: Caller,
    invoice: &str,
    method: &str,
) -> Result<CheckoutStep> {
    caller.account()?;
    let invoice = subscriptions::get_invoice(context, caller, invoice).await?;
    if !invoice.is_open() {
        let message = "this invoice is paid, or is not to be paid any more";
        return Err(Error::Limit(message.to_owned()));
    }
    if pay_from_credit(context, &invoice).await? {
        return Ok(CheckoutStep::Done);
    }
    let plugin = payer(context, method).await?;
    if let Some(step) = store::checkouts::step(context, (invoice.id, plugin.id)).await? {
        return Ok(step);
    }
    let due = due(context, &invoice).await?;
    let able = capabilities(context, &plugin).await?;
    ensure_takes(&plugin, &able, due)?;
    let (id, attempt, at) = reserve(context, &invoice, &plugin).await?;
    let asked = Ask {
        call: Call::BeginCheckout(Box::new(request(context, id, (&invoice, due), &able))),
        about: Some(invoice.id.to_string()),
        delivery: id.to_string(),
        attempt,
        at,
    };
    let outcome = call(context, &plugin, &asked, Beside::Checkout(id)).await?;
    match outcome.result {
        Ok(Answer::Checkout(begun)) => Ok(step(&begun.step)),
        Ok(_) => Err(told(&plugin, &Failure::Refused("another answer".to_owned()))),
        Err(failure) => {
            // Where nobody knows whether it was begun, the next try is of the same id.
            let is_known = matches!(failure, Failure::Reported(_)) && !may_be_done(&failure);
            if is_known {
                let mut tx = context.database.write().await?;
                store::checkouts::end(&mut tx, id, context.now()).await?;
                tx.commit().await?;
            }
            Err(told(&plugin, &failure))
        }
    }
}

/// Asks the provider now how the last checkout of an invoice stands.
pub(crate) async fn check_payment(context: &Context, caller: Caller, invoice: &str) -> Result<()> {
    let invoice = subscriptions::get_invoice(context, caller, invoice).await?;
    let last = store::checkouts::last(context.database.read(), invoice.id).await?;
    let Some(last) = last.filter(|_| invoice.is_open()) else { return Ok(()) };
    let Some(provider_id) = last.provider_id else { return Ok(()) };
    let plugin = payer(context, &last.plugin.to_string()).await?;
    let asked = Ask {
        call: Call::Reconcile(provider_id),
        about: Some(invoice.id.to_string()),
        delivery: context.new_request_id(),
        attempt: 1,
        at: context.now(),
    };
    let outcome = call(context, &plugin, &asked, Beside::Nothing).await?;
    outcome.result.map(drop).map_err(|failure| told(&plugin, &failure))
}

/// The provider collects nothing more for what the account has; it stays until its end. Twice is
/// fine.
pub(crate) async fn cancel_subscription(context: &Context, caller: Caller) -> Result<()> {
    let account = caller.account()?;
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, account).await?;
    let Some(active) = subscriptions::active(&mut tx, account).await? else { return Ok(()) };
    let now = context.now();
    subscriptions::cancel(&mut tx, active.id, now).await?;
    if let Some(link) = &active.link {
        let task = (link.plugin, store::tasks::CANCEL_AT_END, &*link.provider_id);
        store::tasks::add(&mut tx, task, now, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What is still to be paid of an invoice, after what the account has.
pub(super) async fn due(context: &Context, invoice: &Invoice) -> Result<Money> {
    let credit = ledger::view_credit(context, invoice.account).await?;
    let credit = credit.iter().find(|it| it.currency == invoice.total.currency);
    let credit = credit.map_or(0, |it| it.minor.max(0));
    let minor = if invoice.is_open() { (invoice.total.minor - credit).max(0) } else { 0 };
    Ok(Money { minor, ..invoice.total })
}

/// Pays an invoice with what the account has already, if that is enough.
async fn pay_from_credit(context: &Context, invoice: &Invoice) -> Result<bool> {
    if due(context, invoice).await?.minor != 0 {
        return Ok(false);
    }
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, invoice.account).await?;
    let changed = books::settle(context, &mut tx, invoice.id).await?;
    tx.commit().await?;
    for changed in changed.iter().flatten() {
        changed.tell(context);
    }
    Ok(changed.is_some())
}

/// What a provider can do.
pub(super) async fn capabilities(
    context: &Context,
    plugin: &Installed,
) -> Result<billing::Capabilities> {
    plugins::ability(context, plugin).await.map_err(|failure| told(plugin, &failure))
}

fn ensure_takes(plugin: &Installed, able: &billing::Capabilities, due: Money) -> Result<()> {
    let code = due.currency.code();
    let takes = able.currencies.is_empty() || able.currencies.iter().any(|it| it == code);
    if able.one_time && takes {
        return Ok(());
    }
    Err(Error::Limit(format!("{} takes no {code}: pay in another way", plugin.name())))
}

/// A row for the checkout, before anybody is asked: a new one, or the last one if nobody answered.
async fn reserve(
    context: &Context,
    invoice: &Invoice,
    plugin: &Installed,
) -> Result<(CheckoutId, u32, i64)> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, invoice.account).await?;
    let of = (invoice.id, plugin.id);
    let open = store::checkouts::take_unanswered(&mut tx, of, now - SAME_MS).await?;
    let reserved = match open {
        Some(open) => open,
        None => {
            let id: CheckoutId = context.new_id();
            store::checkouts::insert(&mut tx, id, of, plugin.name(), now).await?;
            (id, 1, now)
        }
    };
    tx.commit().await?;
    Ok(reserved)
}

/// Writes down how a checkout was begun.
pub(super) async fn write(
    context: &Context,
    tx: &mut Write,
    (id, plugin): (CheckoutId, InstallationId),
    begun: &billing::Checkout,
) -> Result<()> {
    if !(1..=255).contains(&begun.provider_id.len()) {
        return Err(refused("a checkout's id of 1 to 255 bytes"));
    }
    if store::checkouts::is_known(tx, (plugin, &begun.provider_id), id).await? {
        return Err(refused("a checkout's id that another checkout has"));
    }
    let text = serde_json::to_string(&step(&begun.step)).map_err(anyhow::Error::new)?;
    let expires_at = i64::try_from(begun.expires_at).unwrap_or(i64::MAX);
    store::checkouts::answer(tx, id, (&begun.provider_id, &text), expires_at).await?;
    let asks = matches!(begun.step, billing::NextStep::Redirect(_) | billing::NextStep::Crypto(_));
    if asks {
        let now = context.now();
        let task = (plugin, store::tasks::RECONCILE, &*begun.provider_id);
        store::tasks::add(tx, task, now + ASKED_AFTER_MS, now).await?;
    }
    Ok(())
}

fn request(
    context: &Context,
    id: CheckoutId,
    (invoice, due): (&Invoice, Money),
    able: &billing::Capabilities,
) -> billing::CheckoutRequest {
    let page = format!("{}/plan/invoices/{}", context.settings.public_url, invoice.id);
    let money = |it: Money| types::Money { minor: it.minor, currency: it.currency.to_string() };
    let nothing = money(Money { minor: 0, ..due });
    let account = types::AccountRef {
        id: invoice.account.to_string(),
        locale: "en".to_owned(),
        country: None,
    };
    let (word, interval) = match invoice.interval {
        Interval::Month => ("1 month", wire::Interval::Month),
        Interval::Year => ("1 year", wire::Interval::Year),
    };
    let plan = invoice.plan.to_string();
    let line = wire::Line {
        description: format!("{}, {word}", invoice.plan_name),
        price: Some(plan.clone()),
        quantity: types::Decimal { mantissa: 1, scale: 0 },
        amount: money(due),
        tax: nothing.clone(),
        tax_code: None,
        period_start: None,
        period_end: None,
    };
    // A part of the price is paid once; the whole of it can be collected again and again.
    let subscribes = able.subscriptions && due == invoice.total;
    let subscribe = subscribes.then(|| wire::Price {
        id: plan.clone(),
        product: plan,
        amount: money(invoice.total),
        interval,
        interval_count: 1,
        metered: None,
    });
    billing::CheckoutRequest {
        account: account.clone(),
        invoice: wire::Invoice {
            id: invoice.id.to_string(),
            number: None,
            account,
            lines: vec![line],
            subtotal: money(due),
            tax_total: nothing,
            total: money(due),
            due_at: None,
        },
        subscribe,
        return_url: format!("{page}?back=1"),
        cancel_url: page,
        client_reference: id.to_string(),
    }
}

/// What a customer does, as it is kept and shown.
fn step(step: &billing::NextStep) -> CheckoutStep {
    match step {
        billing::NextStep::Redirect(url) => CheckoutStep::Redirect(url.clone()),
        billing::NextStep::Instructions(it) => CheckoutStep::Instructions {
            fields: it.fields.clone(),
            reference: it.reference.clone(),
        },
        billing::NextStep::Crypto(it) => CheckoutStep::Coins {
            address: it.address.clone(),
            amount: coins(&it.amount),
            uri: it.uri.clone(),
        },
        billing::NextStep::Done(_) => CheckoutStep::Done,
    }
}

/// An amount of coins as wallets show it. Those whose digits are not known here stand in the
/// smallest unit.
fn coins(amount: &types::Money) -> String {
    let digits = match &*amount.currency {
        "BTC" | "BCH" | "DOGE" | "LTC" => 8,
        "XMR" => 12,
        _ => 0,
    };
    let text = format!("{:0>width$}", amount.minor.max(0), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    let part = part.trim_end_matches('0');
    let point = if part.is_empty() { "" } else { "." };
    format!("{whole}{point}{part} {}", amount.currency)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_written_as_wallets_do() {
        let shown =
            |minor, currency: &str| coins(&types::Money { minor, currency: currency.into() });
        assert_eq!(shown(123_000, "BTC"), "0.00123 BTC");
        assert_eq!(shown(200_000_000, "LTC"), "2 LTC");
        assert_eq!(shown(1, "XMR"), "0.000000000001 XMR");
        assert_eq!(shown(5, "ODD"), "5 ODD");
    }
}
