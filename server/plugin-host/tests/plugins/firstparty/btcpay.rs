//! BTCPay: the conformance of its plugin, and coins that come in part, too late or too much.

use myrelay_fake_providers::{Btcpay, BtcpayOptions, Event, Fake, Fault, Flaw};
use myrelay_plugin_host::{
    Answer, Call,
    billing::NextStep,
    billing_types::Effect,
    types::ErrorKind,
    webhooks::{self, Rejection},
};
use serde_json::{Value, json};

use crate::conformance::{
    Rig, anywhere,
    billing::billing_conformance,
    provider::{
        NOW_S, Provider, account, begin, checkout, invoice, money, payments, refund, taken,
    },
};

const MANIFEST: &str = include_str!("../../../../../plugins/btcpay/plugin.toml");
const KEY: &str = "btcpay-key-0123456789abcdef";
const STORE: &str = "Store0123456789";
const SIGNING: &str = "btcpay-signing-0123456789";

type Story = crate::conformance::Story<Btcpay>;

impl Provider for Story {
    const KEY: &str = "api_key";
    const TIMED: bool = false;

    async fn start() -> Option<Self> {
        let options = BtcpayOptions {
            api_key: KEY.to_owned(),
            store: STORE.to_owned(),
            webhook_secret: SIGNING.to_owned(),
            port: 0,
            now: || NOW_S,
        };
        let fake = Btcpay::start(options).await.unwrap();
        let port = fake.port();
        let manifest = anywhere(MANIFEST, port);
        let config = json!({ "url": fake.url(), "store": STORE });
        let secrets = [("api_key", KEY), ("webhook_secret", SIGNING)];
        let rig = Rig::new("btcpay", &manifest, port, config, &secrets).await?;
        Some(Self { rig, fake })
    }

    fn fail_checkout(&self, fault: Fault) {
        // The plugin looks for an earlier try first.
        self.fake.fail(Fault::Late(std::time::Duration::ZERO));
        self.fake.fail(fault);
    }

    fn pay(&self, invoice: &str) -> Vec<Event> {
        let amount = self.fake.invoice(invoice)["amount"].as_str().unwrap().to_owned();
        let mut events = self.fake.send_coins(invoice, &coins(&amount), true);
        events.extend(self.fake.become_status(invoice, "Settled", "None"));
        events
    }

    fn sign(&self, event: &Event, flaw: Flaw) -> (Vec<(String, String)>, Vec<u8>) {
        self.fake.sign(event, flaw)
    }

    fn asked(&self, invoice: &str) -> String {
        let invoice = self.fake.invoice(invoice);
        format!("{} {}", invoice["amount"].as_str().unwrap(), invoice["currency"].as_str().unwrap())
    }

    fn counted(minor: i64, currency: &str) -> String {
        let amount = match currency {
            "JPY" | "ISK" => minor.to_string(),
            "KWD" => format!("{}.{:03}", minor / 1000, minor % 1000),
            _ => format!("{}.{:02}", minor / 100, minor % 100),
        };
        format!("{amount} {currency}")
    }
}

billing_conformance!(Story);

/// How many coins an amount is at 50,000 for one: twice as many hundred-thousandths.
fn coins(amount: &str) -> String {
    let thousandths: u64 = match amount.split_once('.') {
        None => amount.parse::<u64>().unwrap() * 1000,
        Some((whole, part)) => format!("{whole}{part:0<3}").parse().unwrap(),
    };
    let units = thousandths * 2;
    format!("{}.{:08}", units / 100_000_000, units % 100_000_000)
}

impl Story {
    async fn began(&self) -> String {
        begin(&self.rig, checkout(&money(1200, "EUR"))).await.provider_id
    }
}

#[tokio::test]
async fn every_coin_has_its_own_digits() {
    for (coin, minor) in [("BTC", 24_000), ("LTC", 24_000), ("XMR", 240_000_000)] {
        let Some(mut story) = Story::start().await else { return };
        let mut config: Value = serde_json::from_str(&story.rig.config).unwrap();
        config["coin"] = json!(coin);
        story.rig.config = config.to_string();
        let checkout = begin(&story.rig, checkout(&money(1200, "EUR"))).await;
        let NextStep::Crypto(shown) = &checkout.step else { panic!("{checkout:?}") };
        assert_eq!(shown.amount, money(minor, coin));
        let id = &checkout.provider_id;
        let paid = story.told(story.fake.send_coins(id, "0.00024", true)).await;
        assert_eq!(amounts(&paid), [1200]);
    }
}

