//! Requests to APIs that answer in JSON, and what is read of it.

use serde_json::Value;

use crate::{
    answers::{error, line, rate_limited, retry_after, unanswered},
    http, secrets,
    types::{Error, ErrorKind},
};

/// Asks an API that answers in JSON: the status, and the body or null where it is no JSON.
///
/// Errors are what is the same everywhere: no answer, too many requests, and a success that cannot
/// be read. With `again` the request may be repeated: see [`unanswered`].
pub fn ask(whom: &str, request: &http::Request, again: bool) -> Result<(u16, Value), Error> {
    let answer = http::send(request).map_err(|why| unanswered(whom, why, again))?;
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    match (answer.status, body) {
        (200..=299, None) => {
            let kind = if again { ErrorKind::Unavailable } else { ErrorKind::Indeterminate };
            Err(error(kind, format!("{whom}: an answer that is no JSON")))
        }
        (429, body) => {
            // Some say it in the body.
            let inside = body.as_ref().and_then(|it| it.pointer("/parameters/retry_after"));
            let seconds = retry_after(&answer).or_else(|| inside.and_then(Value::as_u64));
            Err(rate_limited(whom, seconds))
        }
        (status, body) => Ok((status, body.unwrap_or_default())),
    }
}

/// A text by its JSON pointer, as one line; none where there is none or it is empty.
pub fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer)?.as_str().map(line).filter(|it| !it.is_empty())
}

/// What stands for a secret in requests; an error for the operator where it is not there.
pub fn placeholder(name: &str) -> Result<String, Error> {
    secrets::placeholder(name).map_err(|why| {
        let why = match why {
            secrets::Error::Unknown(_) => "nobody gave it".to_owned(),
            secrets::Error::Denied(rule) => rule,
        };
        error(ErrorKind::InvalidConfig, format!("the secret {name}: {why}"))
    })
}
