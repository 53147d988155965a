//! The server functions of the islands: thin doors on the same contract as the pages.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use leptos::prelude::provide_context;

use super::{Door, answer::Fault, form::ensure_json, pages::Ask};

/// Answers a server function; which one, its path says.
pub(crate) async fn answer(
    State(_door): State<Door>,
    ask: Ask,
    mut request: Request,
) -> Result<Response, Fault> {
    ensure_json(request.headers())?;
    // A form without JavaScript would be led back by these; forms have doors of their own.
    request.headers_mut().remove(header::REFERER);
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let portal = ask.portal;
    let answer = leptos_axum::handle_server_fns_with_context(
        move || provide_context(portal.clone()),
        request,
    );
    Ok(answer.await.into_response())
}
