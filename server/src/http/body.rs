//! Takes a request's body in, whole, within bounds, and looks it over before anybody acts on it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use myrelay_app::contract::PortalError;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use zeroize::Zeroize;

use super::{answer::Fault, private_keys, routes::UPLOAD};

/// The most a body may have, in bytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;
/// The most that what a node says in one breath may have, in bytes: all but its reports.
pub(crate) const NODE_BODY: usize = 64 * 1024;
/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(15);
/// The most that a plugin's package has with its signature around it, in bytes, and how long it may
/// take to arrive.
pub(crate) const PACKAGE_BODY: usize = myrelay_plugin_package::PACKAGE_BYTES + 64 * 1024;
const PACKAGE_ARRIVAL: Duration = Duration::from_secs(5 * 60);
/// How long an answer may take to start.
const ANSWER: Duration = Duration::from_secs(30);
/// What all bodies of one listener that are being read may have together, in KiB.
const BUDGET_KIB: usize = 64 * 1024;
/// What a body has without counting, in bytes: the forms of people stay below.
const FREE: usize = 16 * 1024;

/// What a door takes in.
#[derive(Clone)]
pub(crate) struct Intake {
    /// In bytes.
    max: usize,
    budget: Arc<Semaphore>,
    refuse_private_keys: bool,
    arrival: Duration,
    /// What is posted there is taken in behind the guard, and not before.
    later: Option<&'static str>,
}

impl Intake {
    /// The site's: a body that carries a private key is refused.
    pub(crate) fn of_site() -> Self {
        Self {
            max: MAX_BODY,
            budget: Arc::new(Semaphore::new(BUDGET_KIB)),
            refuse_private_keys: true,
            arrival: ARRIVAL,
            later: Some(UPLOAD),
        }
    }

    /// That of packages: one large one at a time.
    pub(crate) fn of_packages() -> Self {
        Self {
            max: PACKAGE_BODY,
            budget: Arc::new(Semaphore::new(PACKAGE_BODY / 1024)),
            refuse_private_keys: false,
            arrival: PACKAGE_ARRIVAL,
            later: None,
        }
    }

    /// The node listener's.
    pub(crate) fn of_nodes() -> Self {
        Self {
            max: MAX_BODY,
            budget: Arc::new(Semaphore::new(BUDGET_KIB)),
            refuse_private_keys: false,
            arrival: ARRIVAL,
            later: None,
        }
    }

    /// The same budget, with another limit for one body, in bytes.
    pub(crate) fn at_most(&self, max: usize) -> Self {
        Self { max, ..self.clone() }
    }
}

/// Reads the body, checks it, and hands it on in one piece.
pub(crate) async fn take_in(
    State(intake): State<Intake>,
    request: Request,
    next: Next,
) -> Response {
    if intake.refuse_private_keys && request.uri().query().is_some_and(private_keys::in_query) {
        return private_key().into_response();
    }
    if request.method() == Method::POST && intake.later == Some(request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let read = timeout(intake.arrival, read(body, &intake)).await.unwrap_or_else(|_elapsed| {
        Err(Fault::incomplete(StatusCode::REQUEST_TIMEOUT, "the request took too long to arrive"))
    });
    let (mut bytes, _held) = match read {
        Ok(read) => read,
        Err(fault) => return fault.into_response(),
    };
    if intake.refuse_private_keys && private_keys::in_body(&bytes) {
        bytes.zeroize();
        return private_key().into_response();
    }
    let request = Request::from_parts(parts, Body::from(bytes));
    timeout(ANSWER, next.run(request)).await.unwrap_or_else(|_elapsed| {
        let message = "the answer took too long; look whether it happened, then try again";
        Fault::from(PortalError::Unavailable { message: message.to_owned() }).into_response()
    })
}

async fn read(
    mut body: Body,
    intake: &Intake,
) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Fault> {
    if usize::try_from(body.size_hint().lower()).map_or(true, |announced| intake.max < announced) {
        return Err(too_large(intake.max));
    }
    let mut bytes = Vec::new();
    let mut held: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_error| {
            Fault::incomplete(StatusCode::BAD_REQUEST, "the request broke off or is not HTTP")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if intake.max < bytes.len().saturating_add(data.len()) {
            return Err(too_large(intake.max));
        }
        let wanted = bytes.len().saturating_add(data.len()).saturating_sub(FREE).div_ceil(1024);
        let more =
            wanted.saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            let more = intake.budget.clone().try_acquire_many_owned(more);
            let more = more.map_err(|_full| Fault::from(PortalError::Busy { retry_after_s: 5 }))?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
        }
        bytes.extend_from_slice(&data);
    }
    Ok((bytes, held))
}

fn private_key() -> Fault {
    PortalError::invalid("private_key", private_keys::EXPLANATION).into()
}

fn too_large(max: usize) -> Fault {
    Fault::too_large(format!("a request has at most {} KiB here", max / 1024))
}
