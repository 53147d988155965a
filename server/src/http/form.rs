//! Reads what a form or an agent sent. Fields that nobody expects are refused.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
};
use myrelay_app::contract::PortalError;
use serde::{Deserialize, de::DeserializeOwned};

use super::answer::Fault;

/// A form's fields (`application/x-www-form-urlencoded`).
pub(crate) struct Form<T>(pub T);

/// A JSON body.
pub(crate) struct Json<T>(pub T);

/// A form that asks for nothing but the button.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFields {}

/// Whether a mail program's own button was pressed, and not the one of a page, which sends nothing
/// (RFC 8058 section 3.2). What it sends has one of two encodings, and says nothing else.
pub(crate) struct OneClick(pub(crate) bool);

impl<S: Sync> FromRequest<S> for OneClick {
    type Rejection = Fault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Fault> {
        Ok(Self(!body(request).await?.is_empty()))
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Fault> {
        let is_form = is(request.headers(), "application/x-www-form-urlencoded");
        let body = body(request).await?;
        if !is_form && !body.is_empty() {
            return Err(Fault::of(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a form is sent as application/x-www-form-urlencoded",
            ));
        }
        let read = serde_urlencoded::from_bytes(&body).map_err(|error| {
            Fault::from(PortalError::invalid("form", format!("the form does not fit: {error}")))
        });
        read.map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Fault> {
        ensure_json(request.headers())?;
        let body = body(request).await?;
        // Serde takes a list for a structure, by the order of its fields.
        if body.trim_ascii_start().starts_with(b"[") {
            return Err(PortalError::invalid("body", "it is a list and not an object").into());
        }
        let read = serde_json::from_slice(&body).map_err(|error| {
            // The place, not the text: the text can hold a token.
            let place = format!("line {}, column {}", error.line(), error.column());
            let (what, status) = match error.classify() {
                serde_json::error::Category::Data => {
                    ("a field is missing, unknown or of a wrong type", None)
                }
                _ => ("it is not JSON", Some(StatusCode::BAD_REQUEST)),
            };
            Fault { error: PortalError::invalid("body", format!("{what} ({place})")), status }
        });
        read.map(Self)
    }
}

/// Whether the body says that it is JSON.
pub(crate) fn ensure_json(headers: &HeaderMap) -> Result<(), Fault> {
    if is(headers, "application/json") {
        return Ok(());
    }
    Err(Fault::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "this is sent as application/json"))
}

fn is(headers: &HeaderMap, expected: &str) -> bool {
    let sent = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

/// The body is in memory already and within bounds: see `body::take_in`.
async fn body(request: Request) -> Result<axum::body::Bytes, Fault> {
    to_bytes(request.into_body(), usize::MAX).await.map_err(|_error| Fault::internal())
}
