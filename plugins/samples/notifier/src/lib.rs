//! A notifier that posts to a mail service: the smallest plugin that is of use.

mod world {
    //! The bindings.
    myrelay_plugin_sdk::world!("notification-plugin", "../../wit/v1");
}

use myrelay_plugin_sdk::{
    config, context, http, kv, log, tell_panics,
    types::{AccountRef, Error, ErrorKind},
};

use crate::world::exports::myrelay::plugin::{
    lifecycle::{ConfigProblem, Guest as Lifecycle, HealthReport, Info},
    notifier::{
        Destination, Guest as Notifier, Message, Outcome, Permanent, Receipt, Verification,
    },
};

struct Plugin;

fn error(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error {
        kind,
        message: message.into(),
        public_message: None,
        retry_after_ms: None,
        provider_code: None,
    }
}

impl Lifecycle for Plugin {
    fn describe() -> Info {
        Info {
            id: "dev.myrelay.sample-notifier".to_owned(),
            version: "0.1.0".to_owned(),
            api_version: "1.0".to_owned(),
        }
    }

    fn activate(_webhook_url: Option<String>) -> Result<(), Error> {
        Ok(())
    }

    fn deactivate() -> Result<(), Error> {
        Ok(())
    }

    fn validate_config(candidate: String) -> Result<Vec<ConfigProblem>, Error> {
        let problem = ConfigProblem {
            path: "/endpoint".to_owned(),
            message: "the address of the mail service begins with http".to_owned(),
        };
        Ok(if candidate.starts_with("http") { Vec::new() } else { vec![problem] })
    }

    fn migrate(_from_version: String) -> Result<(), Error> {
        Ok(())
    }

    fn health() -> Result<HealthReport, Error> {
        Ok(HealthReport { ok: true, detail: "ready".to_owned() })
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

impl Notifier for Plugin {
    fn begin_verification(_account: AccountRef, address: String) -> Result<Verification, Error> {
        let text = format!("We wrote to {address}: follow the link in that message.");
        Ok(Verification { text, link: None })
    }

    fn deliver(to: Destination, message: Message) -> Result<Outcome, Error> {
        tell_panics();
        if !to.address.contains('@') {
            return Ok(Outcome::Rejected(Permanent::InvalidAddress(to.address)));
        }
        let body = format!(
            "{{\"to\":{},\"subject\":{},\"text\":{}}}",
            quoted(&to.address),
            quoted(&message.subject),
            quoted(&message.text)
        );
        let answer = http::send(&http::Request {
            method: http::Method::Post,
            // The whole of the settings is the address of the service.
            url: config::get(),
            headers: vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("Idempotency-Key".to_owned(), context::idempotency_key("mail")),
            ],
            auth: Some(http::Auth::Bearer("api_key".to_owned())),
            body: Some(body.into_bytes()),
            timeout_ms: Some(5_000),
        });
        let answer = answer.map_err(|why| {
            let done = matches!(why, http::Error::Timeout | http::Error::Interrupted(_));
            let kind = if done { ErrorKind::Indeterminate } else { ErrorKind::Unavailable };
            error(kind, format!("the mail service: {why:?}"))
        })?;
        match answer.status {
            200..=299 => {}
            422 => return Ok(Outcome::Rejected(Permanent::InvalidAddress(to.address))),
            429 => {
                let seconds = answer.headers.iter().find(|it| it.0 == "retry-after");
                let seconds = seconds.and_then(|it| it.1.parse::<u64>().ok());
                let retry_after_ms = Some(seconds.unwrap_or(60) * 1000);
                return Err(Error { retry_after_ms, ..error(ErrorKind::RateLimited, "429") });
            }
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
