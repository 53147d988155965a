//! The whole way with nothing played: a fact, our own webhook plugin in a real host, a server that
//! receives it.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_plugin_host::{Grants, Manifest, PluginSecret};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    context::Context,
    deliveries::{self, round},
    plugins::{self, Input, Runtime, install},
    testing::World,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/webhook");
/// What its schema says of the address.
const NAMES_A_SERVER: &str = ",\n      \"x-server\": { \"by\": \"http\" }";
const KEY: &[u8] = b"a key of 24 random bytes";

/// Takes one request for each of these statuses, and remembers it.
struct Receiver {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let record = Arc::clone(&heard);
        thread::spawn(move || {
            for status in statuses {
                let (mut stream, _) = listener.accept().unwrap();
                record.lock().unwrap().push(read_request(&mut stream));
                let answer = format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).unwrap();
        bytes.extend(&part[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && header(head, "content-length").parse::<usize>().unwrap() <= body.len()
        {
            return text;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let line = |it: &&'a str| it.to_ascii_lowercase().starts_with(&format!("{name}:"));
    let found = head.lines().find(line).unwrap_or_else(|| panic!("no {name}: {head}"));
    found[name.len() + 1..].trim()
}

/// The plugin's component, as `cargo xtask test plugins` built it.
fn component() -> Option<Vec<u8>> {
    let Some(folder) = env::var_os("MYRELAY_TEST_PLUGINS") else {
        println!("skipped: no MYRELAY_TEST_PLUGINS; run it by `cargo xtask test plugins`");
        return None;
    };
    Some(fs::read(PathBuf::from(folder).join("myrelay_plugin_webhook.wasm")).unwrap())
}

/// A portal with a host of its own, which compiles by the program beside this test's folder.
async fn portal(world: &World) -> Context {
    let test = env::current_exe().unwrap();
    let compiler = test.ancestors().nth(2).unwrap().join("myrelay-plugin-compile");
    let cache = world.dir.path().join("compiled");
    world.portal_with(Runtime::in_a_process(compiler, cache, Vec::new(), None)).await
}

/// The webhook plugin, allowed to reach this port of loopback in clear text and nothing else.
fn webhook(component: Vec<u8>, port: u16) -> Input {
    let file = |name: &str| fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
    let here = format!("scheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    let manifest = file("plugin.toml").replace("host = \"*\"\n", &here);
    let mut grants = Grants::all_asked(&Manifest::parse(&manifest).unwrap());
    grants.http[0].private = vec![format!("127.0.0.1/32:{port}").parse().unwrap()];
    let key = format!("whsec_{}", STANDARD.encode(KEY));
    Input {
        manifest,
        component,
        schema: Some(file("config.schema.json").replace("^(https://.+)?$", "^http://")),
        settings: Some(json!({ "url": format!("http://127.0.0.1:{port}/hook") }).to_string()),
        secrets: BTreeMap::from([("signing_key".to_owned(), PluginSecret::new(key).unwrap())]),
        grants,
        test_mode: false,
        publisher: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_arrives_signed_and_is_tried_again_under_the_same_id() {
    let Some(component) = component() else { return };
    let world = World::on_sqlite().await;
    let context = portal(&world).await;
    let receiver = Receiver::start(&[503, 204]);
    let (id, enabled) = install(&context, webhook(component, receiver.port)).await.unwrap();
    enabled.unwrap();
    let ana = world.customer("ana").await;
    let crate::context::Caller::Account(account) = ana.caller else { panic!("a customer") };
    while round(&context).await.unwrap() {}
    assert_eq!(receiver.heard().len(), 1, "503: it is away");
    world.clock.advance(7_000);
    while round(&context).await.unwrap() {}

    let heard = receiver.heard();
    assert_eq!(heard.len(), 2);
    let ids: Vec<_> = heard.iter().map(|it| header(it, "webhook-id").to_owned()).collect();
    assert_eq!(ids[0], ids[1]);
    for request in &heard {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook HTTP/1.1"), "{head}");
        let signed = format!("{}.{}.{body}", ids[0], header(head, "webhook-timestamp"));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), signed.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(tag));
        assert!(header(head, "webhook-signature").split(' ').any(|it| it == expected), "{head}");
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["type"], "account.created.v1");
        assert!(body.to_string().contains(&account.to_string()), "{body}");
        assert!(!body.to_string().contains("ana@"), "an event tells ids: {body}");
    }
    let all = plugins::all(&context).await.unwrap();
    assert_eq!((all[0].id, all[0].health.failures), (id, 0));
    let delivered = "SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL";
    assert_eq!(world.count(delivered).await, 1);
}

/// Keeps the first request waiting until it is told to answer, and answers all others at once.
fn first_is_slow() -> (u16, Arc<Notify>, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (heard, (answer, slow)) = (Arc::new(Notify::new()), mpsc::channel::<()>());
    let hears = Arc::clone(&heard);
    thread::spawn(move || {
        let mut slow = Some(slow);
        for stream in listener.incoming() {
            let (mut stream, wait, hears) = (stream.unwrap(), slow.take(), Arc::clone(&hears));
            thread::spawn(move || {
                read_request(&mut stream);
                hears.notify_one();
                if let Some(wait) = wait {
                    wait.recv().unwrap();
                }
                stream.write_all(b"HTTP/1.1 204 So\r\ncontent-length: 0\r\n\r\n").unwrap();
            });
        }
    });
    (port, heard, answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_of_one_account_keeps_no_other_waiting() {
    let Some(component) = component() else { return };
    let world = World::on_sqlite().await;
    let context = portal(&world).await;
    let (port, heard, answer) = first_is_slow();
    install(&context, webhook(component, port)).await.unwrap().1.unwrap();
    world.customer("ana").await;
    let meanwhile = async {
        heard.notified().await;
        world.customer("bob").await;
        deliveries::dispatch(&context).await.unwrap();
        heard.notified().await;
        // Ana's has no answer yet.
        let open = "SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NULL";
        while world.count(open).await != 1 {
            tokio::task::yield_now().await;
        }
        // It outlives its lease, and is not called beside itself.
        world.clock.advance(deliveries::LEASE_MS);
        world.customer("cleo").await;
        deliveries::dispatch(&context).await.unwrap();
        heard.notified().await;
        answer.send(()).unwrap();
    };
    let (carried, ()) = futures::join!(round(&context), meanwhile);
    assert!(carried.unwrap());
    let delivered = "SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL";
    assert_eq!(world.count(delivered).await, 3);
    let calls = "SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle'";
    assert_eq!(world.count(calls).await, 3);
    assert_eq!(world.count("SELECT MAX(attempts) FROM deliveries").await, 1);
}

/// The same component, and another to whoever counts its bytes: it has a section more.
fn another(component: &[u8]) -> Vec<u8> {
    [component, &[0, 2, 1, b'x']].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_tried_again_and_another_version_has_to_answer_it_without_a_request() {
    let Some(component) = component() else { return };
    let world = World::on_sqlite().await;
    let context = portal(&world).await;
    let receiver = Receiver::start(&[204, 204]);
    let first = || webhook(component.clone(), receiver.port);
    let (id, enabled) = install(&context, first()).await.unwrap();
    enabled.unwrap();
    world.customer("ana").await;
    while round(&context).await.unwrap() {}
    assert_eq!(receiver.heard().len(), 1);

    let olga = world.operator("olga").await;
    let view = async || {
        let plugin = id.to_string();
        deliveries::get_plugin(&context, olga.caller, &plugin).await.unwrap()
    };
    let call = view().await.calls[0].clone();
    assert!(call.input.as_deref().unwrap().contains("account.created.v1"), "{call:?}");
    let tried = async || {
        let call = call.id.to_string();
        plugins::try_call(&context, olga.caller, &id.to_string(), &call).await.unwrap()
    };
    let trial = tried().await;
    assert_eq!((&trial.again.failure, trial.unrecorded), (&None, false), "{trial:?}");
    assert_eq!((&trial.again.answer, trial.again.requests), (&call.answer, 0));

    // One that may not reach the receiver any more does not do what the installed one did. Its
    // schema does not say which setting names a server: then that is not found before.
    let walled = || {
        let mut walled = Input { component: another(&component), ..first() };
        walled.grants.http[0].rule.path_prefix = "/other/".to_owned();
        walled
    };
    let found = install(&context, walled()).await.unwrap_err().to_string();
    assert!(found.contains("has not granted"), "{found}");
    let schema = walled().schema.unwrap();
    let silent = schema.replace(NAMES_A_SERVER, "");
    assert_ne!(silent, schema);
    let walled = Input { schema: Some(silent), ..walled() };
    let error = install(&context, walled).await.unwrap_err().to_string();
    assert!(error.contains(&call.id.to_string()), "{error}");
    let next = Input { component: another(&component), ..first() };
    install(&context, next).await.unwrap().1.unwrap();
    let versions = view().await.versions;
    assert_eq!(versions.len(), 1);
    let (plugin, number) = (id.to_string(), versions[0].number);
    plugins::rollback(&context, olga.caller, &plugin, number).await.unwrap();
    assert_eq!(receiver.heard().len(), 1, "nothing of it left");
    // It goes on as it did.
    world.customer("bob").await;
    while round(&context).await.unwrap() {}
    assert_eq!(receiver.heard().len(), 2);
}
