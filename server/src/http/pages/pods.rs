//! A customer's pods.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::{
    Content, FormState,
    contract::{CreatePod, PortalError},
};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::{Form, NoFields},
};

/// `GET /home`
pub(crate) async fn home(ask: Ask) -> Answer {
    let view = ask.portal.home().await?;
    Ok(Screen(Content::Home { view, form: FormState::default() }).into_response())
}

/// `POST /pods`
pub(crate) async fn create(ask: Ask, Form(input): Form<CreatePod>) -> Answer {
    let location = input.location.clone();
    match ask.portal.create_pod(input).await {
        Ok(pod) => Ok(see_other(&format!("/pods/{pod}"))),
        Err(error) => {
            let form = again(&error, [("location", location)])?;
            let view = ask.portal.home().await?;
            Ok(screen_with(&error, Content::Home { view, form }))
        }
    }
}

/// `GET /pods/{pod}`
pub(crate) async fn pod(ask: Ask, Path(pod): Path<String>) -> Answer {
    let view = ask.portal.get_pod(&pod).await?;
    Ok(Screen(Content::Pod(view)).into_response())
}

/// `GET /pods/{pod}/delete`
pub(crate) async fn delete_page(ask: Ask, Path(pod): Path<String>) -> Answer {
    let view = ask.portal.get_pod(&pod).await?;
    Ok(Screen(Content::DeletePod(view)).into_response())
}

/// `POST /pods/{pod}/delete`
pub(crate) async fn delete(
    ask: Ask,
    Path(pod): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.delete_pod(&pod).await?;
    Ok(see_other("/home"))
}

/// What the form that lets devices reach each other sends: `on` or `off`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DevicesMeet {
    meet: String,
}

/// `POST /pods/{pod}/devices-meet`
pub(crate) async fn devices_meet(
    ask: Ask,
    Path(pod): Path<String>,
    Form(DevicesMeet { meet }): Form<DevicesMeet>,
) -> Answer {
    let meet = match meet.as_str() {
        "on" => true,
        "off" => false,
        _ => return Err(PortalError::invalid("meet", "`on` or `off`").into()),
    };
    ask.portal.set_devices_meet(&pod, meet).await?;
    Ok(see_other(&format!("/pods/{pod}")))
}

/// `POST /pods/{pod}/pause`
pub(crate) async fn pause(
    ask: Ask,
    Path(pod): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.set_paused(&pod, true).await?;
    Ok(see_other(&format!("/pods/{pod}")))
}

/// `POST /pods/{pod}/resume`
pub(crate) async fn resume(
    ask: Ask,
    Path(pod): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.set_paused(&pod, false).await?;
    Ok(see_other(&format!("/pods/{pod}")))
}
