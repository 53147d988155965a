//! The doors for node agents; what is said through them stands in `myrelay-node-protocol`.

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use myrelay_app::contract::PortalError;
use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{
    CheckAnswer, EnrolRequest, Epoch, Generation, ObservedState, RenewRequest, UsageReport,
};
use serde::{Deserialize, Serialize};

use super::{Door, answer::Fault, form::Json, guard::KeyHash, visit::Visit};
use crate::{desired_state, nodes};

/// Where an agent's stream goes on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    epoch: u64,
    have: u64,
    instance: String,
}

/// `POST /enrol`
pub(crate) async fn enrol(
    State(door): State<Door>,
    visit: Visit,
    Json(input): Json<EnrolRequest>,
) -> Result<Response, Fault> {
    let enrolled =
        desired_state::enrol(&door.context, input).await.map_err(|it| fault(it, &visit))?;
    json(&enrolled)
}

/// `POST /v1/renew`
pub(crate) async fn renew(
    State(door): State<Door>,
    visit: Visit,
    Extension(node): Extension<NodeId>,
    Extension(KeyHash(asked_with)): Extension<KeyHash>,
    Json(input): Json<RenewRequest>,
) -> Result<Response, Fault> {
    let renewed = nodes::renew(&door.context, node, &asked_with, input).await;
    let renewed = renewed.map_err(|it| fault(it, &visit))?;
    json(&renewed)
}

/// `POST /v1/observed`
pub(crate) async fn observed(
    State(door): State<Door>,
    visit: Visit,
    Extension(node): Extension<NodeId>,
    Json(state): Json<ObservedState>,
) -> Result<StatusCode, Fault> {
    let observed = desired_state::observe(&door.context, node, state).await;
    observed.map_err(|it| fault(it, &visit))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/usage`
pub(crate) async fn usage(
    State(door): State<Door>,
    visit: Visit,
    Extension(node): Extension<NodeId>,
    Json(report): Json<UsageReport>,
) -> Result<StatusCode, Fault> {
    let taken = desired_state::take_usage(&door.context, node, &report).await;
    taken.map_err(|it| fault(it, &visit))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/answers`
pub(crate) async fn answers(
    State(door): State<Door>,
    Extension(node): Extension<NodeId>,
    Json(answer): Json<CheckAnswer>,
) -> StatusCode {
    desired_state::answer(&door.context, node, &answer);
    StatusCode::NO_CONTENT
}

/// `GET /v1/state?epoch=E&have=G&instance=I`: one message per line, until the portal or the node ends.
pub(crate) async fn state(
    State(door): State<Door>,
    visit: Visit,
    Extension(node): Extension<NodeId>,
    from: Result<Query<From>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Fault> {
    let Ok(Query(From { epoch, have, instance })) = from else {
        return Err(PortalError::invalid("epoch", "ask with ?epoch=E&have=G&instance=I").into());
    };
    let context = door.context.clone();
    let (epoch, have) = (Epoch(epoch), Generation(have));
    let stream = desired_state::stream(context, node, &instance, epoch, have).await;
    let stream = stream.map_err(|it| fault(it, &visit))?;
    let lines = stream.map(|message| {
        let mut line = serde_json::to_vec(&message)?;
        line.push(b'\n');
        Ok::<_, serde_json::Error>(Bytes::from(line))
    });
    let lines = lines.take_until(door.stopping.clone().cancelled_owned());
    let mut response = Body::from_stream(lines).into_response();
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(CONTENT_TYPE, ndjson);
    Ok(response)
}

fn fault(error: crate::Error, visit: &Visit) -> Fault {
    Fault::of_node(error, &visit.id)
}

fn json(value: &impl Serialize) -> Result<Response, Fault> {
    let body = serde_json::to_vec(value).map_err(|_error| Fault::internal())?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
