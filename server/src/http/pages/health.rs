//! For monitors: whether the process is up, and whether it can work.

use std::time::Duration;

use axum::extract::State;
use myrelay_app::contract::PortalError;
use tokio::time::timeout;

use crate::http::{Door, answer::Fault};

/// How long the database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /healthz`
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`
pub(crate) async fn ready(State(door): State<Door>) -> Result<&'static str, Fault> {
    match timeout(PATIENCE, door.context.database.ensure_ready()).await {
        Ok(Ok(())) => Ok("ok\n"),
        _ => {
            let message = "the database does not answer".to_owned();
            Err(PortalError::Unavailable { message }.into())
        }
    }
}
