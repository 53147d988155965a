//! A backend with what the agent has under its unit: another user than root, CAP_NET_ADMIN alone,
//! and the filter of system calls. The test around it keeps its rights and plays everybody else.
//!
//! Linux keeps all three for each thread, so one process can be both.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    sync::Arc,
    thread,
    time::Duration,
};

use async_trait::async_trait;
use myrelay_agent::{
    backend::{
        self, Backend, BackendError, BackendKind, Counters, InterfaceSpec, Notice, Observed,
        Traffic,
    },
    privileges,
};
use myrelay_domain::{addresses::HostAddresses, interface::InterfaceName, keys::PublicKey};
use rustix::{
    process::{Gid, Uid, geteuid},
    thread::{
        CapabilitySets, capabilities, set_capabilities, set_keep_capabilities, set_thread_groups,
        set_thread_res_gid, set_thread_res_uid,
    },
};
use tokio::runtime::Handle;

/// A user that owns nothing on any machine.
const NOBODY: u32 = 65_534;

/// Makes the calling thread what a thread of the agent is, and those that it starts.
pub(crate) fn narrow() {
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    if geteuid() == user {
        // It was started by one that is.
        return;
    }
    set_keep_capabilities(true).unwrap();
    set_thread_groups(&[]).unwrap();
    set_thread_res_gid(group, group, group).unwrap();
    set_thread_res_uid(user, user, user).unwrap();
    // Who stops being root may use its capabilities only when it takes them up again.
    let held = capabilities(None).unwrap();
    set_capabilities(None, CapabilitySets { effective: held.permitted, ..held }).unwrap();
    let privileges = privileges::narrow().unwrap();
    assert!(privileges.net_admin && privileges.nothing_else && privileges.filtered);
    assert_eq!(privileges.user, NOBODY);
}

/// Does something on a thread that has no more than the agent has.
fn confined<R: Send>(act: impl Future<Output = R> + Send) -> R {
    let runtime = Handle::current();
    tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                narrow();
                runtime.block_on(act)
            });
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    })
}

/// A backend whose every act is confined. What it leaves running is on the runtime's threads,
/// which are made with [`narrow`].
pub(crate) struct Confined(Arc<dyn Backend>);

impl Confined {
    pub(crate) fn open(kind: BackendKind) -> Self {
        Self(confined(backend::open(kind)).unwrap())
    }
}

#[async_trait]
impl Backend for Confined {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn observe(&self) -> Result<Observed, BackendError> {
        confined(self.0.observe())
    }

    async fn create_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        confined(self.0.create_interface(spec))
    }

    async fn set_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        confined(self.0.set_interface(spec))
    }

    async fn set_traffic(
        &self,
        interface: &InterfaceName,
        traffic: &Traffic,
    ) -> Result<(), BackendError> {
        confined(self.0.set_traffic(interface, traffic))
    }

    async fn delete_interface(&self, interface: &InterfaceName) -> Result<(), BackendError> {
        confined(self.0.delete_interface(interface))
    }

    async fn set_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError> {
        confined(self.0.set_peers(interface, peers))
    }

    async fn remove_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeSet<PublicKey>,
    ) -> Result<(), BackendError> {
        confined(self.0.remove_peers(interface, peers))
    }

    async fn ensure_forwarding(&self) -> Result<Vec<Notice>, BackendError> {
        confined(self.0.ensure_forwarding())
    }

    fn going(&self) -> BTreeSet<InterfaceName> {
        self.0.going()
    }

    async fn set_resolver(&self, port: Option<u16>) -> Result<(), BackendError> {
        confined(self.0.set_resolver(port))
    }

    async fn changed(&self) {
        self.0.changed().await;
    }

    async fn counters(&self) -> Result<BTreeMap<InterfaceName, Counters>, BackendError> {
        confined(self.0.counters())
    }

    fn gone(&self) -> Vec<(InterfaceName, Counters)> {
        self.0.gone()
    }

    async fn handshake_age(
        &self,
        interface: &InterfaceName,
        peer: &PublicKey,
    ) -> Result<Option<Duration>, BackendError> {
        confined(self.0.handshake_age(interface, peer))
    }
}
