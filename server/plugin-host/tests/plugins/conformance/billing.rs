//! What every plugin that takes payments has to stand.

use myrelay_fake_providers::{Event, Fault, Flaw};
use myrelay_plugin_host::{
    Answer, Call, Failure,
    billing::CheckoutRequest,
    types::ErrorKind,
    webhooks::{self, Rejection},
};
use serde_json::{Value, json};

use crate::conformance::provider::{
    Provider, all, begin, checkout, given_back, money, paid, payments, refund, taken,
};

/// Twice and in any order, events have the same ids and say the same.
pub(crate) async fn webhooks_come_twice_and_in_any_order<P: Provider>() {
    let Some(provider) = P::start().await else { return };
    let (_, _, events) = paid(&provider, money(1200, "EUR")).await;
    let once = all(&provider, &events).await;
    assert!(!once.is_empty());
    assert_eq!(all(&provider, &events).await, once, "twice");
    let mut turned = all(&provider, events.iter().rev()).await;
    turned.reverse();
    assert_eq!(turned, once, "the last first");
}

/// What is not signed by the provider, or was signed long ago, says nothing.
pub(crate) async fn what_is_not_the_providers_is_refused<P: Provider>() {
    let Some(provider) = P::start().await else { return };
    let (_, _, events) = paid(&provider, money(1200, "EUR")).await;
    let event = events.last().unwrap();
    for flaw in [Flaw::OtherSecret, Flaw::OtherBody, Flaw::Missing, Flaw::OtherScheme] {
        let outcome = taken(provider.rig(), provider.webhook(event, flaw)).await;
        let refused = webhooks::Outcome::Rejected(Rejection::BadSignature);
        assert_eq!(outcome, refused, "{flaw:?}");
    }
    if P::TIMED {
        let outcome = taken(provider.rig(), provider.webhook(event, Flaw::Stale)).await;
        assert_eq!(outcome, webhooks::Outcome::Rejected(Rejection::Stale));
        let outcome = taken(provider.rig(), provider.webhook(event, Flaw::TwoSecrets)).await;
        assert!(matches!(outcome, webhooks::Outcome::Accepted(_)), "{outcome:?}");
    }
    let mut other = provider.webhook(event, Flaw::None);
    other.headers.clear();
    let outcome = taken(provider.rig(), other).await;
    assert_eq!(outcome, webhooks::Outcome::Rejected(Rejection::BadSignature));
}

/// Whatever strangers send means nothing, and breaks nothing.
pub(crate) async fn what_strangers_send_breaks_nothing<P: Provider>() {
    let Some(provider) = P::start().await else { return };
    let (_, _, events) = paid(&provider, money(1200, "EUR")).await;
    let sound = provider.webhook(&events[0], Flaw::None);
    let mut sent = Vec::new();
    for at in (0..sound.body.len()).step_by(sound.body.len().div_ceil(24)) {
        let mut request = sound.clone();
        request.body[at] ^= 1;
        sent.push(request.clone());
        request.body.truncate(at);
        sent.push(request);
    }
    let at = sound.headers.iter().position(|it| it.1.contains("=")).unwrap();
    // Without what stands behind it and means nothing.
    let signature = sound.headers[at].1.split(",v0").next().unwrap().to_owned();
    let many = "v1=00,".repeat(2000) + "t=1";
    for odd in ["", "=", ",", "t=,v1=", "t=1", "v1=00", "sha256=", "sha256=zz", "t=é,v1=é", &many]
        .into_iter()
        .chain((1..8).map(|it| &signature[..signature.len() - it]))
    {
        let mut request = sound.clone();
        odd.clone_into(&mut request.headers[at].1);
        sent.push(request);
    }
    for request in sent {
        let shown = format!("{:?} {}", request.headers, String::from_utf8_lossy(&request.body));
        let outcome = taken(provider.rig(), request).await;
        assert!(matches!(outcome, webhooks::Outcome::Rejected(_)), "{outcome:?}: {shown}");
    }
    odd_events_break_nothing(&provider, &events).await;
}

/// Genuine events in which something is not there, or is something else: the plugin answers, or
/// says what it lacks.
pub(crate) async fn odd_events_break_nothing<P: Provider>(provider: &P, events: &[Event]) {
    // One for each place in turn: a plugin is called fifty times a second.
    let odd = [Value::Null, json!("\u{202e}odd\n"), json!(-1), json!([{}])];
    let mut odd = odd.iter().cycle();
    for event in events {
        let mut places = Vec::new();
        places_in(&event.0, String::new(), &mut places);
        for place in places {
            let mut event = event.clone();
            odd.next().unwrap().clone_into(event.0.pointer_mut(&place).unwrap());
            let request = provider.webhook(&event, Flaw::None);
            let outcome = provider.rig().call(Call::Webhook(request)).await;
            let fine = matches!(outcome.result, Ok(_) | Err(Failure::Reported(_)));
            assert!(fine, "{}: {:?}", event.0, outcome.result);
        }
    }
}

