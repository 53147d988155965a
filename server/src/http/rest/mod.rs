//! The API for programs: thin doors on the operations, in the name of a token.

mod views;

use std::time::Duration;

use axum::{
    extract::{FromRequestParts, Path},
    http::{
        HeaderValue, StatusCode, Uri,
        header::{CONTENT_TYPE, LOCATION},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use myrelay_app::contract::{AddPeer, AddedPeer, PortalError, SetRoutes};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use self::views::Problem;
use self::views::{Config, Peer, Peers, Pod, Pods};
use super::{Door, answer::Fault, form::Json, visit::Visit};
use crate::{
    context::{Caller, Context},
    peers,
};

/// The longest that a program lets adding a device wait for the node, in seconds.
const MAX_WAIT_S: u64 = 10;

type Answer = Result<Response, Fault>;

/// A program that asks, by its token.
pub(crate) struct Program {
    context: Context,
    caller: Caller,
    visit: Visit,
}

impl FromRequestParts<Door> for Program {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Fault> {
        let visit = Visit::from_request_parts(parts, door).await?;
        Ok(Self { context: door.context.clone(), caller: visit.caller(), visit })
    }
}

impl Program {
    fn answer<T>(&self, result: crate::Result<T>) -> Result<T, Fault> {
        result.map_err(|error| Fault::of_program(error, &self.visit.id))
    }

    /// A device of the pod in the path; one of another pod is not there.
    async fn peer(&self, pod: &str, peer: &str) -> Result<AddedPeer, Fault> {
        let found = self.answer(peers::get_peer(&self.context, self.caller, peer).await)?;
        if found.peer.pod.to_string() != pod {
            return self.answer(Err(crate::Error::NotFound("device")));
        }
        Ok(found)
    }
}

/// What adding a device sends: a name and a public key. There is no field for a private one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPeer {
    #[serde(default)]
    name: String,
    #[serde(default)]
    public_key: String,
}

/// What a device is to send through its tunnel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRoutes {
    #[serde(default)]
    mode: String,
    #[serde(default)]
    networks: Vec<String>,
}

/// No parameter at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    after: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Patience {
    wait: Option<String>,
}

/// `GET /api/v1/pods`
pub(crate) async fn pods(program: Program, uri: Uri) -> Answer {
    let Nothing {} = query(&uri)?;
    let pods = peers::list_pods(&program.context, program.caller).await;
    json(StatusCode::OK, &Pods::of(program.answer(pods)?))
}

/// `GET /api/v1/pods/{pod}`
pub(crate) async fn pod(program: Program, Path(pod): Path<String>, uri: Uri) -> Answer {
    let Nothing {} = query(&uri)?;
    let pod = peers::pod_info(&program.context, program.caller, &pod).await;
    json(StatusCode::OK, &Pod::of(program.answer(pod)?))
}

/// `GET /api/v1/pods/{pod}/peers?after=…`
pub(crate) async fn peers(program: Program, Path(pod): Path<String>, uri: Uri) -> Answer {
    let From { after } = query(&uri)?;
    let page = peers::list_peers(&program.context, program.caller, &pod, after.as_deref()).await;
    json(StatusCode::OK, &Peers::of(program.answer(page)?))
}

/// `POST /api/v1/pods/{pod}/peers?wait=5s`
pub(crate) async fn add_peer(
    program: Program,
    Path(pod): Path<String>,
    uri: Uri,
    Json(NewPeer { name, public_key }): Json<NewPeer>,
) -> Answer {
    let Patience { wait } = query(&uri)?;
    let patience = wait.as_deref().map(seconds).transpose()?;
    let (context, caller) = (&program.context, program.caller);
    let input = AddPeer { pod, name, public_key };
    let added = program.answer(peers::add_peer(context, caller, input).await)?;
    if let Some(patience) = patience
        && let Err(error) = peers::wait_added(context, &added, patience).await
    {
        // It is added; whether the node has it can be asked again.
        tracing::warn!(request = %program.visit.id, %error, "cannot wait for a node");
    }
    let peer = peers::get_peer(context, caller, &added.peer.to_string()).await;
    let peer = program.answer(peer)?.peer;
    let path = format!("/api/v1/pods/{}/peers/{}", peer.pod, peer.id);
    let mut response = json(StatusCode::CREATED, &Peer::of(peer))?;
    if let Ok(location) = HeaderValue::from_str(&path) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `GET /api/v1/pods/{pod}/peers/{peer}`
pub(crate) async fn peer(
    program: Program,
    Path((pod, peer)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let Nothing {} = query(&uri)?;
    json(StatusCode::OK, &Peer::of(program.peer(&pod, &peer).await?.peer))
}

/// `GET /api/v1/pods/{pod}/peers/{peer}/config`
pub(crate) async fn config(
    program: Program,
    Path((pod, peer)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let Nothing {} = query(&uri)?;
    program.peer(&pod, &peer).await?;
    let config = peers::client_config(&program.context, program.caller, &peer).await;
    let config = Config::of(&program.answer(config)?);
    json(StatusCode::OK, &config.map_err(|error| unavailable(&error))?)
}

/// `PUT /api/v1/pods/{pod}/peers/{peer}/routes`
pub(crate) async fn set_routes(
    program: Program,
    Path((pod, peer)): Path<(String, String)>,
    uri: Uri,
    Json(NewRoutes { mode, networks }): Json<NewRoutes>,
) -> Answer {
    let Nothing {} = query(&uri)?;
    program.peer(&pod, &peer).await?;
    let input = SetRoutes { peer: peer.clone(), mode, networks: networks.join("\n") };
    program.answer(peers::set_routes(&program.context, program.caller, input).await)?;
    json(StatusCode::OK, &Peer::of(program.peer(&pod, &peer).await?.peer))
}

/// `DELETE /api/v1/pods/{pod}/peers/{peer}`
pub(crate) async fn remove_peer(
    program: Program,
    Path((pod, peer)): Path<(String, String)>,
    uri: Uri,
) -> Answer {
    let Nothing {} = query(&uri)?;
    program.peer(&pod, &peer).await?;
    program.answer(peers::remove_peer(&program.context, program.caller, &peer).await)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Fault> {
    let read = serde_urlencoded::from_str(uri.query().unwrap_or_default());
    read.map_err(|_error| {
        PortalError::invalid("query", "a parameter is unknown here, or stands twice").into()
    })
}

/// A number of seconds, such as `5s`.
fn seconds(text: &str) -> Result<Duration, Fault> {
    let number = text.strip_suffix('s').and_then(|it| it.parse().ok());
    number.filter(|it| (1..=MAX_WAIT_S).contains(it)).map(Duration::from_secs).ok_or_else(|| {
        PortalError::invalid("wait", format!("whole seconds from `1s` to `{MAX_WAIT_S}s`")).into()
    })
}

fn unavailable(error: &impl ToString) -> Fault {
    PortalError::Unavailable { message: error.to_string() }.into()
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(value).map_err(|_error| Fault::internal())?;
    Ok((status, [(CONTENT_TYPE, "application/json")], body).into_response())
}
