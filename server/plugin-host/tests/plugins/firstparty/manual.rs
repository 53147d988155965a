//! Bank transfers: what customers are shown, and what operators write down.

use std::collections::BTreeSet;

use myrelay_plugin_host::{
    Answer, Call,
    billing::NextStep,
    billing_types::Effect,
    types::ErrorKind,
    webhooks::{Outcome, Rejection, Request},
};
use serde_json::json;

use crate::conformance::{
    Rig,
    provider::{begin, checkout, invoice, money, refund, taken},
};

const MANIFEST: &str = include_str!("../../../../../plugins/manual/plugin.toml");

const DAY_MS: u64 = 86_400_000;

async fn rig() -> Option<Rig> {
    let config = json!({
        "recipient": "Example VPN GmbH", "account": "DE89 3704 0044 0532 0130 00",
        "bank": "COBADEFF", "currencies": ["EUR", "JPY"], "days": 10,
    });
    Rig::new("manual", MANIFEST, 1, config, &[]).await
}

/// The weighted sum that the reference's last character makes even.
fn fits(reference: &str) -> bool {
    let alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXY";
    let digits = reference.trim_start_matches("MR-").chars().filter(|it| *it != '-');
    let digits: Vec<usize> = digits.map(|it| alphabet.find(it).unwrap()).collect();
    assert_eq!(digits.len(), 11);
    digits.iter().zip(1..).map(|(digit, place)| digit * place).sum::<usize>().is_multiple_of(31)
}

#[tokio::test]
async fn a_customer_is_told_where_to_pay() {
    let Some(rig) = rig().await else { return };
    let first = begin(&rig, checkout(&money(1200, "EUR"))).await;
    let NextStep::Instructions(shown) = &first.step else { panic!("{first:?}") };
    let field = |name: &str| shown.fields.iter().find(|it| it.0 == name).unwrap().1.clone();
    assert_eq!(field("Recipient"), "Example VPN GmbH");
    assert_eq!(field("Account"), "DE89 3704 0044 0532 0130 00");
    assert_eq!(field("Bank"), "COBADEFF");
    assert_eq!(shown.reference, first.provider_id, "what an operator finds the transfer by");
    assert_eq!(shown.expires_at, Some(1_773_999_000_000 + 10 * DAY_MS));
    assert_eq!(first.expires_at, 1_773_999_000_000 + 10 * DAY_MS);
    // It is opened again: nothing is another.
    assert_eq!(begin(&rig, checkout(&money(1200, "EUR"))).await, first);
}

#[tokio::test]
async fn a_reference_is_short_and_checks_itself() {
    let Some(rig) = rig().await else { return };
    let mut seen = BTreeSet::new();
    for number in 0..40 {
        let request = myrelay_plugin_host::billing::CheckoutRequest {
            client_reference: format!("chk_01999c0de0007000800000000000{number:04}"),
            ..checkout(&money(1200, "JPY"))
        };
        let reference = begin(&rig, request).await.provider_id;
        assert_eq!(reference.len(), "MR-7K2QX-M0V4T-C".len(), "{reference}");
        assert!(fits(&reference), "{reference}");
        // Any two characters that change places, and any that is another.
        let plain: Vec<usize> = (3..16).filter(|at| ![8, 14].contains(at)).collect();
        for (from, to) in plain.iter().zip(&plain[1..]) {
            let mut swapped = reference.clone().into_bytes();
            swapped.swap(*from, *to);
            let swapped = String::from_utf8(swapped).unwrap();
            assert!(swapped == reference || !fits(&swapped), "{reference} {swapped}");
            let other = if &reference[*from..=*from] == "7" { "8" } else { "7" };
            let mut wrong = reference.clone();
            wrong.replace_range(*from..=*from, other);
            assert!(!fits(&wrong), "{reference} {wrong}");
        }
        assert!(seen.insert(reference));
    }
}

#[tokio::test]
async fn a_refund_is_written_down_once_for_each_delivery() {
    let Some(mut rig) = rig().await else { return };
    let call = || refund("MR-7K2QX-M0V4T-C", money(500, "EUR"));
    let once = rig.effects(call()).await;
    let [Effect::PaymentRefunded(given)] = &once[..] else { panic!("{once:?}") };
    assert_eq!((given.payment.as_str(), &given.amount), ("MR-7K2QX-M0V4T-C", &money(500, "EUR")));
    assert_eq!(given.reason.as_deref(), Some("They asked for it"));
    assert_eq!(rig.effects(call()).await, once, "the same delivery is the same refund");
    rig.stage.delivery = "delivery-2".to_owned();
    assert_ne!(rig.effects(call()).await, once);
    for amount in [money(0, "EUR"), money(-1, "EUR"), money(500, "USD")] {
        let error = rig.error(refund("MR-7K2QX-M0V4T-C", amount)).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{error:?}");
    }
}

#[tokio::test]
async fn what_transfers_cannot_do_is_said() {
    let Some(rig) = rig().await else { return };
    let Answer::Capabilities(can) = rig.answer(Call::Capabilities).await else { panic!() };
    assert!(can.one_time && can.refunds && can.partial_refunds);
    assert!(!can.subscriptions && !can.saved_methods && !can.metered && !can.hosted_portal);
    assert_eq!(can.currencies, ["EUR", "JPY"]);
    let account = crate::conformance::provider::account();
    let return_url = "https://portal.example.org".to_owned();
    for (call, kind) in [
        (Call::ChargeSaved(invoice(&money(1200, "EUR"))), ErrorKind::InvalidInput),
        (Call::ReportUsage(Vec::new()), ErrorKind::InvalidInput),
        (Call::CustomerPortalUrl { account, return_url }, ErrorKind::InvalidInput),
        (
            Call::CancelSubscription { subscription: "sub_1".to_owned(), at_period_end: true },
            ErrorKind::NotFound,
        ),
        (Call::BeginCheckout(Box::new(checkout(&money(0, "EUR")))), ErrorKind::InvalidInput),
        (Call::BeginCheckout(Box::new(checkout(&money(5, "USD")))), ErrorKind::InvalidInput),
    ] {
        assert_eq!(rig.error(call).await.kind, kind);
    }
    assert_eq!(rig.effects(Call::Reconcile("MR-7K2QX-M0V4T-C".to_owned())).await, []);
    let request = Request {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
        received_at: 1,
        source_ip: "203.0.113.7".to_owned(),
    };
    assert_eq!(taken(&rig, request).await, Outcome::Rejected(Rejection::UnknownEndpoint));
}

#[tokio::test]
async fn an_iban_with_a_slip_of_the_pen_is_found() {
    let Some(rig) = rig().await else { return };
    let problems = async |settings: serde_json::Value| match rig
        .answer(Call::ValidateConfig(settings.to_string()))
        .await
    {
        Answer::Problems(found) => found.into_iter().map(|it| it.path).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let with =
        |account: &str| json!({ "recipient": "X", "account": account, "currencies": ["EUR"] });
    assert_eq!(problems(with("GB82 WEST 1234 5698 7654 32")).await, [""; 0]);
    assert_eq!(problems(with("GB82 WEST 1234 5698 7654 23")).await, ["/account"]);
    assert_eq!(problems(with("12-345678-9")).await, [""; 0], "not every account is an IBAN");
    assert_eq!(problems(json!({ "account": "1" })).await, [""]);
    let odd = json!({ "recipient": "X", "account": "1234", "currencies": ["eur"], "days": 0 });
    assert_eq!(problems(odd).await, ["/currencies", "/days"]);
}
