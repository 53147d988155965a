//! The whole way with nothing played: a customer, our own mail plugin in a real host, a mail service.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use myrelay_app::contract::{AddChannel, ChannelContract, ChannelState};
use myrelay_fake_providers::{Fake, Fault, Mail};
use myrelay_plugin_host::{Grants, Manifest, PluginSecret};
use serde_json::json;

use super::fact;
use crate::{
    context::Context,
    deliveries::LEASE_MS,
    messages::round,
    plugins::{Input, Runtime, install},
    testing::{World, api},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/email");
const KEY: &str = "re_a-key-that-may-send";

/// The plugin's component, as `cargo xtask test plugins` built it.
fn component() -> Option<Vec<u8>> {
    let Some(folder) = env::var_os("MYRELAY_TEST_PLUGINS") else {
        println!("skipped: no MYRELAY_TEST_PLUGINS; run it by `cargo xtask test plugins`");
        return None;
    };
    Some(fs::read(PathBuf::from(folder).join("myrelay_plugin_email.wasm")).unwrap())
}

/// A portal with a host of its own, which compiles by the program beside this test's folder.
async fn portal(world: &World) -> Context {
    let test = env::current_exe().unwrap();
    let compiler = test.ancestors().nth(2).unwrap().join("myrelay-plugin-compile");
    let cache = world.dir.path().join("compiled");
    world.portal_with(Runtime::in_process(compiler, cache, Vec::new())).await
}

/// The mail plugin, allowed to reach this service and nothing else.
fn email(component: Vec<u8>, service: &Mail) -> Input {
    let file = |name: &str| fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
    let port = service.port();
    let here = format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    let manifest =
        ["api.postmarkapp.com", "api.resend.com"].iter().fold(file("plugin.toml"), |text, host| {
            let moved = text.replace(&format!("\nhost = \"{host}\"\n"), &here);
            moved.replace(&format!("\"{host}\""), "\"127.0.0.1\"")
        });
    let mut grants = Grants::all_asked(&Manifest::parse(&manifest).unwrap());
    for grant in &mut grants.http {
        grant.private = vec![format!("127.0.0.1/32:{port}").parse().unwrap()];
    }
    let settings = json!({
        "provider": "resend", "from": "VPN <hello@example.org>", "api_url": service.url(),
    });
    let secret = PluginSecret::new(KEY.to_owned()).unwrap();
    Input {
        manifest,
        component,
        schema: Some(file("config.schema.json")),
        settings: Some(settings.to_string()),
        secrets: BTreeMap::from([("api_key".to_owned(), secret)]),
        grants,
        test_mode: false,
        publisher: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_confirms_a_mail_address_and_hears_once_of_what_happens() {
    let Some(component) = component() else { return };
    let world = World::on_sqlite().await;
    let context = portal(&world).await;
    let service = Mail::start(0, KEY).await.unwrap();
    let (plugin, enabled) = install(&context, email(component, &service)).await.unwrap();
    enabled.unwrap();
    let ana = world.customer("ana").await;
    let api = api(&context, ana.caller);
    let add = async |address: &str| {
        let (plugin, address) = (plugin.to_string(), address.to_owned());
        api.add_channel(AddChannel { plugin, address }).await
    };
    assert!(add("nobody").await.is_err(), "the plugin knows what an address is");
    let channel = add("ana@example.org").await.unwrap().to_string();
    let mail = service.mailed().pop().unwrap();
    assert_eq!(mail.to, "ana@example.org");
    let code = mail.subject.strip_suffix(" is your code").unwrap().to_owned();
    api.verify_channel(&channel, &code).await.unwrap();
    assert_eq!(api.get_channel(&channel).await.unwrap().row.state, ChannelState::Verified);

    // A second channel is a fact that the first one hears of; the service stumbles meanwhile.
    let second = add("b@bounces.example.org").await.unwrap().to_string();
    let mail = service.mailed().pop().unwrap();
    let code = mail.subject.strip_suffix(" is your code").unwrap().to_owned();
    api.verify_channel(&second, &code).await.unwrap();
    let before = service.mailed().len();
    service.fail(Fault::HangupAfter);
    while round(&context).await.unwrap() {}
    world.clock.advance(7_000);
    while round(&context).await.unwrap() {}
    let mut mailed = service.mailed().split_off(before);
    mailed.retain(|it| it.to == "ana@example.org");
    assert_eq!(mailed.len(), 1, "the same idempotency key: {mailed:?}");
    assert_eq!(mailed[0].subject, "Messages go to one more channel");
    assert!(mailed[0].html.as_ref().unwrap().starts_with("<p>A channel was confirmed"));
    let failures: Vec<Option<String>> = sqlx::query_scalar("SELECT failure FROM plugin_calls")
        .fetch_all(context.database.read())
        .await
        .unwrap();
    let kept = format!("{failures:?}{}", world.stored_text().await);
    assert!(!kept.contains("ana@example.org"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_has_each_mail_once_whatever_step_the_portal_ends_at() {
    let Some(component) = component() else { return };
    let world = World::on_sqlite().await;
    let (context, other) = (portal(&world).await, portal(&world).await);
    let service = Mail::start(0, KEY).await.unwrap();
    let (plugin, enabled) = install(&context, email(component, &service)).await.unwrap();
    enabled.unwrap();
    let ana = world.customer("ana").await;
    let api = api(&context, ana.caller);
    let (plugin, address) = (plugin.to_string(), "ana@example.org".to_owned());
    let channel = api.add_channel(AddChannel { plugin, address }).await.unwrap().to_string();
    let mail = service.mailed().pop().unwrap();
    let code = mail.subject.strip_suffix(" is your code").unwrap().to_owned();
    api.verify_channel(&channel, &code).await.unwrap();
    while round(&other).await.unwrap() {}
    let before = service.mailed().len();
    for step in 1.. {
        fact(&world, &ana, "account.resumed", "{}").await;
        let works = async { while round(&context).await.unwrap() {} };
        let done = context.database.steps.end_at(step, works).await;
        world.clock.advance(LEASE_MS);
        while round(&other).await.unwrap() {}
        // The service was asked once or twice, and knows by the key that it is one.
        let mailed = service.mailed().len() - before;
        assert_eq!(mailed, usize::try_from(step).unwrap(), "it ended at step {step}");
        if done.is_some() {
            assert!(3 < step, "{step} steps");
            return;
        }
    }
}
