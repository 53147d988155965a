//! Where payment providers report: the token in the path says whose plugin takes it.

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};

use super::{Door, answer::Fault, visit::Visit};
use crate::{
    Error,
    payments::{self, Hook, Taken},
};

/// What a provider is told whose report was not taken.
const AGAIN: &str = "it could not be taken: send it again";

/// `POST /hooks/{hook}/{path}`
pub(crate) async fn receive(
    State(door): State<Door>,
    visit: Visit,
    Path((token, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        // What is no text is in no signature.
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    let hook = Hook {
        path,
        query: query.unwrap_or_default(),
        headers: headers.iter().filter_map(text).collect(),
        body: body.to_vec(),
        ip: visit.ip,
    };
    let taken = payments::receive(&door.context, &token, hook).await;
    let taken = taken.map_err(|error| match error {
        Error::Limit(message) => Fault::too_large(message),
        error => Fault::of_program(error, &visit.id),
    })?;
    Ok(match taken {
        Taken::Accepted { status, body } => {
            (StatusCode::from_u16(status).unwrap_or(StatusCode::OK), body).into_response()
        }
        Taken::Ignored => StatusCode::OK.into_response(),
        Taken::Rejected(why) => (StatusCode::BAD_REQUEST, why).into_response(),
        Taken::Later => (StatusCode::SERVICE_UNAVAILABLE, AGAIN).into_response(),
        Taken::Away { retry_after_s } => {
            let then = [(RETRY_AFTER, HeaderValue::from(retry_after_s))];
            (StatusCode::SERVICE_UNAVAILABLE, then, AGAIN).into_response()
        }
    })
}
