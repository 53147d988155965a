//! A notifier that posts to a mail service, from its manifest to the message.

use std::io::Write as _;

use myrelay_plugin_host::{
    Answer, Call, Failure, Grants, HttpTrace, InstallError, notifier,
    types::{AccountRef, ErrorKind},
};
use serde_json::json;

use crate::{
    server::{Server, ok},
    stage::{Stage, guest},
};

const KEY: &str = "mail-key-0123456789";

const MANIFEST: &str = include_str!("../../../../plugins/samples/notifier/plugin.toml");

fn grants(port: u16) -> Grants {
    serde_json::from_value(json!({
        "kv": true,
        "http": [{
            "scheme": "http", "host": "127.0.0.1", "port": port, "methods": ["POST"],
            "path_prefix": "/v1/", "private": [format!("127.0.0.1/32:{port}")],
        }],
        "secrets": [{
            "name": "api_key",
            "allowed": { "http": { "host": "127.0.0.1", "places": ["auth"] } },
        }],
    }))
    .unwrap()
}

/// The manifest, with the port that the test's server got.
fn manifest(port: u16) -> String {
    MANIFEST.replace("port = 8025", &format!("port = {port}"))
}

fn deliver(address: &str) -> Call {
    let (id, locale) = ("acct_1".to_owned(), "en".to_owned());
    Call::Deliver {
        to: notifier::Destination {
            account: AccountRef { id, locale, country: None },
            address: address.to_owned(),
            verified: true,
        },
        message: notifier::Message {
            template: "device.added".to_owned(),
            subject: "A \"new\" device".to_owned(),
            text: "Line one\nLine two".to_owned(),
            html: None,
            action_url: None,
            urgency: notifier::Urgency::Normal,
            data: "{}".to_owned(),
        },
    }
}

