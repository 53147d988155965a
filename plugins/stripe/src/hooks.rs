//! What Stripe sends: signed, in any order, and more than once.

use myrelay_plugin_sdk::{Timed, context, header, is_signed, kv, log, types::Error};
use serde_json::Value;

use crate::{
    api::Api,
    customer, customer_key,
    effects::{of_dispute, of_invoice, of_refund, of_session, of_subscription},
    object::Object,
    truth::{reconcile, refunds},
    world::{
        exports::myrelay::plugin::webhooks::{Accepted, Outcome, Rejection, Request},
        myrelay::plugin::billing_types::Effect,
    },
};

/// How far the time of a signature may be from ours, as Stripe's libraries have it.
const TOLERANCE_S: u64 = 300;

pub(crate) fn handle(request: &Request) -> Result<Outcome, Error> {
    let signature = header(&request.headers, "stripe-signature").unwrap_or_default();
    let Some(signed) = Timed::read(signature) else {
        return Ok(Outcome::Rejected(Rejection::BadSignature));
    };
    let message = [signed.stamp.as_bytes(), b".", &request.body].concat();
    if !is_signed(&["webhook_secret", "webhook_secret_previous"], &message, &signed.tags)? {
        return Ok(Outcome::Rejected(Rejection::BadSignature));
    }
    if TOLERANCE_S < (request.received_at / 1000).abs_diff(signed.seconds) {
        return Ok(Outcome::Rejected(Rejection::Stale));
    }
    let malformed = |what: &str| Ok(Outcome::Rejected(Rejection::Malformed(what.to_owned())));
    let Ok(value) = serde_json::from_slice::<Value>(&request.body) else {
        return malformed("it is no JSON");
    };
    let event = Object(&value);
    let (Some(event_id), Some(kind)) = (event.text("/id"), event.text("/type")) else {
        return malformed("an event has id and type");
    };
    if event.is("/livemode") == context::current().test_mode {
        return Ok(Outcome::Ignored("trials and real payments are kept apart".to_owned()));
    }
    let at = event.time("/created").unwrap_or(request.received_at);
    let Some(object) = value.pointer("/data/object") else {
        return malformed("an event has data.object");
    };
    let Some(effects) = effects(&kind, Object(object), at)? else {
        return Ok(Outcome::Ignored(format!("{kind} means nothing here")));
    };
    if effects.is_empty() {
        return Ok(Outcome::Ignored(format!(
            "{kind}: nothing here that the portal began or has to know"
        )));
    }
    remember(&effects);
    Ok(Outcome::Accepted(Accepted { event_id, effects, status: None, body: None }))
}

/// What an event says happened; none where it is of a kind that says nothing to us.
fn effects(kind: &str, object: Object<'_>, at: u64) -> Result<Option<Vec<Effect>>, Error> {
    let effects = match kind {
        "checkout.session.completed"
        | "checkout.session.async_payment_succeeded"
        | "checkout.session.expired" => of_session(object, at, false)?,
        "checkout.session.async_payment_failed" => of_session(object, at, true)?,
        // In the forms of 2025 and later an invoice does not say what paid it: Stripe is asked.
        "invoice.paid" if object.0.get("payment_intent").is_none() => reconcile(&object.id()?)?,
        "invoice.paid" | "invoice.payment_failed" => of_invoice(object, at)?,
        "charge.refunded" => {
            let payment = object.id_at("/payment_intent").map_or_else(|| object.id(), Ok)?;
            refunds(&Api::load()?, &payment)?
        }
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            of_refund(object, at)?
        }
        "charge.dispute.created"
        | "charge.dispute.updated"
        | "charge.dispute.closed"
        | "charge.dispute.funds_withdrawn"
        | "charge.dispute.funds_reinstated" => of_dispute(object, at)?,
        "customer.subscription.created"
        | "customer.subscription.updated"
        | "customer.subscription.deleted" => of_subscription(object, at)?,
        _ => return Ok(None),
    };
    Ok(Some(effects))
}

/// Keeps the customers that Stripe made. Where there is no room for one more, that account has no
/// page of Stripe's, and is paid for all the same.
fn remember(effects: &[Effect]) {
    for effect in effects {
        let Effect::CustomerLinked(link) = effect else { continue };
        if customer(&link.account).as_ref() == Some(&link.provider_id) {
            continue;
        }
        let key = customer_key(&link.account);
        if let Err(why) = kv::set(&key, link.provider_id.as_bytes(), None) {
            log::log(log::Level::Warn, &format!("the customer is not kept: {why:?}"), &[]);
        }
    }
}
