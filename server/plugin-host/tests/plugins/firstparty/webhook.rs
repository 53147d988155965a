//! Webhooks: messages and events, signed the way their receivers check them.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use myrelay_fake_providers::{Asked, Fake, Fault, Receiver};
use myrelay_plugin_host::{
    Answer, Call, CallRequest, events,
    notifier::{Outcome, Permanent},
    types::ErrorKind,
};
use serde_json::json;

use crate::conformance::{
    Rig, anywhere,
    channel::{Channel, channel_conformance, deliver, delivered},
};

const MANIFEST: &str = include_str!("../../../../../plugins/webhook/plugin.toml");
const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

type Story = crate::conformance::Story<Receiver>;

impl Channel for Story {
    const NO_ADDRESS: &str = "ftp://example.org/hooks";
    // Receivers drop what they have, by its id.
    const UNHEARD: ErrorKind = ErrorKind::Unavailable;
    const KEY: Option<&str> = Some("signing_key");

    async fn start() -> Option<Self> {
        let fake = Receiver::start(0).await.unwrap();
        let port = fake.port();
        let manifest = anywhere(MANIFEST, port);
        let rig = Rig::new("webhook", &manifest, port, json!({}), &[("signing_key", KEY)]).await?;
        Some(Self { rig, fake })
    }

    fn address(&self) -> String {
        format!("{}/hooks/7", self.fake.url())
    }

    fn arrived(&self) -> Vec<String> {
        let data = self.fake.asked().into_iter().map(|it| it.json()["data"].clone());
        data.map(|it| {
            format!("{}{}", it["subject"].as_str().unwrap(), it["text"].as_str().unwrap())
        })
        .collect()
    }
}

channel_conformance!(conformance, Story);

/// The signature that a receiver calculates itself.
fn signature(asked: &Asked, key: &[u8]) -> String {
    let header = |name| asked.header(name).unwrap();
    let content =
        format!("{}.{}.{}", header("webhook-id"), header("webhook-timestamp"), asked.text());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), content.as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(tag))
}

#[tokio::test]
async fn a_receiver_checks_who_wrote_and_that_it_is_new() {
    let Some(mut story) = Story::start().await else { return };
    let call = || deliver(&story.address());
    assert!(matches!(delivered(&story.rig, call()).await, Outcome::Sent(_)));
    assert!(matches!(delivered(&story.rig, call()).await, Outcome::Sent(_)));
    let asked = story.fake.asked();
    for one in &asked {
        assert_eq!((one.method.as_str(), one.path.as_str()), ("POST", "/hooks/7"));
        let made = signature(one, b"0123456789abcdef01234567");
        assert_eq!(one.header("webhook-signature"), Some(made.as_str()));
        // The time of this try, and not of what it is about, which may be long ago.
        let time: u64 = one.header("webhook-timestamp").unwrap().parse().unwrap();
        assert!(time.abs_diff(1_773_999_000) < 60, "{time}");
        assert_eq!(one.json()["timestamp"], "2026-03-20T09:30:00.000Z");
    }
    assert_eq!(asked[0].header("webhook-id"), asked[1].header("webhook-id"), "the same delivery");
    assert_eq!(asked[0].json(), asked[1].json());
    let data = &asked[0].json()["data"];
    assert_eq!(asked[0].json()["type"], "message.subscription.expiring");
    assert_eq!((&data["data"]["days"], &data["urgency"]), (&json!(3), &json!("low")));
    assert_eq!(data["action_url"], "https://portal.example.org/plan");

    // The sixth try, half a day later: receivers refuse old signatures, and this is none.
    let late = 1_773_999_000_000 + 43_200_000;
    let request = story.rig.stage.request(call(), &story.rig.config);
    let request = CallRequest { attempt: 6, started_ms: late, ..request };
    let outcome = story.rig.stage.host.call(request, story.rig.stage.store.clone()).await;
    assert!(matches!(outcome.result, Ok(Answer::Delivered(Outcome::Sent(_)))), "{outcome:?}");
    let last = story.fake.asked().pop().unwrap();
    let time: u64 = last.header("webhook-timestamp").unwrap().parse().unwrap();
    assert!(time.abs_diff(late / 1000) < 60, "{time}");
    assert_eq!(last.header("webhook-id"), asked[0].header("webhook-id"));
    assert_eq!(last.json(), asked[0].json());

    story.rig.stage.delivery = "delivery-2".to_owned();
    story.rig.stage.secret("signing_key_previous", "whsec_dGhlIG9uZSBiZWZvcmUgdGhhdA==");
    delivered(&story.rig, deliver(&story.address())).await;
    let last = story.fake.asked().pop().unwrap();
    assert_ne!(last.header("webhook-id"), asked[0].header("webhook-id"));
    let both: Vec<&str> = last.header("webhook-signature").unwrap().split(' ').collect();
    let made = [b"0123456789abcdef01234567".as_slice(), b"the one before that"];
    assert_eq!(both, made.map(|key| signature(&last, key)));
}

