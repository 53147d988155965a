//! The devices of a pod.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::{
    Content, FormState,
    contract::{AddPeer, SetRoutes},
};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::{Form, NoFields},
};

/// What the form for a key of one's own sends; the pod stands in the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDevice {
    name: String,
    public_key: String,
}

/// What the form for a device's routes sends; the device stands in the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRoutes {
    /// A form without a choice sends none.
    #[serde(default)]
    mode: String,
    networks: String,
}

/// `GET /pods/{pod}/devices/new`
pub(crate) async fn add_page(ask: Ask, Path(pod): Path<String>) -> Answer {
    let pod = ask.portal.get_pod(&pod).await?;
    Ok(Screen(Content::AddDevice { pod, form: FormState::default() }).into_response())
}

/// `POST /pods/{pod}/devices/new`
pub(crate) async fn add(
    ask: Ask,
    Path(pod): Path<String>,
    Form(NewDevice { name, public_key }): Form<NewDevice>,
) -> Answer {
    let typed = [("name", name.clone()), ("public_key", public_key.clone())];
    let input = AddPeer { pod: pod.clone(), name, public_key };
    match ask.portal.add_peer(input).await {
        Ok(added) => Ok(see_other(&format!("/devices/{}", added.peer.id))),
        Err(error) => {
            let form = again(&error, typed)?;
            let pod = ask.portal.get_pod(&pod).await?;
            Ok(screen_with(&error, Content::AddDevice { pod, form }))
        }
    }
}

/// `GET /devices/{peer}`
pub(crate) async fn device(ask: Ask, Path(peer): Path<String>) -> Answer {
    let device = ask.portal.get_peer(&peer).await?;
    Ok(Screen(Content::Device { device, connection: None }).into_response())
}

/// `POST /devices/{peer}/check`
pub(crate) async fn check(
    ask: Ask,
    Path(peer): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    let connection = Some(ask.portal.check_connection(&peer).await?);
    let device = ask.portal.get_peer(&peer).await?;
    Ok(Screen(Content::Device { device, connection }).into_response())
}

/// `GET /devices/{peer}/routes`
pub(crate) async fn routes_page(ask: Ask, Path(peer): Path<String>) -> Answer {
    let device = ask.portal.get_peer(&peer).await?;
    Ok(Screen(Content::DeviceRoutes { device, form: FormState::default() }).into_response())
}

/// `POST /devices/{peer}/routes`
pub(crate) async fn set_routes(
    ask: Ask,
    Path(peer): Path<String>,
    Form(NewRoutes { mode, networks }): Form<NewRoutes>,
) -> Answer {
    let typed = [("mode", mode.clone()), ("networks", networks.clone())];
    let input = SetRoutes { peer: peer.clone(), mode, networks };
    match ask.portal.set_routes(input).await {
        Ok(()) => Ok(see_other(&format!("/devices/{peer}"))),
        Err(error) => {
            let form = again(&error, typed)?;
            let device = ask.portal.get_peer(&peer).await?;
            Ok(screen_with(&error, Content::DeviceRoutes { device, form }))
        }
    }
}

/// `GET /devices/{peer}/remove`
pub(crate) async fn remove_page(ask: Ask, Path(peer): Path<String>) -> Answer {
    let device = ask.portal.get_peer(&peer).await?;
    Ok(Screen(Content::RemoveDevice(device)).into_response())
}

/// `POST /devices/{peer}/remove`
pub(crate) async fn remove(
    ask: Ask,
    Path(peer): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    let device = ask.portal.get_peer(&peer).await?;
    ask.portal.remove_peer(&peer).await?;
    Ok(see_other(&format!("/pods/{}", device.peer.pod)))
}
