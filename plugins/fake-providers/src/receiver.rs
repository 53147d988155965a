//! Somebody who receives webhooks.

use anyhow::Result;
use axum::Router;
use http::StatusCode;

use crate::{
    faults::{Asked, Fault},
    serve::{Server, bind},
};

/// Takes every request with 204, unless it was told otherwise.
pub struct Receiver(Server);

impl Receiver {
    /// Starts at a port of loopback, at any free one where it is 0.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16) -> Result<Self> {
        let router = Router::new().fallback(|| async { StatusCode::NO_CONTENT });
        Ok(Self(Server::start(bind(port).await?, router)?))
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// What goes wrong with the next request, after what was said before.
    pub fn fail(&self, fault: Fault) {
        self.0.record.fail(fault);
    }

    /// What it received.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.0.record.asked()
    }
}
