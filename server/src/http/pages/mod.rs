//! The pages' doors: each loads what a screen shows, or does what a form asks for.

pub(crate) mod account;
pub(crate) mod billing;
pub(crate) mod channels;
pub(crate) mod devices;
pub(crate) mod health;
pub(crate) mod operator;
pub(crate) mod operator_nodes;
pub(crate) mod operator_pods;
pub(crate) mod outgoing;
pub(crate) mod plans;
pub(crate) mod plugin_forms;
pub(crate) mod plugin_gallery;
pub(crate) mod plugins;
pub(crate) mod pods;
pub(crate) mod tokens;
pub(crate) mod usage;

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, request::Parts},
    response::Response,
};
use myrelay_app::{
    FormState,
    contract::{PortalError, SharedPortal},
};
use tower_sessions::{Session, session};

use super::{
    Door,
    answer::{Fault, see_other},
    visit::Visit,
};
use crate::api::Api;

/// What a handler answers.
pub(crate) type Answer = Result<Response, Fault>;

/// What every handler needs: the portal as the caller may use it, and the visit.
pub(crate) struct Ask {
    pub portal: SharedPortal,
    pub visit: Visit,
}

impl FromRequestParts<Door> for Ask {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Fault> {
        let visit = Visit::from_request_parts(parts, door).await?;
        let api = Api::new(door.context.clone(), visit.caller(), visit.id.clone());
        Ok(Self { portal: Arc::new(api), visit })
    }
}

/// A form to draw again: what was typed but passwords, and what is wrong with it. An error that
/// no change to the form would mend is not for the form.
fn again<const N: usize>(
    error: &PortalError,
    typed: [(&str, String); N],
) -> Result<FormState, Fault> {
    match error {
        PortalError::Invalid { .. }
        | PortalError::Limit { .. }
        | PortalError::Busy { .. }
        | PortalError::Unavailable { .. } => Ok(FormState {
            values: typed.into_iter().map(|(name, text)| (name.to_owned(), text)).collect(),
            error: Some(error.clone()),
        }),
        error => Err(error.clone().into()),
    }
}

/// Starts a session, under a new id: what somebody planted before is worth nothing (ASVS 7.2.4).
async fn start_session(session: &Session, key: &str, id: String) -> Result<(), Fault> {
    session.cycle_id().await.map_err(|error| session_fault(&error))?;
    session.insert(key, id).await.map_err(|error| session_fault(&error))
}

/// Ends the session here and in the browser, with whatever the browser kept of the site.
async fn end_session(session: &Session, next: &str) -> Answer {
    const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
    session.flush().await.map_err(|error| session_fault(&error))?;
    let mut response = see_other(next);
    let what = HeaderValue::from_static(r#""cookies", "storage""#);
    response.headers_mut().insert(CLEAR_SITE_DATA, what);
    Ok(response)
}

fn session_fault(error: &session::Error) -> Fault {
    tracing::error!(cause = %error, "session");
    Fault::internal()
}
