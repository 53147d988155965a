//! Operators: customers' pods.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::{Content, FormState, contract::MovePod};

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::{Form, NoFields},
};

/// `GET /operator/pods/{pod}/move`
pub(crate) async fn move_page(ask: Ask, Path(pod): Path<String>) -> Answer {
    let view = ask.portal.move_view(&pod).await?;
    Ok(Screen(Content::MovePod { view, form: FormState::default() }).into_response())
}

/// `POST /operator/pods/{pod}/move`
pub(crate) async fn move_pod(
    ask: Ask,
    Path(pod): Path<String>,
    Form(input): Form<MovePod>,
) -> Answer {
    let MovePod { node, overlap } = input.clone();
    match ask.portal.move_pod(&pod, input).await {
        Ok(()) => Ok(see_other("/operator/pods")),
        Err(error) => {
            let form = again(&error, [("node", node), ("overlap", overlap)])?;
            let view = ask.portal.move_view(&pod).await?;
            Ok(screen_with(&error, Content::MovePod { view, form }))
        }
    }
}

/// `GET /operator/pods/{pod}/delete`
pub(crate) async fn delete_page(ask: Ask, Path(pod): Path<String>) -> Answer {
    let pod = ask.portal.get_any_pod(&pod).await?;
    Ok(Screen(Content::DeleteAnyPod(pod)).into_response())
}

/// `POST /operator/pods/{pod}/delete`
pub(crate) async fn delete(
    ask: Ask,
    Path(pod): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.delete_any_pod(&pod).await?;
    Ok(see_other("/operator/pods"))
}
