//! Somebody who receives webhooks.

use anyhow::Result;
use axum::Router;
use http::StatusCode;

use crate::serve::{Fake, Server, bind};

/// Takes every request with 204, unless it was told otherwise.
pub struct Receiver(Server);

impl Fake for Receiver {
    fn server(&self) -> &Server {
        &self.0
    }
}

impl Receiver {
    /// Starts at a port of loopback, at any free one where it is 0.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn start(port: u16) -> Result<Self> {
        let router = Router::new().fallback(|| async { StatusCode::NO_CONTENT });
        Ok(Self(Server::start(bind(port).await?, router)?))
    }
}
