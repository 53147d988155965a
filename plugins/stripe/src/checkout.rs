//! A checkout on Stripe's page, from an invoice of the portal's.

use myrelay_plugin_sdk::{
    Form, error,
    types::{Error, ErrorKind, Money},
};

use crate::{
    api::Api,
    customer,
    object::{Object, amount},
    world::{
        exports::myrelay::plugin::billing::{Checkout, CheckoutRequest, NextStep},
        myrelay::plugin::billing_types::{Interval, Price},
    },
};

const SESSIONS: &str = "/v1/checkout/sessions";

fn refused<T>(why: impl Into<String>) -> Result<T, Error> {
    Err(error(ErrorKind::InvalidInput, why))
}

pub(crate) fn begin(request: &CheckoutRequest) -> Result<Checkout, Error> {
    let (api, invoice) = (Api::load()?, &request.invoice);
    if invoice.total.minor <= 0 {
        return refused(format!("an invoice of more than nothing, not {}", invoice.total.minor));
    }
    let taken = &api.0.currencies;
    if !taken.is_empty() && !taken.contains(&invoice.total.currency) {
        return refused(format!("{} is none of the currencies taken", invoice.total.currency));
    }
    let mut form = Form::default()
        .with("client_reference_id", &request.client_reference)
        .with("success_url", &request.return_url)
        .with("cancel_url", &request.cancel_url);
    // What the payment and the subscription are about stands in them too: their events and answers
    // do not name the session.
    let inner =
        if request.subscribe.is_some() { "subscription_data" } else { "payment_intent_data" };
    for (name, value) in [("account", &request.account.id), ("invoice", &invoice.id)] {
        form.add(&format!("metadata[{name}]"), value);
        form.add(&format!("{inner}[metadata][{name}]"), value);
    }
    let name = invoice.number.as_ref().map(|it| format!("Invoice {it}"));
    let name = name.or_else(|| invoice.lines.first().map(|it| it.description.clone()));
    let name = name.unwrap_or_else(|| "Invoice".to_owned());
    match &request.subscribe {
        None => {
            form.add("mode", "payment");
            item(&mut form, 0, &name, &invoice.total)?;
        }
        Some(price) => subscribe(&mut form, &name, request, price)?,
    }
    let session = match customer(&request.account.id) {
        None => api.post(SESSIONS, &form, "checkout")?,
        Some(customer) => {
            let known = form.clone().with("customer", customer);
            match api.post(SESSIONS, &known, "checkout of a customer") {
                // Somebody deleted them, or they are of the time before the keys were changed.
                Err(it) if it.kind == ErrorKind::NotFound => {
                    api.post(SESSIONS, &form, "checkout")?
                }
                session => session?,
            }
        }
    };
    let session = Object(&session);
    let lacks = || error(ErrorKind::Internal, "Stripe sent a session without url or expires_at");
    Ok(Checkout {
        provider_id: session.id()?,
        expires_at: session.time("/expires_at").ok_or_else(lacks)?,
        step: NextStep::Redirect(session.url().ok_or_else(lacks)?),
    })
}

/// One line of Stripe's page. Tax is in the amount: what is owed is the portal's to say.
fn item(form: &mut Form, at: u32, name: &str, money: &Money) -> Result<(), Error> {
    let price = format!("line_items[{at}][price_data]");
    let name = if name.is_empty() { "Invoice" } else { name };
    form.add(&format!("line_items[{at}][quantity]"), "1");
    form.add(&format!("{price}[currency]"), money.currency.to_ascii_lowercase());
    form.add(&format!("{price}[unit_amount]"), amount(money)?.to_string());
    form.add(&format!("{price}[product_data][name]"), name);
    Ok(())
}

/// The price again and again, and what else stands in the first invoice once.
fn subscribe(
    form: &mut Form,
    name: &str,
    request: &CheckoutRequest,
    price: &Price,
) -> Result<(), Error> {
    let interval = match price.interval {
        Interval::Day => "day",
        Interval::Week => "week",
        Interval::Month => "month",
        Interval::Year => "year",
        Interval::OneTime => return refused("a price that is due once is no subscription"),
    };
    if price.metered.is_some() {
        return refused("this plugin has no meters");
    }
    let total = &request.invoice.total;
    let line = request.invoice.lines.iter().find(|it| it.price.as_ref() == Some(&price.id));
    let each =
        line.map_or(Some(price.amount.minor), |it| it.amount.minor.checked_add(it.tax.minor));
    let rest = each.and_then(|it| total.minor.checked_sub(it)).filter(|it| 0 <= *it);
    let (Some(each), Some(rest)) = (each, rest) else {
        return refused("the first invoice of a subscription is no less than its price");
    };
    if price.amount.currency != total.currency {
        return refused("invoice and price are of one currency");
    }
    let money = |minor| Money { minor, currency: total.currency.clone() };
    form.add("mode", "subscription");
    item(form, 0, line.map_or(name, |it| &it.description), &money(each))?;
    let recurring = "line_items[0][price_data][recurring]";
    form.add(&format!("{recurring}[interval]"), interval);
    form.add(&format!("{recurring}[interval_count]"), price.interval_count.to_string());
    if rest != 0 {
        item(form, 1, name, &money(rest))?;
    }
    Ok(())
}
