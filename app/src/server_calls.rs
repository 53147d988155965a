//! How a server function finds the portal of its request, and answers with the right status.

use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

use crate::contract::{PortalError, SharedPortal};

/// The portal of this request, as the door handed it over.
pub(crate) fn portal() -> Result<SharedPortal, PortalError> {
    use_context().ok_or_else(|| PortalError::Internal { request: "no portal".to_owned() })
}

/// Sets the status that an error stands for, and passes the answer on.
pub(crate) fn answer<T>(result: Result<T, PortalError>) -> Result<T, PortalError> {
    if let (Err(error), Some(response)) = (&result, use_context::<ResponseOptions>())
        && let Ok(status) = http::StatusCode::from_u16(error.status())
    {
        response.set_status(status);
    }
    result
}
