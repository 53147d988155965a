//! Where requests come in: the site for people, the API for programs, and the listener for agents.

mod answer;
mod assets;
mod body;
mod calls;
mod form;
mod guard;
mod headers;
mod hooks;
mod limits;
mod listen;
mod metrics;
mod node_api;
mod onward;
mod origin;
mod pages;
mod present;
mod private_keys;
mod rest;
mod routes;
#[cfg(test)]
mod tests;
mod visit;

use std::{net::IpAddr, sync::Arc};

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

pub use assets::{Site, SiteError};
pub use limits::Limits;
pub use listen::{Connections, Listener};
pub use routes::{metrics_router, node_router, site_router};

use crate::{config::Origin, context::Context};

/// What the doors are made of.
pub struct Parts {
    pub context: Context,
    pub site: Site,
    pub limits: Limits,
    /// The origin that browsers see.
    pub origin: Origin,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Cancelled when the portal is about to end: long answers end with it.
    pub stopping: CancellationToken,
}

/// What every door shares; cheap to clone.
#[derive(Clone)]
pub struct Door(Arc<Parts>);

impl Door {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for Door {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The other end of a connection: the listener puts it beside every request.
#[derive(Clone, Debug)]
pub struct Peer {
    pub ip: IpAddr,
    /// The client certificate that TLS verified, in DER.
    pub certificate: Option<Arc<[u8]>>,
}
