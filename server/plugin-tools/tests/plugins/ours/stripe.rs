//! Stripe.

use std::fs;

use myrelay_fake_providers::{Fake as _, Flaw, Stripe, StripeOptions};
use serde_json::json;
use tokio::runtime::Runtime;

use super::{Recording, checkout, facts, folder, hook, now};
use crate::desk::Desk;

/// What stands in cases: then webhooks can be signed with it.
const KEY: &str = "trial-secret-of-api_key";
const SIGNING: &str = "trial-secret-of-webhook_secret";

/// A case for everything that the rules ask for.
fn record_all(recording: &Recording<'_>, fake: &Stripe) {
    let desk = recording.desk;
    let begun = recording.case("checkout", &checkout(desk, 1200, "EUR", "chk_1"));
    let id = begun["answer"]["Checkout"]["provider_id"].as_str().unwrap().to_owned();
    let told = desk.test(&["--no-build", "--only", "every currency"]).unwrap_err();
    assert!(told.contains("get-capabilities names JPY"), "{told}");
    recording.case("yen", &checkout(desk, 500, "JPY", "chk_2"));
    let events = fake.pay(&id);
    let found = recording.case("reconcile", &json!({ "Reconcile": id }));
    let payment = found["answer"]["Effects"][0]["PaymentSucceeded"]["provider_id"].clone();
    for (at, event) in events.iter().enumerate() {
        let request = hook(fake.sign(event, Flaw::None));
        recording.case(&format!("event-{at}"), &request);
    }
    for (name, minor) in [("refund", 500), ("too-much", 5000)] {
        let amount = json!({ "minor": minor, "currency": "EUR" });
        let call = json!({ "payment": payment, "amount": amount, "reason": "They asked for it" });
        recording.case(name, &json!({ "Refund": call }));
    }
    facts(desk, "stripe");
}

#[test]
fn our_stripe_plugin_stands_what_every_billing_plugin_has_to() {
    let Some(desk) = Desk::new("billing", "ours") else { return };
    let threads = Runtime::new().unwrap();
    let options = StripeOptions {
        api_key: KEY.to_owned(),
        webhook_secret: SIGNING.to_owned(),
        webhook_url: None,
        port: 0,
        now,
    };
    let fake = threads.block_on(Stripe::start(options)).unwrap();
    folder(&desk, "stripe", &["api.stripe.com"], fake.port());
    desk.edit("plugin.toml", "\"checkout.stripe.com\", \"billing.stripe.com\"", "\"127.0.0.1\"");
    fs::remove_file(desk.path("tests/conformance.toml")).unwrap();
    let told = desk.test(&["--no-build"]).unwrap_err();
    assert!(told.contains("no case is a checkout that begins: record one by"), "{told}");
    assert!(told.contains("tests/conformance.toml does not say how the provider signs"), "{told}");

    let config = json!({ "api_url": fake.url(), "currencies": ["EUR", "JPY"] });
    let secrets = json!({ "api_key": KEY, "webhook_secret": SIGNING });
    let recording = Recording::new(&desk, &config, &secrets, fake.port());

    record_all(&recording, &fake);
    // The provider is gone: what was recorded is all there is.
    drop(fake);
    let told = desk.test(&["--no-build"]).unwrap();
    for line in [
        "ok      case too-much\n",
        "ok      rule a lost answer may have been done\n",
        "ok      rule nothing is never charged\n",
        "ok      rule no more than was paid goes back\n",
        "ok      rule what nobody heard of is found by asking\n",
        "ok      rule every currency means what it says\n",
        "ok      rule webhooks come twice and in any order\n",
        "ok      rule what is not the provider's is refused\n",
        "ok      rule what was signed long ago is refused\n",
        "ok      rule what strangers send breaks nothing\n",
        "ok      rule odd events break nothing\n",
        " passed, 0 failed\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    // Who signs with something else is not the provider.
    desk.edit("tests/conformance.toml", "{time}.{body}", "{body}");
    let told = desk.test(&["--no-build", "--only", "webhooks come twice"]).unwrap_err();
    assert!(told.contains("it has to say the same as in its case"), "{told}");
}
