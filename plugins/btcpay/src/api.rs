//! The Greenfield API: settings, requests, and what its refusals mean.

use myrelay_plugin_sdk::{
    ask, error, http, placeholder, settings, text,
    types::{Error, ErrorKind},
};
use serde::Deserialize;
use serde_json::Value;

/// The operator's settings.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) url: String,
    pub(crate) store: String,
    #[serde(default = "bitcoin")]
    pub(crate) coin: String,
    #[serde(default = "half_an_hour")]
    pub(crate) minutes: u32,
    #[serde(default = "one")]
    pub(crate) confirmations: u32,
    #[serde(default = "patience")]
    pub(crate) timeout_ms: u32,
}

fn bitcoin() -> String {
    "BTC".to_owned()
}

fn half_an_hour() -> u32 {
    30
}

fn one() -> u32 {
    1
}

/// Three requests fit into one call.
fn patience() -> u32 {
    3_000
}

impl Settings {
    /// BTCPay's name for how many confirmations it waits for.
    pub(crate) fn speed(&self) -> Option<&'static str> {
        match self.confirmations {
            0 => Some("HighSpeed"),
            1 => Some("MediumSpeed"),
            2 => Some("LowMediumSpeed"),
            6 => Some("LowSpeed"),
            _ => None,
        }
    }
}

/// The way to the operator's server.
pub(crate) struct Api(pub(crate) Settings);

impl Api {
    pub(crate) fn load() -> Result<Self, Error> {
        settings().map(Self)
    }

    /// Asks for something below the store.
    pub(crate) fn get(&self, path: &str) -> Result<Value, Error> {
        self.send(http::Method::Get, path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.send(http::Method::Post, path, Some(body.to_string().into_bytes()))
    }

    fn send(
        &self,
        method: http::Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Value, Error> {
        let key = placeholder("api_key")?;
        let changes = body.is_some();
        let request = http::Request {
            method,
            url: format!("{}/api/v1/stores/{}/{path}", self.0.url, self.0.store),
            headers: vec![
                // It is not called Bearer there.
                ("Authorization".to_owned(), format!("token {key}")),
                ("Content-Type".to_owned(), "application/json".to_owned()),
            ],
            auth: None,
            body,
            timeout_ms: Some(self.0.timeout_ms),
        };
        let (status, said) = ask("BTCPay", &request, !changes)?;
        let kind = match status {
            200..=299 => return Ok(said),
            401 | 403 => ErrorKind::InvalidConfig,
            404 => ErrorKind::NotFound,
            400..=499 => ErrorKind::InvalidInput,
            _ if changes => ErrorKind::Indeterminate,
            _ => ErrorKind::Unavailable,
        };
        let told = text(&said, "/0/message").or_else(|| text(&said, "/message"));
        let told = told.unwrap_or_else(|| "no reason given".to_owned());
        Err(error(kind, format!("BTCPay says {status}: {told}")))
    }
}
