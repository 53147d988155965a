//! The tokens of a pod.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::{Content, FormState, contract::CreateToken};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::{Form, NoFields},
};

/// What the form for a new token sends; the pod stands in the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    name: String,
    expiry: String,
}

/// `GET /pods/{pod}/tokens`
pub(crate) async fn list(ask: Ask, Path(pod): Path<String>) -> Answer {
    let view = ask.portal.list_tokens(&pod).await?;
    Ok(Screen(Content::Tokens { view, form: FormState::default() }).into_response())
}

/// `POST /pods/{pod}/tokens`
pub(crate) async fn create(
    ask: Ask,
    Path(pod): Path<String>,
    Form(NewToken { name, expiry }): Form<NewToken>,
) -> Answer {
    let typed = [("name", name.clone()), ("expiry", expiry.clone())];
    match ask.portal.create_token(CreateToken { pod: pod.clone(), name, expiry }).await {
        Ok(created) => Ok(Screen(Content::NewToken(created)).into_response()),
        Err(error) => {
            let form = again(&error, typed)?;
            let view = ask.portal.list_tokens(&pod).await?;
            Ok(screen_with(&error, Content::Tokens { view, form }))
        }
    }
}

/// `GET /pods/{pod}/tokens/{pod_token}/revoke`
pub(crate) async fn revoke_page(ask: Ask, Path((pod, token)): Path<(String, String)>) -> Answer {
    let view = ask.portal.get_token(&pod, &token).await?;
    Ok(Screen(Content::RevokeToken(view)).into_response())
}

/// `POST /pods/{pod}/tokens/{pod_token}/revoke`
pub(crate) async fn revoke(
    ask: Ask,
    Path((pod, token)): Path<(String, String)>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.revoke_token(&pod, &token).await?;
    Ok(see_other(&format!("/pods/{pod}/tokens")))
}
