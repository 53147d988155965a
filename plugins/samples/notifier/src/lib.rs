//! A notifier that posts to a mail service: the smallest plugin that is of use.

mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("notification-plugin", "../../wit/v1");
}

use myrelay_plugin_sdk::{
    Problems, config, context, error, http, kv, log, rate_limited, retry_after, tell_panics,
    types::{AccountRef, Error, ErrorKind},
    unanswered,
};
use serde_json::json;

use crate::world::exports::myrelay::plugin::notifier::{
    Destination, Guest as Notifier, Message, Outcome, Permanent, Receipt, Verification,
};

struct Plugin;

myrelay_plugin_sdk::lifecycle!(world, Plugin, "dev.myrelay.sample-notifier", "0.1.0", wrong, ready);

fn wrong(candidate: &str) -> Problems {
    let advice = "the address of the mail service begins with http".to_owned();
    if candidate.starts_with("http") { Vec::new() } else { vec![("/endpoint", advice)] }
}

fn ready() -> Result<String, Error> {
    Ok("ready".to_owned())
}

impl Notifier for Plugin {
    fn begin_verification(_account: AccountRef, address: String) -> Result<Verification, Error> {
        let text = format!("A message comes to {address}: follow the link in it.");
        Ok(Verification { text, link: None })
    }

    fn deliver(to: Destination, message: Message) -> Result<Outcome, Error> {
        tell_panics();
        if !to.address.contains('@') {
            return Ok(Outcome::Rejected(Permanent::InvalidAddress(to.address)));
        }
        let body = json!({ "to": to.address, "subject": message.subject, "text": message.text });
        let answer = http::send(&http::Request {
            method: http::Method::Post,
            // The whole of the settings is the address of the service.
            url: config::get(),
            headers: vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("Idempotency-Key".to_owned(), context::idempotency_key("mail")),
            ],
            auth: Some(http::Auth::Bearer("api_key".to_owned())),
            body: Some(body.to_string().into_bytes()),
            timeout_ms: Some(5_000),
        });
        let answer = answer.map_err(|why| unanswered("the mail service", why, false))?;
        match answer.status {
            200..=299 => {}
            422 => return Ok(Outcome::Rejected(Permanent::InvalidAddress(to.address))),
            429 => return Err(rate_limited("the mail service", retry_after(&answer))),
            status => return Err(error(ErrorKind::Unavailable, format!("it said {status}"))),
        }
        let sent = kv::get("sent").ok().flatten();
        let count = sent.and_then(|it| String::from_utf8(it.value).ok()?.parse::<u64>().ok());
        let count = (count.unwrap_or_default() + 1).to_string();
        if let Err(why) = kv::set("sent", count.as_bytes(), None) {
            return Err(error(ErrorKind::Internal, format!("{why:?}")));
        }
        log::log(log::Level::Info, "sent", &[("count".to_owned(), count)]);
        let provider_id = String::from_utf8(answer.body).ok();
        Ok(Outcome::Sent(Receipt { provider_id }))
    }
}

world::export!(Plugin with_types_in world);
