//! The service that this plugin hands things to.

use myrelay_plugin_sdk::{
    config, context, http,
    types::{Error, ErrorKind},
};
use serde_json::Value;

/// An error; its kind decides what the portal does next.
pub fn error(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error {
        kind,
        message: message.into(),
        public_message: None,
        retry_after_ms: None,
        provider_code: None,
    }
}

/// One of the settings, which are good by config.schema.json.
pub fn setting(name: &str) -> String {
    let settings: Value = serde_json::from_str(&config::get()).unwrap_or_default();
    settings[name].as_str().unwrap_or_default().to_owned()
}

/// Posts JSON to the endpoint of the settings, and returns what the service answered. The host
/// fills the token in: this plugin never sees it.
pub fn post(body: &Value) -> Result<String, Error> {
    let answer = http::send(&http::Request {
        method: http::Method::Post,
        url: setting("endpoint"),
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            // The same in every try of one delivery, so that the service can tell.
            ("Idempotency-Key".to_owned(), context::idempotency_key("post")),
        ],
        auth: Some(http::Auth::Bearer("token".to_owned())),
        body: Some(body.to_string().into_bytes()),
        timeout_ms: Some(5_000),
    });
    let answer = answer.map_err(|why| {
        let kind = match why {
            http::Error::Denied(_) | http::Error::BlockedAddress(_) | http::Error::Invalid(_) => {
                ErrorKind::InvalidConfig
            }
            // It was sent, and perhaps done.
            http::Error::Timeout
            | http::Error::Interrupted(_)
            | http::Error::TooLarge(_)
            | http::Error::Protocol(_) => ErrorKind::Indeterminate,
            _ => ErrorKind::Unavailable,
        };
        error(kind, format!("the service: {why:?}"))
    })?;
    let said = format!("the service said {}", answer.status);
    match answer.status {
        200..=299 => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
        401 | 403 => Err(error(ErrorKind::InvalidConfig, said)),
        429 => {
            let after = answer.headers.iter().find(|it| it.0 == "retry-after");
            let seconds = after.and_then(|it| it.1.parse::<u64>().ok()).unwrap_or(60);
            let retry_after_ms = Some(seconds.saturating_mul(1000));
            Err(Error { retry_after_ms, ..error(ErrorKind::RateLimited, said) })
        }
        500..=599 => Err(error(ErrorKind::Unavailable, said)),
        _ => Err(error(ErrorKind::InvalidInput, said)),
    }
}
