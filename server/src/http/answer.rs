//! What handlers answer with: a screen, a redirect, or a fault that is drawn where it is shown.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use myrelay_app::{Content, contract::PortalError};

/// A screen to draw. The outermost layer draws it: it knows the nonce and who looks.
#[derive(Clone)]
pub(crate) struct Screen(pub Content);

impl IntoResponse for Screen {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// A screen with the status of what went wrong on it.
pub(crate) fn screen_with(error: &PortalError, content: Content) -> Response {
    let mut response = Screen(content).into_response();
    dress(&mut response, error, None);
    response
}

/// Go to another page, by GET (RFC 9110 section 15.4.4).
pub(crate) fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Why a request is not answered. It becomes a page, JSON for a program, or a line of text,
/// depending on the door.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub error: PortalError,
    /// Where HTTP has a word of its own for it.
    pub status: Option<StatusCode>,
}

impl Fault {
    /// A request that is refused as it is, by a status that HTTP has for it, with a sentence.
    pub(crate) fn of(status: StatusCode, message: impl Into<String>) -> Self {
        Self { error: PortalError::Refused { message: message.into() }, status: Some(status) }
    }

    /// A request that did not arrive as a whole. Who sent it may send it again.
    pub(crate) fn incomplete(status: StatusCode, message: impl Into<String>) -> Self {
        let error = PortalError::Invalid { field: "request".to_owned(), message: message.into() };
        Self { error, status: Some(status) }
    }

    /// More than is taken in at once.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self {
            error: PortalError::Limit { message: message.into() },
            status: Some(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }

    /// A path that leads nowhere.
    pub(crate) fn no_such_page() -> Self {
        PortalError::NotFound { what: "page".to_owned() }.into()
    }

    /// Too many requests.
    pub(crate) fn too_many(retry_after_s: u32) -> Self {
        Self {
            error: PortalError::Busy { retry_after_s },
            status: Some(StatusCode::TOO_MANY_REQUESTS),
        }
    }

    /// What a program is told.
    pub(crate) fn of_program(error: crate::Error, request_id: &str) -> Self {
        match error {
            crate::Error::Taken { field, message } => Self {
                error: PortalError::invalid(field, message),
                status: Some(StatusCode::CONFLICT),
            },
            error => error.into_portal_error(request_id).into(),
        }
    }

    /// What an agent is told. A retired node hears so, that it may take its pods down; a
    /// quarantined one and a run that was replaced, that its operator may see why.
    pub(crate) fn of_node(error: crate::Error, request_id: &str) -> Self {
        match error {
            crate::Error::Retired => Self::of(StatusCode::GONE, error.to_string()),
            crate::Error::Quarantined => Self::of(StatusCode::CONFLICT, error.to_string()),
            crate::Error::Replaced => Self::of(StatusCode::FORBIDDEN, error.to_string()),
            error => error.into_portal_error(request_id).into(),
        }
    }

    /// Something is wrong with the portal itself; the drawing adds the request's id.
    pub(crate) fn internal() -> Self {
        PortalError::Internal { request: String::new() }.into()
    }
}

impl From<PortalError> for Fault {
    fn from(error: PortalError) -> Self {
        Self { error, status: None }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        dress(&mut response, &self.error, self.status);
        response.extensions_mut().insert(self);
        response
    }
}

fn dress(response: &mut Response, error: &PortalError, status: Option<StatusCode>) {
    let of_error = || StatusCode::from_u16(error.status()).ok();
    *response.status_mut() = status.or_else(of_error).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let PortalError::Busy { retry_after_s } = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
    }
}
