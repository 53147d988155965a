//! Stripe's API: settings, requests, and what its refusals mean.

use myrelay_plugin_sdk::{
    Form, ask, context, error, http, settings, text,
    types::{Error, ErrorKind},
};
use serde::Deserialize;
use serde_json::Value;

/// The form of Stripe's answers that this plugin reads, whatever the account's own is. Events come
/// in the form of their endpoint; where that differs, what they are about is asked for.
const VERSION: &str = "2024-06-20";

/// The operator's settings.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) api_url: String,
    pub(crate) timeout_ms: u32,
    /// What is taken; empty for all.
    pub(crate) currencies: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let api_url = "https://api.stripe.com".to_owned();
        Self { api_url, timeout_ms: 8_000, currencies: Vec::new() }
    }
}

/// The way to Stripe.
pub(crate) struct Api(pub(crate) Settings);

impl Api {
    pub(crate) fn load() -> Result<Self, Error> {
        settings().map(Self)
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value, Error> {
        self.send(http::Method::Get, path, None, None)
    }

    /// Asks for a change. The same delivery and label ask for the same one.
    pub(crate) fn post(&self, path: &str, form: &Form, label: &str) -> Result<Value, Error> {
        self.send(http::Method::Post, path, Some(form), Some(label))
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Value, Error> {
        self.send(http::Method::Delete, path, None, None)
    }

    fn send(
        &self,
        method: http::Method,
        path: &str,
        form: Option<&Form>,
        label: Option<&str>,
    ) -> Result<Value, Error> {
        let mut headers = vec![("Stripe-Version".to_owned(), VERSION.to_owned())];
        if let Some(label) = label {
            headers.push(("Idempotency-Key".to_owned(), context::idempotency_key(label)));
            let kind = "application/x-www-form-urlencoded".to_owned();
            headers.push(("Content-Type".to_owned(), kind));
        }
        let changes = !matches!(method, http::Method::Get);
        let request = http::Request {
            method,
            url: format!("{}{path}", self.0.api_url),
            headers,
            auth: Some(http::Auth::Bearer("api_key".to_owned())),
            body: form.map(|it| it.text().as_bytes().to_vec()),
            timeout_ms: Some(self.0.timeout_ms),
        };
        // Reading twice does no harm.
        match ask("Stripe", &request, !changes)? {
            (200..=299, body) => Ok(body),
            (status, body) => Err(refused(status, changes, &body)),
        }
    }
}

/// What a status beyond 299 means.
fn refused(status: u16, changes: bool, body: &Value) -> Error {
    let code = text(body, "/error/code").or_else(|| text(body, "/error/type"));
    let kind = match (status, code.as_deref()) {
        (_, Some("resource_missing")) | (404, _) => ErrorKind::NotFound,
        (_, Some("charge_already_refunded" | "charge_disputed")) => ErrorKind::Conflict,
        (401 | 403, _) => ErrorKind::InvalidConfig,
        (402, _) => ErrorKind::Denied,
        // The first request with this idempotency key is still at work.
        (409, _) if changes => ErrorKind::Indeterminate,
        (400..=499, _) => ErrorKind::InvalidInput,
        // Stripe says of its own failures that what was asked may have been done.
        _ if changes => ErrorKind::Indeterminate,
        _ => ErrorKind::Unavailable,
    };
    let told = text(body, "/error/message").unwrap_or_else(|| "no reason given".to_owned());
    Error { provider_code: code, ..error(kind, format!("Stripe says {status}: {told}")) }
}

/// An id that may stand in a path.
pub(crate) fn plain(id: &str) -> Result<&str, Error> {
    let sound = id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_') && id.contains('_');
    let wrong = || error(ErrorKind::InvalidInput, "it is no id of Stripe's");
    if sound { Ok(id) } else { Err(wrong()) }
}