/// The amounts that arrived.
fn amounts(effects: &[Effect]) -> Vec<i64> {
    payments(effects).iter().map(|it| it.amount.minor).collect()
}

#[tokio::test]
async fn a_customer_is_shown_an_address_and_an_amount() {
    let Some(mut story) = Story::start().await else { return };
    let checkout = begin(&story.rig, checkout(&money(1200, "EUR"))).await;
    let NextStep::Crypto(shown) = &checkout.step else { panic!("{checkout:?}") };
    assert_eq!((shown.address.as_str(), &shown.amount), ("bcrt1qfake", &money(24_000, "BTC")));
    assert_eq!(shown.uri, "bitcoin:bcrt1qfake?amount=0.00024000");
    assert_eq!((shown.expires_at, shown.confirmations), ((NOW_S + 1800) * 1000, 1));
    let made = story.fake.invoice(&checkout.provider_id);
    assert_eq!(made["checkout"]["speedPolicy"], "MediumSpeed");
    assert_eq!(made["checkout"]["paymentMethods"], json!(["BTC-CHAIN"]));
    let key = format!("token {KEY}");
    assert!(story.fake.asked().iter().all(|it| it.header("authorization") == Some(&key)));
    // Of a store that is not there nothing is known, and health says so.
    story.rig.config = story.rig.config.replace(STORE, "Other0123456789");
    let Answer::Health(health) = story.rig.answer(Call::Health).await else { panic!() };
    assert!(!health.ok && health.detail.contains("404"), "{health:?}");
}

#[tokio::test]
async fn coins_count_when_they_are_confirmed() {
    let Some(story) = Story::start().await else { return };
    let id = story.began().await;
    let seen = story.told(story.fake.send_coins(&id, "0.00024000", false)).await;
    let [Effect::PaymentPending(pending)] = &seen[..] else { panic!("{seen:?}") };
    let later = story.told(story.fake.become_status(&id, "Processing", "None")).await;
    assert_eq!(later, seen);
    assert_eq!(pending.received, Some(money(1200, "EUR")));
    assert_eq!(pending.expected, money(1200, "EUR"));
    assert!(pending.reference.as_ref().unwrap().ends_with("-0"));
    // Who opens it again is shown no second address.
    let again = Call::BeginCheckout(Box::new(checkout(&money(1200, "EUR"))));
    assert_eq!(story.rig.error(again).await.kind, ErrorKind::Conflict);
    story.fake.confirm(&id);
    let paid = payments(&story.told(story.fake.become_status(&id, "Settled", "None")).await);
    assert_eq!(paid[0].provider_id, pending.provider_id);
    assert_eq!((&paid[0].amount, paid[0].invoice.as_deref()), (&money(1200, "EUR"), Some("inv_1")));
}

