//! How an invoice of BTCPay's stands: every coin that came is a payment of its own, so that those
//! that come in part, too late or too much count as what they are.

use myrelay_plugin_sdk::{
    clock, error, text,
    types::{Error, ErrorKind, Money},
};
use serde_json::Value;

use crate::{
    amounts::Decimal,
    api::Api,
    world::myrelay::plugin::billing_types::{Effect, Failure, Payment, PendingPayment},
};

/// A number, which some versions write as a text.
pub(crate) fn number(object: &Value, path: &str) -> Option<Decimal> {
    match object.pointer(path)? {
        Value::String(text) => Decimal::read(text),
        Value::Number(number) => Decimal::read(&number.to_string()),
        _ => None,
    }
}

pub(crate) fn lacks(what: &str) -> Error {
    error(ErrorKind::Internal, format!("BTCPay sent an invoice without {what}"))
}

/// An id that may stand in a path: an invoice's, or of a payment that belongs to it.
fn invoice_id(id: &str) -> Result<&str, Error> {
    let id = id.split(':').next().unwrap_or_default();
    let sound = (8..=64).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_alphanumeric());
    let wrong = || error(ErrorKind::InvalidInput, "it is no id of an invoice of BTCPay's");
    if sound { Ok(id) } else { Err(wrong()) }
}

/// Whose invoice it is, what it is about, and how much it is.
struct Bill {
    id: String,
    account: Option<String>,
    invoice: Option<String>,
    total: Money,
}

impl Bill {
    fn of(object: &Value) -> Result<Self, Error> {
        let currency = text(object, "/currency").ok_or_else(|| lacks("currency"))?;
        let total = number(object, "/amount").and_then(|it| it.money(&currency));
        Ok(Self {
            id: text(object, "/id").ok_or_else(|| lacks("id"))?,
            account: text(object, "/metadata/account"),
            invoice: text(object, "/metadata/invoice"),
            total: total.ok_or_else(|| lacks("amount"))?,
        })
    }

    fn paid(&self, provider_id: String, amount: Money, occurred_at: u64) -> Effect {
        Effect::PaymentSucceeded(Payment {
            provider_id,
            invoice: self.invoice.clone(),
            account: self.account.clone(),
            subscription: None,
            amount,
            fee: None,
            occurred_at,
        })
    }

    fn pending(&self, id: String, received: Money, coin: String, occurred_at: u64) -> Effect {
        Effect::PaymentPending(PendingPayment {
            provider_id: id,
            invoice: self.invoice.clone(),
            account: self.account.clone(),
            expected: self.total.clone(),
            received: Some(received),
            confirmations: None,
            reference: Some(coin),
            occurred_at,
        })
    }

    /// Every coin that came, each worth what it was when the invoice was made. Those that the
    /// server took for `invalid` are left out.
    fn coins(&self, methods: &Value, exact: bool) -> Result<Vec<Effect>, Error> {
        let (mut effects, mut left) = (Vec::new(), self.total.minor);
        let (mut last, mut settled) = (None, 0);
        for method in methods.as_array().into_iter().flatten() {
            let rate = number(method, "/rate");
            for coin in method["payments"].as_array().into_iter().flatten() {
                let worth = number(coin, "/value").and_then(|it| it.times(rate?));
                let worth = worth.and_then(|it| it.money(&self.total.currency));
                let worth = worth.ok_or_else(|| lacks("what a coin is worth"))?;
                let id = text(coin, "/id").ok_or_else(|| lacks("a coin's id"))?;
                let time = coin["receivedDate"].as_u64().and_then(|it| it.checked_mul(1000));
                let (time, own) = (time.unwrap_or_else(clock::now), format!("{}:{id}", self.id));
                match text(coin, "/status").as_deref() {
                    Some("Settled") => {
                        left = left.saturating_sub(worth.minor);
                        (last, settled) = (Some(effects.len()), settled + 1);
                        effects.push(self.paid(own, worth, time));
                    }
                    Some("Processing") => effects.push(self.pending(own, worth, id, time)),
                    _ => {}
                }
            }
        }
        // Coins are rounded one by one, each by less than one; an invoice that is paid exactly is
        // paid to the cent. What is missing beyond that is missing: stores tolerate a little.
        let exact = exact && left.unsigned_abs() <= settled;
        let rounded = last.and_then(|it| effects.get_mut(it));
        if let (true, Some(Effect::PaymentSucceeded(payment))) = (exact, rounded) {
            payment.amount.minor = payment.amount.minor.saturating_add(left);
        }
        Ok(effects)
    }
}

/// All that is so about one invoice.
pub(crate) fn reconcile(id: &str) -> Result<Vec<Effect>, Error> {
    let (api, id) = (Api::load()?, invoice_id(id)?);
    let object = api.get(&format!("invoices/{id}"))?;
    let bill = Bill::of(&object)?;
    let (status, more) = (text(&object, "/status"), text(&object, "/additionalStatus"));
    let (status, more) = (status.unwrap_or_default(), more.unwrap_or_default());
    if bill.account.is_none() {
        return Ok(Vec::new());
    }
    let methods = api.get(&format!("invoices/{id}/payment-methods"))?;
    let mut effects = bill.coins(&methods, status == "Settled" && more == "None")?;
    match (status.as_str(), more.as_str()) {
        // Somebody said so by hand: no coin came here.
        ("Settled", "Marked") if effects.is_empty() => {
            effects.push(bill.paid(bill.id.clone(), bill.total.clone(), clock::now()));
        }
        ("Expired", _) => effects.push(Effect::CheckoutExpired(bill.id.clone())),
        ("Invalid", _) => effects.push(Effect::PaymentFailed(Failure {
            provider_id: Some(bill.id.clone()),
            invoice: bill.invoice.clone(),
            account: bill.account.clone(),
            code: "invalid".to_owned(),
            message: "the coins were not confirmed".to_owned(),
            retryable: true,
            next_attempt_at: None,
        })),
        _ => {}
    }
    Ok(effects)
}
