//! Our own plugins by the way that their authors would take: cases recorded against the doubles of
//! their providers, and every rule of their kinds tried with them.

mod channels;
mod coins;
mod stripe;

use std::{env, fs, path::PathBuf, time::SystemTime};

use myrelay_plugin_host::{Manifest, stamp};
use serde_json::{Value, json};

use crate::desk::Desk;

/// What time it is at the providers, which have a clock of their own.
fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

fn source(plugin: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(plugin)
}

/// A plugin's folder as it is in the checkout, with its provider on this machine, and no cases.
fn folder(desk: &Desk, plugin: &str, hosts: &[&str], port: u16) {
    let from = source(plugin);
    let mut manifest = fs::read_to_string(from.join("plugin.toml")).unwrap();
    let here = format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    for host in hosts {
        manifest = manifest
            .replace(&format!("\nhost = \"{host}\"\n"), &here)
            .replace(&format!("host = \"{host}\""), "host = \"127.0.0.1\"");
    }
    desk.write("plugin.toml", &manifest);
    fs::copy(from.join("config.schema.json"), desk.path("config.schema.json")).unwrap();
    let built = PathBuf::from(env::var_os("MYRELAY_TEST_PLUGINS").unwrap());
    let built = built.join(format!("myrelay_plugin_{plugin}.wasm"));
    let read = Manifest::parse(&manifest).unwrap();
    let component = stamp(fs::read(built).unwrap(), &read).unwrap();
    fs::write(desk.path("plugin.wasm"), component).unwrap();
    fs::remove_dir_all(desk.path("tests")).unwrap();
    fs::create_dir(desk.path("tests")).unwrap();
    facts(desk, plugin);
}

/// What the plugin's own folder says of its provider.
fn facts(desk: &Desk, plugin: &str) {
    let facts = fs::read_to_string(source(plugin).join("tests/conformance.toml"));
    desk.write("tests/conformance.toml", &facts.unwrap_or_default());
}

/// Records cases, and reads them.
struct Recording<'a> {
    desk: &'a Desk,
    more: Vec<String>,
}

impl<'a> Recording<'a> {
    fn new(desk: &'a Desk, config: &Value, secrets: &Value, port: u16) -> Self {
        let config = desk.write("dev/config.json", &config.to_string());
        let secrets = desk.write("dev/secrets.json", &secrets.to_string());
        let private = format!("127.0.0.1/32:{port}");
        let more = ["--config", &config, "--secrets", &secrets, "--private", &private];
        Self { desk, more: more.map(str::to_owned).into() }
    }

    fn case(&self, name: &str, call: &Value) -> Value {
        let call = self.desk.write(&format!("fixtures/{name}.json"), &call.to_string());
        let line = ["--no-build", "--record", &call, "--delivery", name, "--failure"];
        let more: Vec<&str> = self.more.iter().map(String::as_str).collect();
        self.desk.test(&[&line[..], &more].concat()).unwrap();
        let written = fs::read_to_string(self.desk.path(&format!("tests/{name}.json"))).unwrap();
        serde_json::from_str(&written).unwrap()
    }
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

/// A webhook with these headers and this body.
fn hook((headers, body): (Vec<(String, String)>, Vec<u8>)) -> Value {
    json!({ "Webhook": {
        "method": "POST", "path": "/events", "query": "", "headers": headers, "body": body,
        "received_at": now() * 1000, "source_ip": "127.0.0.1",
    } })
}

/// Every case and every rule passes, and these are among them.
fn passes(desk: &Desk, lines: &[&str]) {
    let told = desk.test(&["--no-build"]).unwrap_or_else(|told| panic!("{told}"));
    assert!(told.contains(" passed, 0 failed\n"), "{told}");
    for line in lines {
        assert!(told.contains(&format!("ok      {line}\n")), "{line}\n{told}");
    }
}
