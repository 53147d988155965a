//! How Stripe's objects stand now, asked of Stripe.

use myrelay_plugin_sdk::{
    clock, error,
    types::{Error, ErrorKind},
};
use serde_json::Value;

use crate::{
    api::{Api, plain},
    effects::{of_dispute, of_intent, of_invoice, of_refund, of_session, of_subscription},
    object::Object,
    world::myrelay::plugin::billing_types::Effect,
};

/// All that is so about one object, which its id's beginning tells the kind of.
pub(crate) fn reconcile(id: &str) -> Result<Vec<Effect>, Error> {
    let (api, id) = (Api::load()?, plain(id)?);
    let get = |path: &str| api.get(&format!("/v1/{path}"));
    let began = |it: Object<'_>| it.time("/created").unwrap_or_else(clock::now);
    Ok(match id.split('_').next().unwrap_or_default() {
        "cs" => {
            let session = get(&format!("checkout/sessions/{id}"))?;
            let session = Object(&session);
            let mut effects = of_session(session, began(session), false)?;
            if let Some(subscription) = session.id_at("/subscription") {
                effects.retain(|it| !matches!(it, Effect::NeedsReconcile(_)));
                effects.extend(reconcile(&subscription)?);
            } else if effects.iter().any(|it| matches!(it, Effect::PaymentPending(_)))
                && let Some(intent) = session.id_at("/payment_intent")
            {
                // A session never says that what takes days came to nothing; its payment does.
                effects.retain(|it| !matches!(it, Effect::PaymentPending(_)));
                effects.extend(reconcile(&intent)?);
            }
            effects
        }
        "pi" => {
            let intent = get(&format!("payment_intents/{id}"))?;
            let intent = Object(&intent);
            let mut effects = match intent.id_at("/invoice") {
                Some(invoice) => reconcile(&invoice)?,
                None => of_intent(intent, began(intent))?,
            };
            effects.extend(refunds(&api, id)?);
            effects
        }
        "in" => {
            let invoice = get(&format!("invoices/{id}?expand%5B%5D=payment_intent"))?;
            of_invoice(Object(&invoice), began(Object(&invoice)))?
        }
        "sub" => {
            let with = "expand%5B%5D=latest_invoice.payment_intent";
            let subscription = get(&format!("subscriptions/{id}?{with}"))?;
            let mut effects = of_subscription(Object(&subscription), clock::now())?;
            if let Some(invoice) = subscription.get("latest_invoice").filter(|it| it.is_object()) {
                effects.extend(of_invoice(Object(invoice), began(Object(invoice)))?);
            }
            effects
        }
        "re" | "pyr" => {
            let refund = get(&format!("refunds/{id}"))?;
            of_refund(Object(&refund), began(Object(&refund)))?
        }
        "dp" | "du" => {
            let dispute = get(&format!("disputes/{id}"))?;
            // How it stands now is newer than how it began.
            of_dispute(Object(&dispute), clock::now())?
        }
        kind => {
            let message = format!("ids that begin with {kind}_ are none that this plugin gives");
            return Err(error(ErrorKind::InvalidInput, message));
        }
    })
}

/// Every refund of a payment: events tell only how much it is altogether.
pub(crate) fn refunds(api: &Api, payment: &str) -> Result<Vec<Effect>, Error> {
    let by = if payment.starts_with("ch_") { "charge" } else { "payment_intent" };
    let list = api.get(&format!("/v1/refunds?limit=100&{by}={}", plain(payment)?))?;
    let mut effects = Vec::new();
    for refund in list.get("data").and_then(Value::as_array).into_iter().flatten().map(Object) {
        effects.extend(of_refund(refund, refund.time("/created").unwrap_or_else(clock::now))?);
    }
    Ok(effects)
}
