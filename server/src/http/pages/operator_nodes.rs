//! Operators: nodes.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::{
    Content, FormState,
    contract::{AddNode, RetireNode},
};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::{Form, NoFields},
};

/// `GET /operator/nodes`
pub(crate) async fn list(ask: Ask) -> Answer {
    let nodes = ask.portal.list_nodes().await?;
    Ok(Screen(Content::Nodes(nodes)).into_response())
}

/// `GET /operator/nodes/new`
pub(crate) async fn add_page() -> Screen {
    Screen(Content::AddNode(FormState::default()))
}

/// `POST /operator/nodes/new`: the join line is shown here and never again, so nothing redirects.
pub(crate) async fn add(ask: Ask, Form(input): Form<AddNode>) -> Answer {
    let AddNode { name, location, endpoint } = input.clone();
    match ask.portal.add_node(input).await {
        Ok(join) => Ok(Screen(Content::Join(join)).into_response()),
        Err(error) => {
            let typed = [("name", name), ("location", location), ("endpoint", endpoint)];
            let form = again(&error, typed)?;
            Ok(screen_with(&error, Content::AddNode(form)))
        }
    }
}

/// `GET /operator/nodes/{node}`
pub(crate) async fn node(ask: Ask, Path(node): Path<String>) -> Answer {
    let node = ask.portal.get_node(&node).await?;
    Ok(Screen(Content::Node { node, form: FormState::default() }).into_response())
}

/// `POST /operator/nodes/{node}/join`
pub(crate) async fn join(
    ask: Ask,
    Path(node): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    let join = ask.portal.renew_join(&node).await?;
    Ok(Screen(Content::Join(join)).into_response())
}

/// `GET /operator/nodes/{node}/retire`
pub(crate) async fn retire_page(ask: Ask, Path(node): Path<String>) -> Answer {
    let node = ask.portal.get_node(&node).await?;
    Ok(Screen(Content::RetireNode { node, form: FormState::default() }).into_response())
}

/// `POST /operator/nodes/{node}/retire`
pub(crate) async fn retire(
    ask: Ask,
    Path(node): Path<String>,
    Form(input): Form<RetireNode>,
) -> Answer {
    let name = input.name.clone();
    match ask.portal.retire_node(&node, input).await {
        Ok(()) => Ok(see_other("/operator/nodes")),
        Err(error) => {
            let form = again(&error, [("name", name)])?;
            let node = ask.portal.get_node(&node).await?;
            Ok(screen_with(&error, Content::RetireNode { node, form }))
        }
    }
}

/// `GET /operator/nodes/{node}/drain`
pub(crate) async fn drain_page(ask: Ask, Path(node): Path<String>) -> Answer {
    let node = ask.portal.get_node(&node).await?;
    Ok(Screen(Content::DrainNode(node)).into_response())
}

/// `POST /operator/nodes/{node}/drain`
pub(crate) async fn drain(
    ask: Ask,
    Path(node): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.start_draining(&node).await?;
    Ok(see_other(&format!("/operator/nodes/{node}")))
}

/// `POST /operator/nodes/{node}/stop-draining`
pub(crate) async fn stop_draining(
    ask: Ask,
    Path(node): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.stop_draining(&node).await?;
    Ok(see_other(&format!("/operator/nodes/{node}")))
}

/// What the form for a node's resolvers sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upstreams {
    upstreams: String,
}

/// `POST /operator/nodes/{node}/resolver`
pub(crate) async fn resolver(
    ask: Ask,
    Path(node): Path<String>,
    Form(Upstreams { upstreams }): Form<Upstreams>,
) -> Answer {
    match ask.portal.set_resolver(&node, &upstreams).await {
        Ok(()) => Ok(see_other(&format!("/operator/nodes/{node}"))),
        Err(error) => {
            let form = again(&error, [("upstreams", upstreams)])?;
            let node = ask.portal.get_node(&node).await?;
            Ok(screen_with(&error, Content::Node { node, form }))
        }
    }
}
