//! Draws what handlers answered: a page for people, JSON for programs, a line for the rest.

use std::panic::AssertUnwindSafe;

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
        response::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use myrelay_app::{
    Content, Frame, Viewer,
    contract::{AccountContract, OperatorContract, PortalError},
};
use myrelay_node_protocol::{NODE_QUARANTINED, NODE_RETIRED, Refusal};

use super::{
    Door,
    answer::{Fault, Screen},
    rest::Problem,
    visit::Visit,
};
use crate::{api::Api, context::Caller};

/// To whom a door speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Pages, for people.
    Page,
    /// JSON of the contract's error, for the islands.
    Call,
    /// JSON with a code, a sentence and the field, for programs with a token.
    Program,
    /// A line of text, for browsers that fetch files and for monitors.
    Line,
    /// JSON of the node protocol's refusal, for agents.
    Node,
}

impl Voice {
    /// How the site answers on a path.
    fn of_site(path: &str) -> Self {
        match path.split('/').nth(1) {
            Some("call") => Self::Call,
            Some("api") => Self::Program,
            Some("assets" | "healthz" | "readyz") => Self::Line,
            _ => Self::Page,
        }
    }
}

/// Draws the site's answers.
pub(crate) async fn site(
    State(door): State<Door>,
    visit: Visit,
    request: Request,
    next: Next,
) -> Response {
    let voice = Voice::of_site(&visit.path);
    let response = next.run(request).await;
    present(&door, &visit, voice, response).await
}

/// Draws the node listener's answers.
pub(crate) async fn node(
    State(door): State<Door>,
    visit: Visit,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    present(&door, &visit, Voice::Node, response).await
}

/// One request's panic is one request's error.
pub(crate) async fn catch_panic(visit: Visit, request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_panic| {
        tracing::error!(request = visit.id, "a request panicked");
        Fault::internal().into_response()
    })
}

async fn present(door: &Door, visit: &Visit, voice: Voice, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(Screen(content)) = parts.extensions.remove::<Screen>() {
        return draw(door, visit, parts, content).await;
    }
    let fault = parts.extensions.remove::<Fault>().or_else(|| {
        let failed = parts.status.is_client_error() || parts.status.is_server_error();
        // A page's error is never the bare words of a library.
        let ours = matches!(voice, Voice::Page | Voice::Program);
        let bare = ours || body.size_hint().exact() == Some(0);
        (failed && bare).then(|| of_status(parts.status))
    });
    let Some(Fault { mut error, .. }) = fault else { return Response::from_parts(parts, body) };
    if let PortalError::Internal { request } = &mut error {
        request.clone_from(&visit.id);
    }
    parts.headers.remove(CONTENT_LENGTH);
    match voice {
        Voice::Page => draw(door, visit, parts, Content::Error(error)).await,
        Voice::Call => json(parts, &error),
        Voice::Program => {
            let problem = Problem::of(&error, parts.status);
            json(parts, &problem)
        }
        Voice::Node => {
            let refusal = refusal(&error, parts.status);
            json(parts, &refusal)
        }
        Voice::Line => {
            let plain = HeaderValue::from_static("text/plain; charset=utf-8");
            parts.headers.insert(CONTENT_TYPE, plain);
            Response::from_parts(parts, Body::from(format!("{error}\n")))
        }
    }
}

async fn draw(door: &Door, visit: &Visit, mut parts: Parts, content: Content) -> Response {
    let frame = Frame {
        viewer: viewer(door, visit).await,
        now: door.context.now(),
        path: visit.path.clone(),
    };
    let page = myrelay_app::render(content, frame, door.site.assets().clone(), visit.nonce.clone());
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    Response::from_parts(parts, Body::from(page))
}

/// Who is named at the top of the page. A page about an error is drawn even where this fails.
async fn viewer(door: &Door, visit: &Visit) -> Viewer {
    let caller = visit.caller();
    let api = Api::new(door.context.clone(), caller, visit.id.clone());
    let known = match caller {
        Caller::Account(_) => api.account().await.map(|it| Viewer::Account { email: it.email }),
        Caller::Operator(_) => api.operator().await.map(|it| Viewer::Operator { email: it.email }),
        Caller::Visitor | Caller::Node(_) | Caller::PodToken { .. } => Ok(Viewer::Visitor),
    };
    known.unwrap_or_default()
}

fn json(mut parts: Parts, value: &impl serde::Serialize) -> Response {
    // What is written here is our own and always serialises.
    let body = serde_json::to_vec(value).unwrap_or_default();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(body))
}

/// What an error of the contract is called in the node protocol.
fn refusal(error: &PortalError, status: StatusCode) -> Refusal {
    let (code, field) = match error {
        _ if status == StatusCode::GONE => (NODE_RETIRED, None),
        _ if status == StatusCode::CONFLICT => (NODE_QUARANTINED, None),
        _ if status == StatusCode::FORBIDDEN => ("refused", None),
        PortalError::SignedOut => ("no_certificate", None),
        PortalError::NotAllowed | PortalError::Refused { .. } => ("refused", None),
        PortalError::NotFound { .. } => ("not_found", None),
        PortalError::Invalid { field, .. } => ("invalid", Some(field.clone())),
        PortalError::Limit { .. } => ("limit", None),
        PortalError::Busy { .. } => ("busy", None),
        PortalError::Unavailable { .. } | PortalError::Unreachable => ("unavailable", None),
        PortalError::Internal { .. } => ("internal", None),
    };
    Refusal { code: code.to_owned(), message: error.to_string(), field }
}

/// Words for an answer that has none.
fn of_status(status: StatusCode) -> Fault {
    match status {
        StatusCode::NOT_FOUND => Fault::no_such_page(),
        StatusCode::METHOD_NOT_ALLOWED => Fault::of(status, "this page cannot be used that way"),
        status if status.is_server_error() => Fault::internal(),
        status => Fault::of(status, "the portal does not understand this request"),
    }
}
