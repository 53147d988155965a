//! What a customer's pods moved.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::Content;

use super::{Answer, Ask};
use crate::http::answer::Screen;

/// `GET /pods/{pod}/usage`
pub(crate) async fn pod(ask: Ask, Path(pod): Path<String>) -> Answer {
    let usage = ask.portal.get_usage(&pod).await?;
    Ok(Screen(Content::Usage(usage)).into_response())
}
