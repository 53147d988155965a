//! BTCPay, and transfers that nobody asks a provider about.

use myrelay_fake_providers::{Btcpay, BtcpayOptions, Fake as _, Flaw};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{Recording, checkout, folder, hook, now, passes};
use crate::desk::Desk;

#[test]
fn our_btcpay_plugin_stands_what_every_billing_plugin_has_to() {
    let Some(desk) = Desk::new("billing", "ours-btcpay") else { return };
    let threads = Runtime::new().unwrap();
    let (key, signing) = ("trial-secret-of-api_key", "trial-secret-of-webhook_secret");
    let options = BtcpayOptions {
        api_key: key.to_owned(),
        store: "Store0123456789".to_owned(),
        webhook_secret: signing.to_owned(),
        port: 0,
        now,
    };
    let fake = threads.block_on(Btcpay::start(options)).unwrap();
    folder(&desk, "btcpay", &["*"], fake.port());
    let config = json!({ "url": fake.url(), "store": "Store0123456789" });
    let secrets = json!({ "api_key": key, "webhook_secret": signing });
    let recording = Recording::new(&desk, &config, &secrets, fake.port());

    let begun = recording.case("checkout", &checkout(&desk, 1200, "EUR", "chk_1"));
    let id = begun["answer"]["Checkout"]["provider_id"].as_str().unwrap().to_owned();
    recording.case("yen", &checkout(&desk, 500, "JPY", "chk_2"));
    // Half of it arrives, and then the rest.
    for (name, value) in [("half", "0.00012000"), ("rest", "0.00012000")] {
        for event in fake.send_coins(&id, value, true) {
            recording.case(name, &hook(fake.sign(&event, Flaw::None)));
        }
    }
    recording.case("reconcile", &json!({ "Reconcile": id }));
    drop(fake);
    passes(
        &desk,
        &[
            "case rest",
            "rule a lost answer may have been done",
            "rule nothing is never charged",
            "rule what nobody heard of is found by asking",
            "rule webhooks come twice and in any order",
            "rule what is not the provider's is refused",
            "rule odd events break nothing",
        ],
    );
}

#[test]
fn our_plugin_for_transfers_stands_what_every_billing_plugin_has_to() {
    let Some(desk) = Desk::new("billing", "ours-manual") else { return };
    folder(&desk, "manual", &[], 0);
    let config = json!({
        "recipient": "Relay", "account": "DE89 3704 0044 0532 0130 00", "currencies": ["EUR", "JPY"],
    });
    let recording = Recording::new(&desk, &config, &json!({}), 1);
    recording.case("checkout", &checkout(&desk, 1200, "EUR", "chk_1"));
    recording.case("yen", &checkout(&desk, 500, "JPY", "chk_2"));
    let amount = json!({ "minor": 500, "currency": "EUR" });
    let refund = json!({ "payment": "chk_1", "amount": amount, "reason": "They asked for it" });
    recording.case("refund", &json!({ "Refund": refund }));
    passes(
        &desk,
        &[
            "rule nothing is never charged",
            "rule no more than was paid goes back",
            "rule every currency means what it says",
            "rule what nobody sends is rejected",
        ],
    );
}
