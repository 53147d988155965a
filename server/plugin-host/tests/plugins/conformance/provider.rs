//! A provider of payments, and what is asked of it in every story.

use myrelay_fake_providers::{Event, Fault, Flaw};
use myrelay_plugin_host::{
    Answer, Call,
    billing::{Checkout, CheckoutRequest},
    billing_types::{Effect, Invoice, Line, Payment},
    types::{AccountRef, Decimal, Money},
    webhooks,
};

use serde_json::{Value, json};

use crate::conformance::{Rig, Told};

/// A provider of payments and the plugin that speaks to it.
pub(crate) trait Provider: Told + Sized {
    /// Both, ready; none where plugins were not built.
    async fn start() -> Option<Self>;

    /// The name of the secret that requests log in with.
    const KEY: &str;

    /// Goes wrong with the request that begins a checkout, where others come before it.
    fn fail_checkout(&self, fault: Fault) {
        self.fail(fault);
    }

    /// From now on the plugin waits for a second only. Nothing else is as slow as silence, so that a
    /// busy machine makes no test fail.
    fn be_impatient(&mut self) {
        let mut config: Value = serde_json::from_str(&self.rig().config).unwrap();
        config["timeout_ms"] = json!(1000);
        self.rig_mut().config = config.to_string();
    }

    /// Whether the time of a signature is signed, and two signatures may stand side by side.
    const TIMED: bool;

    /// The customer pays a checkout; what the provider tells of it.
    fn pay(&self, checkout: &str) -> Vec<Event>;

    /// The headers and the body of what it sends.
    fn sign(&self, event: &Event, flaw: Flaw) -> (Vec<(String, String)>, Vec<u8>);

    /// A request with what it tells, as it would come.
    fn webhook(&self, event: &Event, flaw: Flaw) -> webhooks::Request {
        request(self.sign(event, flaw))
    }

    /// What some events say, in their order.
    async fn told(&self, events: Vec<Event>) -> Vec<Effect> {
        all(self, &events).await.into_iter().flat_map(|it| it.1).collect()
    }

    /// What the provider was asked to take, as it writes amounts.
    fn asked(&self, checkout: &str) -> String;

    /// How the provider writes this amount.
    fn counted(minor: i64, currency: &str) -> String;
}

/// The time of the providers and of what comes, in seconds.
pub(crate) const NOW_S: u64 = 1_773_999_000;

pub(crate) fn request((headers, body): (Vec<(String, String)>, Vec<u8>)) -> webhooks::Request {
    webhooks::Request {
        method: "POST".to_owned(),
        path: "/events".to_owned(),
        query: String::new(),
        headers,
        body,
        received_at: NOW_S * 1000 + 250,
        source_ip: "127.0.0.1".to_owned(),
    }
}

pub(crate) fn money(minor: i64, currency: &str) -> Money {
    Money { minor, currency: currency.to_owned() }
}

pub(crate) fn account() -> AccountRef {
    AccountRef { id: "acct_1".to_owned(), locale: "en".to_owned(), country: None }
}

/// An invoice over this amount, a fifth of it tax.
pub(crate) fn invoice(total: &Money) -> Invoice {
    let part = |minor| Money { minor, currency: total.currency.clone() };
    let tax = total.minor / 5;
    Invoice {
        id: "inv_1".to_owned(),
        number: Some("2026-0001".to_owned()),
        account: account(),
        lines: vec![Line {
            description: "A location, one month".to_owned(),
            price: Some("price_1".to_owned()),
            quantity: Decimal { mantissa: 1, scale: 0 },
            amount: part(total.minor - tax),
            tax: part(tax),
            tax_code: None,
            period_start: None,
            period_end: None,
        }],
        subtotal: part(total.minor - tax),
        tax_total: part(tax),
        total: total.clone(),
        due_at: None,
    }
}

pub(crate) fn checkout(total: &Money) -> CheckoutRequest {
    CheckoutRequest {
        account: account(),
        invoice: invoice(total),
        subscribe: None,
        return_url: "https://portal.example.org/paid".to_owned(),
        cancel_url: "https://portal.example.org/invoices".to_owned(),
        client_reference: "chk_01999c0de0007000800000000000beef".to_owned(),
    }
}

pub(crate) async fn begin(rig: &Rig, request: CheckoutRequest) -> Checkout {
    match rig.answer(Call::BeginCheckout(Box::new(request))).await {
        Answer::Checkout(checkout) => checkout,
        other => panic!("no checkout: {other:?}"),
    }
}

pub(crate) fn refund(payment: &str, amount: Money) -> Call {
    Call::Refund { payment: payment.to_owned(), amount, reason: "They asked for it".to_owned() }
}

/// What a webhook was taken for.
pub(crate) async fn taken(rig: &Rig, request: webhooks::Request) -> webhooks::Outcome {
    match rig.answer(Call::Webhook(request)).await {
        Answer::Webhook(outcome) => outcome,
        other => panic!("no outcome of a webhook: {other:?}"),
    }
}

/// The payments among effects.
pub(crate) fn payments(effects: &[Effect]) -> Vec<Payment> {
    let of = |it: &Effect| match it {
        Effect::PaymentSucceeded(payment) => Some(payment.clone()),
        _ => None,
    };
    effects.iter().filter_map(of).collect()
}

/// How much went back, by the provider's ids.
pub(crate) fn given_back(effects: &[Effect]) -> Vec<(String, i64)> {
    let of = |it: &Effect| match it {
        Effect::PaymentRefunded(refund) => Some((refund.provider_id.clone(), refund.amount.minor)),
        _ => None,
    };
    effects.iter().filter_map(of).collect()
}

/// Everything that the events say, each with its id.
pub(crate) async fn all<P: Provider>(
    provider: &P,
    events: impl IntoIterator<Item = &Event>,
) -> Vec<(String, Vec<Effect>)> {
    let mut said = Vec::new();
    for event in events {
        match taken(provider.rig(), provider.webhook(event, Flaw::None)).await {
            webhooks::Outcome::Accepted(accepted) => {
                said.push((accepted.event_id, accepted.effects));
            }
            webhooks::Outcome::Ignored(_) => {}
            rejected => panic!("{}: {rejected:?}", event.0),
        }
    }
    said
}

/// A checkout that was paid: the checkout's id, the payment's, and the events.
pub(crate) async fn paid<P: Provider>(provider: &P, total: Money) -> (String, Payment, Vec<Event>) {
    let checkout = begin(provider.rig(), checkout(&total)).await.provider_id;
    let events = provider.pay(&checkout);
    let effects = provider.told(events.clone()).await;
    let mut found = payments(&effects);
    // Several events may tell of one payment.
    found.dedup();
    let [payment] = &found[..] else { panic!("one payment: {effects:?}") };
    assert_eq!(payment.amount, total);
    assert_eq!(payment.account.as_deref(), Some("acct_1"));
    assert_eq!(payment.invoice.as_deref(), Some("inv_1"));
    (checkout, payment.clone(), events)
}
