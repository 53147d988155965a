//! Interfaces on their way out: the kernel takes long to delete one, and nobody else waits for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, PoisonError},
};

use ipnet::IpNet;
use myrelay_domain::interface::InterfaceName;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use tokio::{sync::watch, task::JoinSet};

use super::{InterfaceSpec, host::Host, links::Link};
use crate::netlink::Netlink;

/// `RTM_DELLINK` of linux/rtnetlink.h.
const DELETE_LINK: u16 = 17;

/// What an interface keeps from others until it is gone.
struct Held {
    port: Option<u16>,
    addresses: BTreeSet<IpNet>,
}

type Names = BTreeMap<InterfaceName, Held>;

/// All of them, deleted one after the other, on a socket of their own.
pub(super) struct Going {
    host: Arc<Host>,
    names: Arc<watch::Sender<Names>>,
    /// The kernel deletes one at a time anyway.
    turn: Arc<tokio::sync::Mutex<()>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Going {
    pub(super) fn new(host: Arc<Host>) -> Self {
        Self { host, names: Arc::default(), turn: Arc::default(), tasks: Mutex::default() }
    }

    pub(super) fn names(&self) -> BTreeSet<InterfaceName> {
        self.names.borrow().keys().cloned().collect()
    }

    /// Waits until nothing is left of an interface that has this one's name, port or addresses.
    pub(super) async fn wait(&self, spec: &InterfaceSpec) {
        let clashes = |(name, it): (&InterfaceName, &Held)| {
            *name == spec.interface
                || it.port == Some(spec.port)
                || !it.addresses.is_disjoint(&spec.addresses())
        };
        // The sender lives as long as this does.
        drop(self.names.subscribe().wait_for(|names| !names.iter().any(clashes)).await);
    }

    /// Deletes an interface some time soon. When that fails it is observed again, and deleted
    /// again.
    pub(super) fn add(&self, name: InterfaceName, link: Link, port: Option<u16>) {
        let held = Held { port, addresses: link.addresses.clone() };
        self.names.send_modify(|names| drop(names.insert(name.clone(), held)));
        self.host.watch.expect_gone(link.index);
        let (host, names, turn) =
            (Arc::clone(&self.host), Arc::clone(&self.names), Arc::clone(&self.turn));
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are done.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let turn = turn.lock().await;
            let index = link.index;
            let deleted = tokio::task::spawn_blocking(move || delete(index)).await;
            let deleted = deleted.unwrap_or_else(|error| Err(io::Error::other(error)));
            drop(turn);
            if let Err(error) = deleted {
                tracing::error!(%name, %error, "cannot delete an interface");
            } else if let Err(error) = host.dismiss(&link).await {
                tracing::error!(%name, %error, "cannot take down what stood around an interface");
            }
            names.send_modify(|names| drop(names.remove(&name)));
            host.watch.tell();
        });
    }
}

fn delete(index: u32) -> io::Result<()> {
    // `struct ifinfomsg`: the index is its third field.
    let mut body = vec![0; 4];
    body.extend(index.to_ne_bytes());
    body.resize(16, 0);
    match Netlink::open(NETLINK_ROUTE)?.ask(DELETE_LINK, 0, &body) {
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(()),
        other => other,
    }
}
