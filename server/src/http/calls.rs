//! The server functions of the islands: thin doors on the same contract as the pages.

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use leptos::prelude::provide_context;
use myrelay_app::contract::PortalError;

use super::{answer::Fault, form::ensure_json, pages::Ask};

/// Answers a server function; which one, its path says.
pub(crate) async fn answer(ask: Ask, mut request: Request) -> Result<Response, Fault> {
    ensure_json(request.headers())?;
    // A form without JavaScript would be led back by these; forms have doors of their own.
    request.headers_mut().remove(header::REFERER);
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let portal = ask.portal;
    let answer = leptos_axum::handle_server_fns_with_context(
        move || provide_context(portal.clone()),
        request,
    );
    with_own_status(answer.await.into_response()).await
}

/// An input that does not fit never reaches the function, and Leptos answers it with 500: the
/// error itself knows better.
async fn with_own_status(answer: Response) -> Result<Response, Fault> {
    if answer.status() != StatusCode::INTERNAL_SERVER_ERROR {
        return Ok(answer);
    }
    let body = to_bytes(answer.into_body(), usize::MAX).await;
    let error = body.ok().and_then(|it| serde_json::from_slice::<PortalError>(&it).ok());
    Err(match error {
        // What cannot be read looks to the function like an answer that never came.
        Some(PortalError::Unreachable) => {
            let message = "a field is missing, unknown or of a wrong type";
            PortalError::invalid("request", message).into()
        }
        Some(error) => error.into(),
        None => Fault::internal(),
    })
}
