//! Our own Stripe plugin by the way that its author would take: cases recorded against the double of
//! its provider, and every rule of its kind tried with them.

use std::{env, fs, path::PathBuf, time::SystemTime};

use myrelay_fake_providers::{Fake as _, Flaw, Stripe, StripeOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::desk::Desk;

/// What stands in cases: then webhooks can be signed with it.
const KEY: &str = "trial-secret-of-api_key";
const SIGNING: &str = "trial-secret-of-webhook_secret";

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// The plugin's folder as it is in the checkout, with its provider on this machine.
fn folder(desk: &Desk, port: u16) {
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins/stripe");
    let manifest = fs::read_to_string(from.join("plugin.toml")).unwrap();
    let here = format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    let manifest = manifest
        .replace("\nhost = \"api.stripe.com\"\n", &here)
        .replace("\"api.stripe.com\"", "\"127.0.0.1\"")
        .replace("\"checkout.stripe.com\", \"billing.stripe.com\"", "\"127.0.0.1\"");
    desk.write("plugin.toml", &manifest);
    fs::copy(from.join("config.schema.json"), desk.path("config.schema.json")).unwrap();
    let built = PathBuf::from(env::var_os("MYRELAY_TEST_PLUGINS").unwrap());
    fs::copy(built.join("myrelay_plugin_stripe.wasm"), desk.path("plugin.wasm")).unwrap();
}

fn checkout(desk: &Desk, minor: i64, currency: &str, reference: &str) -> Value {
    let text = fs::read_to_string(desk.path("fixtures/checkout.json")).unwrap();
    let mut call: Value = serde_json::from_str(&text).unwrap();
    let request = &mut call["BeginCheckout"];
    request["client_reference"] = json!(reference);
    let amount = |minor: i64| json!({ "minor": minor, "currency": currency });
    let invoice = &mut request["invoice"];
    invoice["lines"][0]["amount"] = amount(minor);
    invoice["lines"][0]["tax"] = amount(0);
    invoice["subtotal"] = amount(minor);
    invoice["tax_total"] = amount(0);
    invoice["total"] = amount(minor);
    call
}

/// Records cases, and reads them.
struct Recording<'a> {
    desk: &'a Desk,
    more: Vec<String>,
}

impl Recording<'_> {
    fn case(&self, name: &str, call: &Value) -> Value {
        let call = self.desk.write(&format!("fixtures/{name}.json"), &call.to_string());
        let line = ["--no-build", "--record", &call, "--delivery", name, "--failure"];
        let more: Vec<&str> = self.more.iter().map(String::as_str).collect();
        self.desk.test(&[&line[..], &more].concat()).unwrap();
        let written = fs::read_to_string(self.desk.path(&format!("tests/{name}.json"))).unwrap();
        serde_json::from_str(&written).unwrap()
    }
}

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
        let (headers, body) = fake.sign(event, Flaw::None);
        let request = json!({
            "method": "POST", "path": "/events", "query": "", "headers": headers, "body": body,
            "received_at": now() * 1000, "source_ip": "127.0.0.1",
        });
        recording.case(&format!("event-{at}"), &json!({ "Webhook": request }));
    }
    for (name, minor) in [("refund", 500), ("too-much", 5000)] {
        let amount = json!({ "minor": minor, "currency": "EUR" });
        let call = json!({ "payment": payment, "amount": amount, "reason": "They asked for it" });
        recording.case(name, &json!({ "Refund": call }));
    }
    desk.write(
        "tests/conformance.toml",
        "[webhooks]\nsecret = \"webhook_secret\"\nheader = \"Stripe-Signature\"\n\
         value = \"t={time},v1={hmac}\"\nsigned = \"{time}.{body}\"\n",
    );
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
    folder(&desk, fake.port());
    fs::remove_file(desk.path("tests/checkout.json")).unwrap();
    let told = desk.test(&["--no-build"]).unwrap_err();
    assert!(told.contains("no case is a checkout that begins: record one by"), "{told}");
    assert!(told.contains("tests/conformance.toml does not say how the provider signs"), "{told}");

    let config = json!({ "api_url": fake.url(), "currencies": ["EUR", "JPY"] }).to_string();
    let secrets = json!({ "api_key": KEY, "webhook_secret": SIGNING }).to_string();
    let (config, secrets) =
        (desk.write("dev/config.json", &config), desk.write("dev/secrets.json", &secrets));
    let private = format!("127.0.0.1/32:{}", fake.port());
    let more = ["--config", &config, "--secrets", &secrets, "--private", &private];
    let recording = Recording { desk: &desk, more: more.map(str::to_owned).into() };

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
