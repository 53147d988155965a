//! The bot API: a method, a JSON body, and what the answer means.

use myrelay_plugin_sdk::{
    error, http, line, rate_limited, secrets, settings,
    types::{Error, ErrorKind},
    unanswered,
};
use serde_json::Value;

use crate::Settings;

/// What the bot API answered.
pub(crate) enum Said {
    /// It did it; the result.
    Yes(Value),
    /// It will not do it, with the status and its words.
    No(u16, String),
}

/// The way to Telegram.
pub(crate) struct Api(Settings);

impl Api {
    pub(crate) fn load() -> Result<Self, Error> {
        settings().map(Self)
    }

    /// Calls a method; `again` says that doing it twice is no harm.
    pub(crate) fn call(&self, method: &str, body: &Value, again: bool) -> Result<Said, Error> {
        let token = secrets::placeholder("bot_token");
        let token = token.map_err(|why| {
            error(ErrorKind::InvalidConfig, format!("the secret bot_token: {why:?}"))
        })?;
        let answer = http::send(&http::Request {
            method: http::Method::Post,
            url: format!("{}/bot{token}/{method}", self.0.api_url),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            auth: None,
            body: Some(body.to_string().into_bytes()),
            timeout_ms: Some(8_000),
        });
        let answer = answer.map_err(|why| unanswered("Telegram", why, again))?;
        let mut said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let why = said["description"].as_str().map_or_else(|| "no reason given".to_owned(), line);
        match answer.status {
            200..=299 if said["ok"] == true => Ok(Said::Yes(said["result"].take())),
            401 | 404 => {
                let advice = format!("Telegram knows no such bot, look at bot_token: {why}");
                Err(error(ErrorKind::InvalidConfig, advice))
            }
            429 => {
                let seconds = said.pointer("/parameters/retry_after").and_then(Value::as_u64);
                Err(rate_limited(
                    "Telegram",
                    seconds.or_else(|| myrelay_plugin_sdk::retry_after(&answer)),
                ))
            }
            status @ 400..=499 => Ok(Said::No(status, why)),
            status => {
                let told = format!("Telegram answered {status}: {why}");
                Err(error(ErrorKind::Unavailable, told))
            }
        }
    }
}
