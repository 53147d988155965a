//! Mail, Telegram and webhooks.

use std::fs;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use myrelay_fake_providers::{
    Fake as _, Mail, Receiver, Smtp, SmtpOptions, SmtpSecurity, Telegram,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Recording, folder, passes};
use crate::desk::Desk;

/// What every channel has to stand.
const RULES: [&str; 6] = [
    "rule too many requests are rate-limited",
    "rule silence may have been done",
    "rule two tries of one delivery ask the same",
    "rule a missing secret is named",
    "rule a message arrives whole",
    "rule what is no address is left alone",
];

/// A message to this address.
fn message(desk: &Desk, address: &str) -> Value {
    let text = fs::read_to_string(desk.path("fixtures/deliver.json")).unwrap();
    let mut call: Value = serde_json::from_str(&text).unwrap();
    call["Deliver"]["to"]["address"] = json!(address);
    call
}

#[test]
fn our_mail_plugin_stands_what_every_channel_has_to() {
    let key = "trial-secret-of-api_key";
    let threads = Runtime::new().unwrap();
    for provider in ["postmark", "resend"] {
        let Some(desk) = Desk::new("notification", &format!("ours-{provider}")) else { return };
        let fake = threads.block_on(Mail::start(0, key)).unwrap();
        let hosts = ["api.postmarkapp.com", "api.resend.com"];
        folder(&desk, "email", &hosts, fake.port());
        if provider == "resend" {
            // It drops a mail that it has already, by the key that it is sent with.
            let facts = fs::read_to_string(desk.path("tests/conformance.toml")).unwrap();
            desk.write("tests/conformance.toml", &format!("repeats_are_safe = true\n{facts}"));
        }
        let config = json!({
            "provider": provider, "from": "VPN <hello@example.org>", "api_url": fake.url(),
        });
        let recording = Recording::new(&desk, &config, &json!({ "api_key": key }), fake.port());
        recording.case("mail", &message(&desk, "ada@example.org"));
        drop(fake);
        passes(&desk, &RULES);
    }
}

#[test]
fn our_mail_plugin_stands_it_with_a_mail_server_too() {
    let Some(desk) = Desk::new("notification", "ours-smtp") else { return };
    let threads = Runtime::new().unwrap();
    let options = SmtpOptions { port: 0, security: SmtpSecurity::Clear, login: None };
    let fake = threads.block_on(Smtp::start(options)).unwrap();
    let port = fake.port();
    folder(&desk, "email", &[], port);
    let clear = "port = 25\nsecurity = \"clear\"";
    desk.edit("plugin.toml", clear, &clear.replace("25", &port.to_string()));
    let config = json!({
        "provider": "smtp", "from": "VPN <hello@example.org>",
        "smtp": { "host": "127.0.0.1", "security": "clear", "port": port },
    });
    let recording = Recording::new(&desk, &config, &json!({}), port);
    let case = recording.case("mail", &message(&desk, "ada@example.org"));
    let exchange = &case["http"][0];
    assert_eq!(exchange["request"]["method"], json!("MAIL"), "{case}");
    assert_eq!(exchange["answer"]["status"], json!(250), "{case}");
    assert_eq!(fake.mails().len(), 1);
    drop(fake);
    passes(
        &desk,
        &[
            "case mail",
            "rule 503 is unavailable",
            "rule silence may have been done",
            "rule two tries of one delivery ask the same",
            "rule a message arrives whole",
            "rule what is no address is left alone",
        ],
    );
}

#[test]
fn our_telegram_plugin_stands_what_every_channel_has_to() {
    let Some(desk) = Desk::new("notification", "ours-telegram") else { return };
    let threads = Runtime::new().unwrap();
    let token = "trial-secret-of-bot_token";
    let fake = threads.block_on(Telegram::start(0, token)).unwrap();
    folder(&desk, "telegram", &["api.telegram.org"], fake.port());
    let config = json!({ "bot": "example_vpn_bot", "api_url": fake.url() });
    let code = "a-code-of-the-portals";
    let kv = json!({ format!("code:{code}"): "" }).to_string();
    let kv = desk.write("dev/kv.json", &kv);
    let mut recording = Recording::new(&desk, &config, &json!({ "bot_token": token }), fake.port());
    recording.more.extend(["--kv".to_owned(), kv]);
    fake.press_start(42, code);
    recording.case("by-number", &message(&desk, "42"));
    let case = recording.case("by-code", &message(&desk, code));
    assert_eq!(case["http"].as_array().unwrap().len(), 2, "who pressed Start is asked first");
    drop(fake);
    passes(&desk, &RULES);
}

#[test]
fn our_webhook_plugin_stands_what_every_channel_has_to() {
    let Some(desk) = Desk::new("notification", "ours-webhook") else { return };
    let threads = Runtime::new().unwrap();
    let fake = threads.block_on(Receiver::start(0)).unwrap();
    folder(&desk, "webhook", &["*"], fake.port());
    let key = format!("whsec_{}", BASE64_STANDARD.encode("trial-secret-of-signing_key"));
    let recording = Recording::new(&desk, &json!({}), &json!({ "signing_key": key }), fake.port());
    let case = recording.case("message", &message(&desk, &format!("{}/in", fake.url())));
    assert_eq!(case["secrets"]["signing_key"], json!(key));
    drop(fake);
    passes(&desk, &RULES);
}
