//! What an answer of a provider means, and what it means that there is none.

use crate::{
    crypto, http,
    types::{Error, ErrorKind},
};

/// How long to wait where the other side does not say, in milliseconds.
const USUAL_WAIT_MS: u64 = 5_000;

/// The longest text of somebody else's that is handed on, in bytes.
const LINE_BYTES: usize = 500;

/// An error with nothing but its kind and what operators read.
pub fn error(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error {
        kind,
        message: message.into(),
        public_message: None,
        retry_after_ms: None,
        provider_code: None,
    }
}

/// What follows from a request that got no answer. `whom` is who was asked.
///
/// A request that left may have been done, which is `indeterminate`; with `again` the other side
/// drops what it got already, so that trying once more is safe and the error is `unavailable`.
pub fn unanswered(whom: &str, why: http::Error, again: bool) -> Error {
    use http::Error as Why;
    let left = if again { ErrorKind::Unavailable } else { ErrorKind::Indeterminate };
    let (kind, told) = match why {
        Why::Denied(it) | Why::BlockedAddress(it) => (ErrorKind::InvalidConfig, it),
        Why::Invalid(it) => (ErrorKind::InvalidInput, it),
        Why::BudgetExceeded(it) => (ErrorKind::Internal, it),
        Why::Dns(it) | Why::Connect(it) | Why::Tls(it) => (ErrorKind::Unavailable, it),
        Why::Timeout => (left, "no answer in time".to_owned()),
        Why::Interrupted(it) | Why::Protocol(it) => (left, it),
        Why::TooLarge(most) => (left, format!("an answer of more than {most} bytes")),
    };
    error(kind, format!("{whom}: {told}"))
}

/// What a status of 500 and beyond means: a gateway may give up on what was done behind it, but who
/// says 503 did nothing. With `again` the request may be repeated: see [`unanswered`].
pub fn failure(status: u16, again: bool) -> ErrorKind {
    if again || status == 503 { ErrorKind::Unavailable } else { ErrorKind::Indeterminate }
}

/// That a secret is no use to the host, for the operator who gave it or did not.
pub fn unusable(secret: &str, why: crypto::Error) -> Error {
    let why = match why {
        crypto::Error::UnknownSecret(_) => "nobody gave it".to_owned(),
        crypto::Error::BadKey => "it is not written as the plugin's README says".to_owned(),
        crypto::Error::Denied(rule) => rule,
    };
    error(ErrorKind::InvalidConfig, format!("the secret {secret}: {why}"))
}

/// That there were too many requests; with how long to wait, in seconds as the other side said it.
pub fn rate_limited(whom: &str, seconds: Option<u64>) -> Error {
    let wait = seconds.map_or(USUAL_WAIT_MS, |it| it.saturating_mul(1000));
    let message = format!("{whom} gets too many requests");
    Error { retry_after_ms: Some(wait), ..error(ErrorKind::RateLimited, message) }
}

/// The first header of this name, which is in lower case.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|it| it.0.eq_ignore_ascii_case(name));
    found.map(|it| it.1.as_str())
}

/// The seconds of `Retry-After`; none where it is a date, since plugins know no exact time.
pub fn retry_after(answer: &http::Response) -> Option<u64> {
    header(&answer.headers, "retry-after")?.trim().parse().ok()
}

/// Somebody else's text as one line without control characters, which the host would refuse.
pub fn line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        let hostile = c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if LINE_BYTES < line.len() + c.len_utf8() {
            break;
        }
        line.push(if hostile { ' ' } else { c });
    }
    line
}