#[tokio::test]
async fn a_message_is_carried_and_remembered() {
    let server = Server::start(|_, stream| stream.write_all(ok("mail-7").as_bytes()));
    let port = server.address.port();
    let mut stage = Stage::new();
    stage.secret("api_key", KEY);
    if !stage.install("notifier", &manifest(port), grants(port)).await.unwrap() {
        return;
    }
    let config = server.url("/v1/messages");
    for (count, delivery) in ["delivery-1", "delivery-1", "delivery-2"].iter().enumerate() {
        stage.delivery = (*delivery).to_owned();
        let outcome = stage.call(deliver("ada@example.org"), &config).await;
        let sent = notifier::Receipt { provider_id: Some("mail-7".to_owned()) };
        assert_eq!(outcome.result, Ok(Answer::Delivered(notifier::Outcome::Sent(sent))));
        stage.store.apply(&outcome.kv);
        assert_eq!(stage.store.get("sent"), Some((count + 1).to_string().into_bytes()));
        let [trace] = &outcome.http[..] else { panic!("{:?}", outcome.http) };
        assert_eq!((trace.result.clone(), trace.sent), (Ok(200), true));
        assert_eq!(outcome.logs[0].message, "sent");
        assert!(0 < outcome.used.cpu_us && outcome.used.http_requests == 1);
        assert!(!format!("{outcome:?}").contains(KEY));
    }
    let asked = server.asked();
    let key = |at: usize| {
        let line = asked[at].lines().find(|it| it.starts_with("idempotency-key: "));
        line.unwrap().to_owned()
    };
    assert_eq!(key(0), key(1), "the same delivery");
    assert_ne!(key(0), key(2), "another delivery");
    assert!(asked[0].starts_with("POST /v1/messages HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].contains(&format!("authorization: Bearer {KEY}\r\n")), "{}", asked[0]);
    assert!(asked[0].contains("user-agent: myrelay-test\r\n"));
    let (_, body) = asked[0].split_once("\r\n\r\n").unwrap();
    let expected = json!({
        "to": "ada@example.org", "subject": "A \"new\" device", "text": "Line one\nLine two",
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(body).unwrap(), expected);
}

#[tokio::test]
async fn a_call_is_made_once_more_and_nothing_leaves() {
    // The service repeats the key that it was given.
    let server = Server::start(|_, stream| stream.write_all(ok(KEY).as_bytes()));
    let port = server.address.port();
    let mut stage = Stage::new();
    stage.secret("api_key", KEY);
    if !stage.install("notifier", &manifest(port), grants(port)).await.unwrap() {
        return;
    }
    let config = server.url("/v1/messages");
    let first = stage.call(deliver("ada@example.org"), &config).await;
    assert!(first.result.is_ok(), "{first:?}");
    let answer = first.http[0].answer.clone().unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"[secret]"[..]));
    let replay = async |recording: &[HttpTrace]| {
        let request = stage.request(deliver("ada@example.org"), &config);
        stage.host.replay(request, recording.to_vec(), stage.store.clone()).await
    };
    for _ in 0..2 {
        let again = replay(&first.http).await;
        assert_eq!((&again.result, &again.kv), (&first.result, &first.kv));
        assert!(!again.http[0].sent && !again.http[0].is_unrecorded());
        assert_eq!(again.used.http_requests, 0);
    }
    let alone = replay(&[]).await;
    assert!(alone.result.is_err() && alone.http[0].is_unrecorded(), "{alone:?}");
    // What was too long to be kept, and what was never answered.
    let mut lost = first.http.clone();
    lost[0].answer = None;
    assert!(replay(&lost).await.http[0].is_unrecorded());
    lost[0].result = Err("Timeout".to_owned());
    let again = replay(&lost).await;
    assert!(again.result.is_err() && !again.http[0].is_unrecorded(), "{again:?}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_the_service_says_becomes_what_happens_next() {
    let answers = [
        ("/v1/late", "HTTP/1.1 429 Slow down\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"),
        ("/v1/down", "HTTP/1.1 503 Down\r\ncontent-length: 0\r\n\r\n"),
        ("/v1/bad", "HTTP/1.1 422 No\r\ncontent-length: 0\r\n\r\n"),
        ("/v1/gone", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
    ];
    let server = Server::start(move |request, stream| {
        let answer = answers.iter().find(|it| request.contains(&format!("POST {} ", it.0)));
        stream.write_all(answer.unwrap().1.as_bytes())
    });
    let port = server.address.port();
    let mut stage = Stage::new();
    stage.secret("api_key", KEY);
    if !stage.install("notifier", &manifest(port), grants(port)).await.unwrap() {
        return;
    }
    for (path, kind) in [
        ("/v1/late", ErrorKind::RateLimited),
        ("/v1/down", ErrorKind::Unavailable),
        ("/v1/gone", ErrorKind::Indeterminate),
    ] {
        let outcome = stage.call(deliver("ada@example.org"), &server.url(path)).await;
        let Err(Failure::Reported(error)) = &outcome.result else { panic!("{outcome:?}") };
        assert_eq!(error.kind, kind, "{path}: {error:?}");
        assert_eq!(error.retry_after_ms, (path == "/v1/late").then_some(7000));
        assert!(outcome.kv.is_empty());
    }
    for (address, path) in [("ada@example.org", "/v1/bad"), ("nobody", "/v1/bad")] {
        let outcome = stage.call(deliver(address), &server.url(path)).await;
        let permanent = notifier::Permanent::InvalidAddress(address.to_owned());
        let rejected = notifier::Outcome::Rejected(permanent);
        assert_eq!(outcome.result, Ok(Answer::Delivered(rejected)));
    }
}

#[tokio::test]
async fn a_plugin_is_who_its_manifest_says() {
    let Some(wasm) = guest("notifier") else { return };
    let stage = Stage::new();
    let lies = [
        ("id = \"dev.myrelay.sample-notifier\"", "id = \"dev.example.other\""),
        ("version = \"0.1.0\"", "version = \"0.1.1\""),
    ];
    for (truth, lie) in lies {
        let manifest = manifest(80).replace(truth, lie);
        assert_ne!(manifest, MANIFEST);
        let error = stage.install_wasm(wasm.clone(), &manifest, grants(80)).await.unwrap_err();
        assert!(matches!(error, InstallError::Description(_)), "{error:?}");
        assert!(error.to_string().contains("dev.myrelay.sample-notifier 0.1.0"), "{error}");
    }
    let billing = manifest(80).replace("[\"notification\"]", "[\"billing\"]");
    let error = stage.install_wasm(wasm.clone(), &billing, grants(80)).await.unwrap_err();
    assert!(matches!(error, InstallError::Exports(_)), "{error:?}");
    let mut fewer = grants(80);
    fewer.http.clear();
    let error = stage.install_wasm(wasm, &manifest(80), fewer).await.unwrap_err();
    assert!(error.to_string().contains("myrelay:plugin/http@1.0.0"), "{error}");
}
