//! The bot API: a method, a JSON body, and what the answer means.

use myrelay_plugin_sdk::{
    ask, error, failure, http, placeholder, settings, text,
    types::{Error, ErrorKind},
};
use serde_json::Value;

use crate::Settings;

/// How long Telegram has to answer: a delivery asks three times at most, in fifteen seconds.
const PATIENCE_MS: u32 = 4_500;

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
        let token = placeholder("bot_token")?;
        let request = http::Request {
            method: http::Method::Post,
            url: format!("{}/bot{token}/{method}", self.0.api_url),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            auth: None,
            body: Some(body.to_string().into_bytes()),
            timeout_ms: Some(PATIENCE_MS),
        };
        let (status, mut said) = ask("Telegram", &request, again)?;
        let why = text(&said, "/description").unwrap_or_else(|| "no reason given".to_owned());
        match status {
            200..=299 if said["ok"] == true => Ok(Said::Yes(said["result"].take())),
            401 | 404 => {
                let advice = format!("Telegram knows no such bot, look at bot_token: {why}");
                Err(error(ErrorKind::InvalidConfig, advice))
            }
            400..=499 => Ok(Said::No(status, why)),
            _ => {
                let told = format!("Telegram answered {status}: {why}");
                Err(error(failure(status, again), told))
            }
        }
    }
}