#[tokio::test]
async fn parts_too_much_and_too_late_count_as_what_they_are() {
    let Some(mut story) = Story::start().await else { return };
    // Half of it comes, and then time is up.
    let id = story.began().await;
    story.fake.send_coins(&id, "0.00012000", true);
    let part = story.told(story.fake.become_status(&id, "New", "PaidPartial")).await;
    assert_eq!(amounts(&part), [600]);
    let again = begin(&story.rig, checkout(&money(1200, "EUR"))).await;
    let NextStep::Crypto(shown) = &again.step else { panic!("{again:?}") };
    assert_eq!((&again.provider_id, &shown.amount), (&id, &money(12_000, "BTC")), "the rest");
    let late = story.told(story.fake.become_status(&id, "Expired", "PaidPartial")).await;
    assert_eq!(amounts(&late), [600]);
    assert!(late.contains(&Effect::CheckoutExpired(id.clone())));
    // The rest comes the day after: a second payment beside the first.
    story.fake.send_coins(&id, "0.00012001", true);
    let late = story.told(story.fake.become_status(&id, "Expired", "PaidLate")).await;
    assert_eq!(amounts(&late), [600, 600]);
    assert_ne!(payments(&late)[0].provider_id, payments(&late)[1].provider_id);
    // A part is found by its own id, with all that came beside it.
    let asked = story.rig.effects(Call::Reconcile(payments(&late)[1].provider_id.clone())).await;
    assert_eq!(amounts(&asked), [600, 600]);

    // Too much.
    story = Story::start().await.unwrap();
    let id = story.began().await;
    story.fake.send_coins(&id, "0.00030000", true);
    let over = story.told(story.fake.become_status(&id, "Settled", "PaidOver")).await;
    assert_eq!(amounts(&over), [1500]);

    // Three parts, each rounded by itself, and paid exactly.
    story = Story::start().await.unwrap();
    let id = story.began().await;
    for value in ["0.00008007", "0.00008007", "0.00007986"] {
        story.fake.send_coins(&id, value, true);
    }
    let exact = story.told(story.fake.become_status(&id, "Settled", "None")).await;
    assert_eq!(amounts(&exact), [400, 400, 400], "400 + 400 + 399, and the last one's cent");

    // A little less, which the store tolerates, is a little less.
    story = Story::start().await.unwrap();
    let id = story.began().await;
    story.fake.send_coins(&id, "0.00023900", true);
    let less = story.told(story.fake.become_status(&id, "Settled", "None")).await;
    assert_eq!(amounts(&less), [1195]);

    // By hand, and not at all.
    story = Story::start().await.unwrap();
    let id = story.began().await;
    let marked = story.told(story.fake.become_status(&id, "Settled", "Marked")).await;
    assert_eq!(amounts(&marked), [1200]);
    let invalid = story.told(story.fake.become_status(&id, "Invalid", "Marked")).await;
    assert!(matches!(&invalid[..], [Effect::PaymentFailed(it)] if it.retryable), "{invalid:?}");
}

#[tokio::test]
async fn a_redelivery_is_known_by_its_first_id() {
    let Some(mut story) = Story::start().await else { return };
    let id = story.began().await;
    let first = story.pay(&id).pop().unwrap();
    let mut again = first.clone();
    again.0["deliveryId"] = json!("delivery-again");
    again.0["isRedelivery"] = json!(true);
    let mut ids = Vec::new();
    for event in [&first, &again] {
        let outcome = taken(&story.rig, story.webhook(event, Flaw::None)).await;
        let webhooks::Outcome::Accepted(accepted) = outcome else { panic!("{outcome:?}") };
        ids.push(accepted.event_id);
    }
    assert_eq!(ids[0], ids[1]);
    // The secret is changed at the server first.
    story.rig.stage.secret("webhook_secret", "the new one, not there yet");
    let outcome = taken(&story.rig, story.webhook(&first, Flaw::None)).await;
    assert_eq!(outcome, webhooks::Outcome::Rejected(Rejection::BadSignature));
    story.rig.stage.secret("webhook_secret_previous", SIGNING);
    assert_eq!(amounts(&story.told(vec![first]).await), [1200]);
    for other in [json!({}), json!("text"), json!({ "deliveryId": "delivery1" })] {
        let outcome = taken(&story.rig, story.webhook(&Event(other), Flaw::None)).await;
        assert!(matches!(outcome, webhooks::Outcome::Rejected(Rejection::Malformed(_))));
    }
}

#[tokio::test]
async fn what_coins_cannot_do_is_said() {
    let Some(story) = Story::start().await else { return };
    let Answer::Capabilities(can) = story.rig.answer(Call::Capabilities).await else { panic!() };
    assert!(can.one_time && !can.refunds && !can.subscriptions && !can.hosted_portal);
    let return_url = "https://portal.example.org".to_owned();
    for (call, kind) in [
        (Call::ChargeSaved(invoice(&money(1200, "EUR"))), ErrorKind::InvalidInput),
        (Call::ReportUsage(Vec::new()), ErrorKind::InvalidInput),
        (Call::CustomerPortalUrl { account: account(), return_url }, ErrorKind::InvalidInput),
        (refund("Inv0000000000000000001", money(100, "EUR")), ErrorKind::InvalidInput),
        (
            Call::CancelSubscription { subscription: "sub_1".to_owned(), at_period_end: true },
            ErrorKind::NotFound,
        ),
        (Call::Reconcile("../../users".to_owned()), ErrorKind::InvalidInput),
        (Call::Reconcile("Inv9999999999999999999".to_owned()), ErrorKind::NotFound),
    ] {
        assert_eq!(story.rig.error(call).await.kind, kind);
    }
}