/// A pointer to everything that stands in a value.
fn places_in(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places_in(value, format!("{place}/{name}"), places);
            }
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                places_in(value, format!("{place}/{at}"), places);
            }
        }
        _ => {}
    }
    if !place.is_empty() {
        places.push(place);
    }
}

/// The provider did it and nobody heard: the plugin says so, and asking finds it.
pub(crate) async fn what_nobody_heard_of_is_found_by_asking<P: Provider>() {
    let Some(provider) = P::start().await else { return };
    let rig = provider.rig();
    let total = money(1200, "EUR");

    // The checkout was made, and its answer was lost: the same delivery gives the same checkout.
    let call = || Call::BeginCheckout(Box::new(checkout(&total)));
    provider.fail_checkout(Fault::HangupAfter);
    assert_eq!(rig.error(call()).await.kind, ErrorKind::Indeterminate);
    let first = begin(rig, checkout(&total)).await.provider_id;
    assert_eq!(begin(rig, checkout(&total)).await.provider_id, first);

    // It was paid, and the webhook was lost.
    assert_eq!(payments(&rig.effects(Call::Reconcile(first.clone())).await), []);
    provider.pay(&first);
    let found = payments(&rig.effects(Call::Reconcile(first)).await);
    let [payment] = &found[..] else { panic!("one payment: {found:?}") };
    assert_eq!((&payment.amount, payment.invoice.as_deref()), (&total, Some("inv_1")));
    let again = rig.effects(Call::Reconcile(payment.provider_id.clone())).await;
    assert_eq!(payments(&again)[0].provider_id, payment.provider_id);
}

/// Money went back and nobody heard of it: asking finds that too.
pub(crate) async fn a_refund_that_nobody_heard_of_is_found<P: Provider>() {
    let total = money(1200, "EUR");
    for (fault, amount, sum) in [(Fault::HangupAfter, 500, 500), (Fault::Silence, 300, 800)] {
        let Some(mut provider) = P::start().await else { return };
        let (_, payment, _) = paid(&provider, total.clone()).await;
        let id = payment.provider_id;
        if sum != amount {
            provider.rig().effects(refund(&id, money(sum - amount, "EUR"))).await;
        }
        provider.rig_mut().stage.delivery = "delivery-2".to_owned();
        provider.be_impatient();
        provider.fail(fault);
        let error = provider.rig().error(refund(&id, money(amount, "EUR"))).await;
        assert_eq!(error.kind, ErrorKind::Indeterminate, "{error:?}");
        let given = given_back(&provider.rig().effects(Call::Reconcile(id)).await);
        assert_eq!(given.iter().map(|it| it.1).sum::<i64>(), sum, "{given:?}");
    }
}

/// More than was paid never goes back, and neither does nothing.
pub(crate) async fn no_more_than_was_paid_goes_back<P: Provider>() {
    let Some(mut provider) = P::start().await else { return };
    let (_, payment, _) = paid(&provider, money(1200, "EUR")).await;
    let id = payment.provider_id;
    for (delivery, amount, fits) in
        [("a", 1201, false), ("b", 700, true), ("c", 700, false), ("d", 0, false), ("e", -5, false)]
    {
        provider.rig_mut().stage.delivery = delivery.to_owned();
        let call = || refund(&id, money(amount, "EUR"));
        if fits {
            // Tried twice, given back once.
            let once = given_back(&provider.rig().effects(call()).await);
            assert_eq!(once.iter().map(|it| it.1).collect::<Vec<_>>(), [amount]);
            assert_eq!(given_back(&provider.rig().effects(call()).await), once);
        } else {
            let error = provider.rig().error(call()).await;
            assert_eq!(error.kind, ErrorKind::InvalidInput, "{amount}: {error:?}");
        }
    }
    provider.rig_mut().stage.delivery = "f".to_owned();
    let error = provider.rig().error(refund("pi_unknown", money(100, "EUR"))).await;
    assert_eq!(error.kind, ErrorKind::NotFound, "{error:?}");
}

/// Amounts arrive as they were meant, in currencies without cents and with three decimals too.
pub(crate) async fn every_currency_means_what_it_says<P: Provider>() {
    let Some(provider) = P::start().await else { return };
    for (minor, currency) in [(1299, "EUR"), (500, "JPY"), (12_340, "KWD"), (990, "ISK")] {
        // Each in a world of its own: a checkout is known by its reference and delivery.
        let Some(provider) = P::start().await else { return };
        let (checkout, payment, _) = paid(&provider, money(minor, currency)).await;
        assert_eq!(payment.amount, money(minor, currency));
        assert_eq!(provider.asked(&checkout), P::counted(minor, currency));
    }
    for (minor, currency) in [(0, "EUR"), (-100, "EUR"), (0, "JPY")] {
        let call = Call::BeginCheckout(Box::new(checkout(&money(minor, currency))));
        let error = provider.rig().error(call).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{minor} {currency}: {error:?}");
    }
}