#[tokio::test]
async fn who_is_gone_is_not_written_to_again() {
    let Some(story) = Story::start().await else { return };
    story.fake.fail(Fault::status(410));
    let outcome = delivered(&story.rig, deliver(&story.address())).await;
    assert_eq!(outcome, Outcome::Rejected(Permanent::Unsubscribed));
    // A private address that nobody granted, typed by a customer.
    let inside = story.address().replace("127.0.0.1", "10.0.0.1");
    let outcome = delivered(&story.rig, deliver(&inside)).await;
    assert!(matches!(&outcome, Outcome::Rejected(Permanent::InvalidAddress(_))), "{outcome:?}");
    // A port that the manifest does not ask for: the operator reads which rule would allow it.
    let error = story.rig.error(deliver("https://hooks.example.org:8443/")).await;
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.message.contains("port = 8443"), "{error:?}");
    assert_eq!(story.fake.asked().len(), 1);
}

fn event(id: &str) -> Call {
    Call::Event(events::Event {
        id: id.to_owned(),
        type_name: "pod.created.v1".to_owned(),
        account: Some("acct_1".to_owned()),
        sequence: 7,
        occurred_at: 951_782_400_123,
        data: r#"{"pod":"pod_1"}"#.to_owned(),
    })
}

#[tokio::test]
async fn events_go_to_the_operators_address() {
    let Some(mut story) = Story::start().await else { return };
    let error = story.rig.error(event("evt_1")).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "no address so far: {error:?}");
    story.rig.config = json!({ "url": format!("{}/events", story.fake.url()) }).to_string();
    let check = Call::ValidateConfig(story.rig.config.clone());
    assert_eq!(story.rig.answer(check).await, Answer::Problems(Vec::new()));
    let Answer::Problems(found) =
        story.rig.answer(Call::ValidateConfig(r#"{"url":"hooks.example.org"}"#.to_owned())).await
    else {
        panic!()
    };
    assert_eq!(found[0].path, "/url");
    assert_eq!(story.rig.answer(event("evt_1")).await, Answer::Done);
    let [one] = &story.fake.asked()[..] else { panic!() };
    assert_eq!(one.header("webhook-id"), Some("evt_1"));
    let made = signature(one, b"0123456789abcdef01234567");
    assert_eq!(one.header("webhook-signature"), Some(made.as_str()));
    let body = one.json();
    assert_eq!(body["type"], "pod.created.v1");
    assert_eq!(body["timestamp"], "2000-02-29T00:00:00.123Z", "a leap day of a century");
    assert_eq!(
        (&body["data"]["sequence"], &body["data"]["data"]["pod"]),
        (&json!(7), &json!("pod_1"))
    );

    for (fault, kind) in [
        (Fault::too_many(7), ErrorKind::RateLimited),
        (Fault::status(404), ErrorKind::Unavailable),
        (Fault::status(302), ErrorKind::Unavailable),
        (Fault::status(410), ErrorKind::InvalidConfig),
        (Fault::HangupAfter, ErrorKind::Unavailable),
    ] {
        story.fake.fail(fault);
        assert_eq!(story.rig.error(event("evt_2")).await.kind, kind);
    }
}
