//! The service that this plugin hands things to.

use myrelay_plugin_sdk::{
    Problems, context, error, failure, http, problems, rate_limited, retry_after, settings,
    types::{Error, ErrorKind},
    unanswered,
};
use serde_json::Value;

/// What config.schema.json cannot say of the settings.
pub fn wrong(candidate: &str) -> Problems {
    problems(candidate, |it: &Value| {
        let endpoint = it["endpoint"].as_str().unwrap_or_default();
        let advice = "this is the example's address: name your service's".to_owned();
        let example = endpoint.contains("//api.example.com/");
        if example { vec![("/endpoint", advice)] } else { Vec::new() }
    })
}

/// One of the settings, which are good by config.schema.json.
pub fn setting(name: &str) -> Result<String, Error> {
    Ok(settings::<Value>()?[name].as_str().unwrap_or_default().to_owned())
}

/// Posts JSON to the endpoint of the settings, and returns what the service answered. The host
/// fills the token in: this plugin never sees it.
pub fn post(body: &Value) -> Result<String, Error> {
    let answer = http::send(&http::Request {
        method: http::Method::Post,
        url: setting("endpoint")?,
        headers: vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            // The same in every try of one delivery, so that the service can tell.
            ("Idempotency-Key".to_owned(), context::idempotency_key("post")),
        ],
        auth: Some(http::Auth::Bearer("token".to_owned())),
        body: Some(body.to_string().into_bytes()),
        timeout_ms: Some(5_000),
    });
    // `false`: nobody knows that this service drops what it has already.
    let answer = answer.map_err(|why| unanswered("the service", why, false))?;
    let said = format!("the service said {}", answer.status);
    match answer.status {
        200..=299 => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
        401 | 403 => Err(error(ErrorKind::InvalidConfig, said)),
        429 => Err(rate_limited("the service", retry_after(&answer))),
        500..=599 => Err(error(failure(answer.status, false), said)),
        _ => Err(error(ErrorKind::InvalidInput, said)),
    }
}