/// Too many requests, failures and silence: each says what may be done next.
pub(crate) async fn a_provider_in_trouble_decides_what_happens_next<P: Provider>() {
    let Some(mut provider) = P::start().await else { return };
    let (id, _, _) = paid(&provider, money(1200, "EUR")).await;
    // Of another invoice than the one that is paid.
    let client_reference = "chk_01999c0de0007000800000000000cafe".to_owned();
    let other = CheckoutRequest { client_reference, ..checkout(&money(900, "EUR")) };
    let change = || Call::BeginCheckout(Box::new(other.clone()));
    let read = || Call::Reconcile(id.clone());
    let garbage =
        Fault::Answer { status: 200, retry_after: None, body: "<html>busy</html>".to_owned() };
    for (fault, kinds) in [
        (Fault::too_many(7), [ErrorKind::RateLimited, ErrorKind::RateLimited]),
        (Fault::status(500), [ErrorKind::Indeterminate, ErrorKind::Unavailable]),
        (Fault::status(503), [ErrorKind::Indeterminate, ErrorKind::Unavailable]),
        (Fault::Hangup, [ErrorKind::Indeterminate, ErrorKind::Unavailable]),
        (garbage, [ErrorKind::Indeterminate, ErrorKind::Unavailable]),
        // Last, since what was done is found the next time.
        (Fault::Silence, [ErrorKind::Indeterminate, ErrorKind::Unavailable]),
    ] {
        if matches!(fault, Fault::Silence) {
            provider.be_impatient();
        }
        for (call, kind) in [change(), read()].into_iter().zip(kinds) {
            if matches!(call, Call::Reconcile(_)) {
                provider.fail(fault.clone());
            } else {
                provider.fail_checkout(fault.clone());
            }
            let error = provider.rig().error(call).await;
            assert_eq!(error.kind, kind, "{fault:?}: {error:?}");
            let wait = (kind == ErrorKind::RateLimited).then_some(7000);
            assert_eq!(error.retry_after_ms, wait);
            assert!(!error.message.contains("<html>"));
        }
    }
}

/// A wrong key is the operator's affair, and is not told, though the provider quotes it.
pub(crate) async fn a_wrong_key_is_never_told<P: Provider>() {
    let Some(mut provider) = P::start().await else { return };
    provider.rig_mut().stage.secret(P::KEY, "rk_test_of_somebody_else_987");
    let call = Call::BeginCheckout(Box::new(checkout(&money(900, "EUR"))));
    let error = provider.rig().error(call).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.message.contains("[secret]"), "{error:?}");
    let Answer::Health(health) = provider.rig().answer(Call::Health).await else { panic!() };
    assert!(!health.ok && health.detail.contains("[secret]"), "{health:?}");
    // Without any, it is not even asked.
    provider.rig_mut().stage.secrets.remove(P::KEY);
    let error = provider.rig().error(Call::Activate { webhook_url: None }).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error:?}");
    assert!(error.message.contains(P::KEY), "{error:?}");
}

/// The whole suite for one plugin.
macro_rules! billing_conformance {
    ($provider:ty) => {
        mod conformance {
            use super::*;
            use crate::conformance::billing;

            #[tokio::test]
            async fn webhooks_come_twice_and_in_any_order() {
                billing::webhooks_come_twice_and_in_any_order::<$provider>().await;
            }

            #[tokio::test]
            async fn what_is_not_the_providers_is_refused() {
                billing::what_is_not_the_providers_is_refused::<$provider>().await;
            }

            #[tokio::test]
            async fn what_strangers_send_breaks_nothing() {
                billing::what_strangers_send_breaks_nothing::<$provider>().await;
            }

            #[tokio::test]
            async fn what_nobody_heard_of_is_found_by_asking() {
                billing::what_nobody_heard_of_is_found_by_asking::<$provider>().await;
            }

            #[tokio::test]
            async fn every_currency_means_what_it_says() {
                billing::every_currency_means_what_it_says::<$provider>().await;
            }

            #[tokio::test]
            async fn a_provider_in_trouble_decides_what_happens_next() {
                billing::a_provider_in_trouble_decides_what_happens_next::<$provider>().await;
            }

            #[tokio::test]
            async fn a_wrong_key_is_never_told() {
                billing::a_wrong_key_is_never_told::<$provider>().await;
            }
        }
    };
}

/// What is besides for those that give money back by themselves.
macro_rules! refund_conformance {
    ($provider:ty) => {
        mod refunds {
            use super::*;
            use crate::conformance::billing;

            #[tokio::test]
            async fn a_refund_that_nobody_heard_of_is_found() {
                billing::a_refund_that_nobody_heard_of_is_found::<$provider>().await;
            }

            #[tokio::test]
            async fn no_more_than_was_paid_goes_back() {
                billing::no_more_than_was_paid_goes_back::<$provider>().await;
            }
        }
    };
}

pub(crate) use {billing_conformance, refund_conformance};
