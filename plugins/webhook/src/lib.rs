//! Messages and events as signed requests, the way Standard Webhooks writes them.

mod date;

mod world {
    //! The bindings: one plugin of two kinds.
    myrelay_plugin_sdk::world!(
        "myrelay:webhook/both",
        "../wit/v1",
        "package myrelay:webhook;
        world both {
            include myrelay:plugin/notification-plugin@1.0.0;
            include myrelay:plugin/event-plugin@1.0.0;
        }"
    );
}

use base64::{Engine as _, prelude::BASE64_STANDARD};
use myrelay_plugin_sdk::{
    Problems, clock, context, crypto, error, http, problems, rate_limited, retry_after, settings,
    tell_panics,
    types::{AccountRef, Error, ErrorKind},
    unanswered, unusable,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::world::exports::myrelay::plugin::{
    events::{Event, Guest as Events},
    notifier::{
        Destination, Guest as Notifier, Message, Outcome, Permanent, Receipt, Urgency, Verification,
    },
};

/// How long a receiver has to answer, so that the plugin can say that it did not.
const PATIENCE_MS: u32 = 9_000;

/// What is sure to be left of a call's time when it begins: events have ten seconds, messages more.
const CALL_MS: u64 = 10_000;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Where events go; empty where there are none.
    url: String,
}

struct Plugin;

myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.myrelay.webhook", "0.1.0", wrong, ready);

fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Settings| {
        // The schema asks for https; who lets the manifest and the grants say otherwise means it.
        let sound = it.url.is_empty() || is_address(&it.url);
        if sound { Vec::new() } else { vec![("/url", "it begins with https://".to_owned())] }
    })
}

fn ready() -> Result<String, Error> {
    let settings: Settings = settings()?;
    sign("ready", 0, b"")?;
    let events = if settings.url.is_empty() { "nowhere" } else { &settings.url };
    Ok(format!("events go to {events}"))
}

/// The header `webhook-signature`: by the key, and by the one before where it is still there.
fn sign(id: &str, time: u64, body: &[u8]) -> Result<String, Error> {
    let content = [format!("{id}.{time}.").as_bytes(), body].concat();
    let tag = |key: &str| {
        let (encoding, sha256) = (crypto::KeyEncoding::StandardWebhooks, crypto::Hash::Sha256);
        let tag = crypto::hmac(key, encoding, sha256, &content)?;
        Ok(format!("v1,{}", BASE64_STANDARD.encode(tag)))
    };
    let mut signature = tag("signing_key").map_err(|why| unusable("signing_key", why))?;
    if let Ok(previous) = tag("signing_key_previous") {
        signature = format!("{signature} {previous}");
    }
    Ok(signature)
}

/// What an answer was, or why there is none.
type Answered = Result<http::Response, http::Error>;

/// Posts a signed body; an error where it cannot be signed.
fn post(url: &str, id: &str, body: &Value) -> Result<Answered, Error> {
    let body = body.to_string().into_bytes();
    // Receivers take no old signatures, and the plugin's clock stands where the delivery was
    // written down. The deadline moves with every try.
    let time = clock::now().max(context::current().deadline.saturating_sub(CALL_MS)) / 1000;
    let signature = sign(id, time, &body)?;
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(http::send(&http::Request {
        method: http::Method::Post,
        url: url.to_owned(),
        headers: vec![
            header("Content-Type", "application/json"),
            header("webhook-id", id),
            header("webhook-timestamp", &time.to_string()),
            header("webhook-signature", &signature),
        ],
        auth: None,
        body: Some(body),
        timeout_ms: Some(PATIENCE_MS),
    }))
}

/// Whether it can be an address at all. Which of them are reached, the operator's grants say.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|it| !it.is_empty() && it.chars().all(|it| it.is_ascii_graphic()))
}

/// What an answer means that is not 2xx.
fn refused(answer: &http::Response) -> Error {
    match answer.status {
        429 => rate_limited("the receiver", retry_after(answer)),
        status => {
            let wait = retry_after(answer).map(|it| it.saturating_mul(1000));
            let told = format!("the receiver answered {status}");
            Error { retry_after_ms: wait, ..error(ErrorKind::Unavailable, told) }
        }
    }
}

impl Notifier for Plugin {
    fn begin_verification(_account: AccountRef, address: String) -> Result<Verification, Error> {
        tell_panics();
        if !is_address(&address) {
            return Err(error(ErrorKind::InvalidInput, "an address that begins with https://"));
        }
        let text = "A signed message with a code is posted to this address: type the code here.";
        Ok(Verification { text: text.to_owned(), link: None })
    }

    fn deliver(to: Destination, message: Message) -> Result<Outcome, Error> {
        tell_panics();
        if !is_address(&to.address) {
            let why = "an address that begins with https://".to_owned();
            return Ok(Outcome::Rejected(Permanent::InvalidAddress(why)));
        }
        let data: Value = serde_json::from_str(&message.data).unwrap_or_default();
        let urgency = match message.urgency {
            Urgency::Low => "low",
            Urgency::Normal => "normal",
            Urgency::High => "high",
        };
        // The same for every try: receivers drop what they have.
        let id: String = context::idempotency_key("message").chars().take(32).collect();
        let id = format!("msg_{id}");
        let body = json!({
            "type": format!("message.{}", message.template),
            "timestamp": date::iso(clock::now()),
            "data": {
                "account": to.account.id,
                "locale": to.account.locale,
                "subject": message.subject,
                "text": message.text,
                "html": message.html,
                "action_url": message.action_url,
                "urgency": urgency,
                "data": data,
            },
        });
        let answer = match post(&to.address, &id, &body)? {
            Ok(answer) => answer,
            // It leads to a machine of somebody's inside: nothing that comes later changes that.
            Err(http::Error::BlockedAddress(why)) => {
                return Ok(Outcome::Rejected(Permanent::InvalidAddress(why)));
            }
            // One customer's address says nothing about the others'.
            Err(http::Error::Denied(why)) => return Err(error(ErrorKind::Denied, why)),
            Err(why) => return Err(unanswered("the receiver", why, true)),
        };
        match answer.status {
            200..=299 => Ok(Outcome::Sent(Receipt { provider_id: Some(id) })),
            // Gone: Standard Webhooks says to stop then.
            410 => Ok(Outcome::Rejected(Permanent::Unsubscribed)),
            _ => Err(refused(&answer)),
        }
    }
}

impl Events for Plugin {
    fn handle(event: Event) -> Result<(), Error> {
        tell_panics();
        let settings: Settings = settings()?;
        if settings.url.is_empty() {
            return Err(error(ErrorKind::InvalidConfig, "the setting url says where events go"));
        }
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        let body = json!({
            "type": event.type_name,
            "timestamp": date::iso(event.occurred_at),
            "data": {
                "id": event.id,
                "account": event.account,
                "sequence": event.sequence,
                "data": data,
            },
        });
        let answer = post(&settings.url, &event.id, &body)?;
        let answer = answer.map_err(|why| unanswered("the receiver", why, true))?;
        match answer.status {
            200..=299 => Ok(()),
            410 => Err(error(ErrorKind::InvalidConfig, "the receiver is gone: it answered 410")),
            _ => Err(refused(&answer)),
        }
    }
}

world::export!(Plugin with_types_in world);
