//! What the kernel and the userspace backend share: links, walls and forwarding.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::IpNet;
use myrelay_domain::addresses::{AddressPlan, PodRange};

use super::{
    BackendError,
    links::{Link, Links},
    sysctl,
};
use crate::firewall::{Firewall, Layout, Uplinks};

/// The node's network as far as it is not WireGuard.
pub(super) struct Host {
    pub(super) links: Links,
    firewall: Arc<Mutex<Firewall>>,
}

impl Host {
    /// Opens the sockets in the network namespace of the calling thread.
    pub(super) fn connect() -> Result<Self, BackendError> {
        Ok(Self { links: Links::connect()?, firewall: Arc::default() })
    }

    /// Puts the walls around a new interface; before it is up, so nothing ever passes without.
    pub(super) async fn admit(&self, index: u32, range: PodRange) -> Result<(), BackendError> {
        self.change(|layout| layout.insert(index, range)).await
    }

    /// Takes the walls of an interface down that is gone: its index may be given to another.
    pub(super) async fn dismiss(&self, index: u32) -> Result<(), BackendError> {
        self.change(|layout| {
            layout.pods.remove(&index);
        })
        .await
    }

    /// See [`super::Backend::ensure_forwarding`].
    pub(super) async fn ensure_forwarding(&self) -> Result<(), BackendError> {
        let layout = self.read_layout().await?;
        let (uplinks, none) = (layout.uplinks, layout.pods.is_empty());
        self.set_walls(layout).await?;
        if none {
            return Ok(());
        }
        let mut names = Vec::new();
        for index in [uplinks.v4, uplinks.v6].into_iter().flatten() {
            names.extend(self.links.name(index).await);
        }
        sysctl::ensure_forwarding(&names)?;
        if uplinks == Uplinks::default() { Err(BackendError::NoUplink) } else { Ok(()) }
    }

    async fn change(&self, change: impl FnOnce(&mut Layout)) -> Result<(), BackendError> {
        let known = self.firewall.lock().unwrap_or_else(PoisonError::into_inner).layout().cloned();
        let mut layout = match known {
            Some(layout) => layout,
            None => self.read_layout().await?,
        };
        change(&mut layout);
        self.set_walls(layout).await
    }

    async fn read_layout(&self) -> Result<Layout, BackendError> {
        let uplinks = self.links.uplinks().await;
        let mut layout = Layout { uplinks, ..Layout::default() };
        for link in self.links.candidates().await?.iter().filter(|it| it.is_ours()) {
            if let Some(range) = range(link) {
                layout.insert(link.index, range);
            }
        }
        Ok(layout)
    }

    async fn set_walls(&self, layout: Layout) -> Result<(), BackendError> {
        let firewall = Arc::clone(&self.firewall);
        // A commit waits for the kernel's readers, too long for an async thread.
        let set = tokio::task::spawn_blocking(move || {
            firewall.lock().unwrap_or_else(PoisonError::into_inner).ensure(layout)
        });
        let set = set.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        set.map_err(BackendError::failed("set the firewall (nf_tables)"))
    }
}

/// The pod's range, read from the node's own addresses on its interface.
fn range(link: &Link) -> Option<PodRange> {
    let v4 = link.addresses.iter().find_map(|it| match it {
        IpNet::V4(net) if net.prefix_len() == AddressPlan::POD_V4_LEN => Some(net.trunc()),
        _ => None,
    })?;
    let v6 = link.addresses.iter().find_map(|it| match it {
        IpNet::V6(net) if net.prefix_len() == 64 => Some(net.trunc()),
        _ => None,
    })?;
    Some(PodRange { v4, v6 })
}
