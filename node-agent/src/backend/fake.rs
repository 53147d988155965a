//! A node in memory, with faults on demand and a count of what was touched.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use ipnet::IpNet;
use myrelay_domain::{
    addresses::{HostAddresses, PodRange},
    interface::InterfaceName,
    keys::PublicKey,
};
use tokio::sync::Notify;

use super::{
    Backend, BackendError, Counters, InterfaceSpec, Notice, Observed, ObservedInterface, Traffic,
    node_addresses, peer_networks,
};

/// What can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    Observe,
    CreateInterface,
    SetInterface,
    DeleteInterface,
    SetPeers,
    RemovePeers,
    EnsureForwarding,
    HandshakeAge,
    Counters,
    SetTraffic,
    SetResolver,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Observe,
        Self::CreateInterface,
        Self::SetInterface,
        Self::DeleteInterface,
        Self::SetPeers,
        Self::RemovePeers,
        Self::EnsureForwarding,
        Self::HandshakeAge,
        Self::Counters,
        Self::SetTraffic,
        Self::SetResolver,
    ];
}

#[derive(Default)]
struct Memory {
    node: Observed,
    ages: BTreeMap<(InterfaceName, PublicKey), Duration>,
    counters: BTreeMap<InterfaceName, Counters>,
    gone: Vec<(InterfaceName, Counters)>,
    interfaces_made: u32,
    resolver: Option<u16>,
    touches: BTreeMap<PublicKey, u64>,
    calls: BTreeMap<Verb, u64>,
    fail_once: BTreeMap<Verb, u32>,
    fail_always: BTreeSet<Verb>,
    fail_on: BTreeSet<InterfaceName>,
    notices: BTreeSet<Notice>,
    /// UDP ports that other programs have.
    taken: BTreeSet<u16>,
}

/// A backend in memory. Clones are the same node.
#[derive(Clone, Default)]
pub struct FakeBackend {
    memory: Arc<Mutex<Memory>>,
    changed: Arc<Notify>,
}

impl FakeBackend {
    /// Makes the next call of this verb fail, once per call of this function.
    pub fn fail_once(&self, verb: Verb) {
        *self.memory().fail_once.entry(verb).or_default() += 1;
    }

    /// Makes every call of this verb fail until [`Self::heal`].
    pub fn fail_always(&self, verb: Verb) {
        self.memory().fail_always.insert(verb);
    }

    /// Makes every act on this interface fail until [`Self::heal`].
    pub fn fail_on(&self, interface: &InterfaceName) {
        self.memory().fail_on.insert(interface.clone());
    }

    /// Lets another program have a UDP port, or give it back.
    pub fn take_port(&self, port: u16, taken: bool) {
        let mut memory = self.memory();
        if taken {
            memory.taken.insert(port);
        } else {
            memory.taken.remove(&port);
        }
    }

    /// Takes something from the host, or gives it back. What was made without it is not repaired.
    pub fn notice(&self, notice: Notice, stands: bool) {
        let mut memory = self.memory();
        if stands {
            memory.notices.insert(notice);
        } else {
            memory.notices.remove(&notice);
        }
        let ipv6 = memory.has_ipv6();
        for interface in memory.node.interfaces.values_mut() {
            interface.ipv6 = ipv6;
            interface.addresses.retain(|it| ipv6 || it.addr().is_ipv4());
        }
    }

    /// Ends all faults.
    pub fn heal(&self) {
        let mut memory = self.memory();
        memory.fail_once.clear();
        memory.fail_always.clear();
        memory.fail_on.clear();
    }

    /// How often this peer was set or removed, or its interface was removed under it.
    pub fn touches(&self, peer: &PublicKey) -> u64 {
        self.memory().touches.get(peer).copied().unwrap_or_default()
    }

    /// How often this verb was called, failed calls included.
    pub fn calls(&self, verb: Verb) -> u64 {
        self.memory().calls.get(&verb).copied().unwrap_or_default()
    }

    /// The node as it is.
    pub fn node(&self) -> Observed {
        self.memory().node.clone()
    }

    /// Puts the node into a state, as a person at its console could.
    pub fn set_node(&self, node: Observed) {
        self.memory().node = node;
    }

    /// Lets the backend notice that something of the host's network changed.
    pub fn change(&self) {
        self.changed.notify_one();
    }

    /// Where pods' questions go, as it was said last.
    pub fn resolver(&self) -> Option<u16> {
        self.memory().resolver
    }

    /// Makes a peer look connected.
    pub fn set_handshake_age(&self, interface: &InterfaceName, peer: &PublicKey, age: Duration) {
        self.memory().ages.insert((interface.clone(), *peer), age);
    }

    /// Lets traffic pass: adds bytes to what an interface received and sent.
    pub fn pass(&self, interface: &InterfaceName, received: u64, sent: u64) {
        if let Some(counters) = self.memory().counters.get_mut(interface) {
            counters.received += received;
            counters.sent += sent;
        }
    }

    /// Nothing is ever left half done under the lock, so a panicked test does not matter.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(
        &self,
        verb: Verb,
        interface: Option<&InterfaceName>,
    ) -> Result<MutexGuard<'_, Memory>, BackendError> {
        let mut memory = self.memory();
        *memory.calls.entry(verb).or_default() += 1;
        let once = memory.fail_once.get_mut(&verb).filter(|left| 0 < **left);
        let fails = once.map(|left| *left -= 1).is_some()
            || memory.fail_always.contains(&verb)
            || interface.is_some_and(|it| memory.fail_on.contains(it));
        if fails {
            return Err(BackendError::failed(format!("{verb:?}"))("a fault on demand"));
        }
        Ok(memory)
    }
}

impl Memory {
    fn interface(&mut self, name: &InterfaceName) -> Result<&mut ObservedInterface, BackendError> {
        let missing = || BackendError::failed(format!("find {name}"))("no such interface");
        self.node.interfaces.get_mut(name).ok_or_else(missing)
    }

    fn ensure_port_free(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let taken = |(name, it): (&InterfaceName, &ObservedInterface)| {
            *name != spec.interface && it.port == spec.port
        };
        if self.taken.contains(&spec.port) || self.node.interfaces.iter().any(taken) {
            return Err(BackendError::PortInUse { port: spec.port });
        }
        Ok(())
    }

    fn has_ipv6(&self) -> bool {
        !self.notices.contains(&Notice::Ipv6) && !self.notices.contains(&Notice::Ipv6Off)
    }

    fn addresses(&self, range: &PodRange) -> BTreeSet<IpNet> {
        let mut addresses = node_addresses(range);
        addresses.retain(|it| self.has_ipv6() || it.addr().is_ipv4());
        addresses
    }

    fn touch(&mut self, peers: impl Iterator<Item = PublicKey>) {
        for peer in peers {
            *self.touches.entry(peer).or_default() += 1;
        }
    }
}

#[async_trait]
impl Backend for FakeBackend {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn observe(&self) -> Result<Observed, BackendError> {
        Ok(self.enter(Verb::Observe, None)?.node.clone())
    }

    async fn create_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let mut memory = self.enter(Verb::CreateInterface, Some(&spec.interface))?;
        if memory.node.foreign.contains(spec.interface.as_str()) {
            return Err(BackendError::failed(format!("create {}", spec.interface))("it exists"));
        }
        memory.ensure_port_free(spec)?;
        let public_key = spec.private_key.public_key().ok();
        let peers = match memory.node.interfaces.get(&spec.interface) {
            Some(it) if it.public_key == public_key => it.peers.clone(),
            _ => BTreeMap::new(),
        };
        let interface = ObservedInterface {
            pod: Some(spec.pod),
            public_key,
            port: spec.port,
            up: true,
            traffic: Some(spec.traffic),
            ipv6: memory.has_ipv6(),
            addresses: memory.addresses(&spec.range),
            peers,
        };
        let before = memory.node.interfaces.insert(spec.interface.clone(), interface);
        if before.is_none_or(|it| it.public_key != public_key) {
            memory.interfaces_made += 1;
            let (pod, index) = (Some(spec.pod), memory.interfaces_made);
            let counters = Counters { pod, index, ..Counters::default() };
            memory.counters.insert(spec.interface.clone(), counters);
        }
        Ok(())
    }

    async fn set_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let mut memory = self.enter(Verb::SetInterface, Some(&spec.interface))?;
        memory.ensure_port_free(spec)?;
        let addresses = memory.addresses(&spec.range);
        let interface = memory.interface(&spec.interface)?;
        interface.port = spec.port;
        interface.up = true;
        interface.addresses = addresses;
        interface.traffic = Some(spec.traffic);
        Ok(())
    }

    async fn set_traffic(
        &self,
        interface: &InterfaceName,
        traffic: &Traffic,
    ) -> Result<(), BackendError> {
        let mut memory = self.enter(Verb::SetTraffic, Some(interface))?;
        memory.interface(interface)?.traffic = Some(*traffic);
        Ok(())
    }

    async fn delete_interface(&self, interface: &InterfaceName) -> Result<(), BackendError> {
        let mut memory = self.enter(Verb::DeleteInterface, Some(interface))?;
        if let Some(counters) = memory.counters.remove(interface) {
            memory.gone.push((interface.clone(), counters));
        }
        if let Some(gone) = memory.node.interfaces.remove(interface) {
            memory.touch(gone.peers.into_keys());
        }
        Ok(())
    }

    async fn set_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError> {
        let mut memory = self.enter(Verb::SetPeers, Some(interface))?;
        let present = &mut memory.interface(interface)?.peers;
        for (key, addresses) in peers {
            let networks = peer_networks(addresses);
            // As in the kernel: an address belongs to the peer that was given it last.
            present.values_mut().for_each(|it| it.retain(|net| !networks.contains(net)));
            present.insert(*key, networks);
        }
        memory.touch(peers.keys().copied());
        Ok(())
    }

    async fn remove_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeSet<PublicKey>,
    ) -> Result<(), BackendError> {
        let mut memory = self.enter(Verb::RemovePeers, Some(interface))?;
        memory.interface(interface)?.peers.retain(|key, _| !peers.contains(key));
        memory.touch(peers.iter().copied());
        Ok(())
    }

    async fn ensure_forwarding(&self) -> Result<Vec<Notice>, BackendError> {
        Ok(self.enter(Verb::EnsureForwarding, None)?.notices.iter().copied().collect())
    }

    async fn set_resolver(&self, port: Option<u16>) -> Result<(), BackendError> {
        self.enter(Verb::SetResolver, None)?.resolver = port;
        Ok(())
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }

    async fn counters(&self) -> Result<BTreeMap<InterfaceName, Counters>, BackendError> {
        let memory = self.enter(Verb::Counters, None)?;
        let there =
            memory.counters.iter().filter(|(it, _)| memory.node.interfaces.contains_key(it));
        Ok(there.map(|(name, counters)| (name.clone(), *counters)).collect())
    }

    fn gone(&self) -> Vec<(InterfaceName, Counters)> {
        std::mem::take(&mut self.memory().gone)
    }

    async fn handshake_age(
        &self,
        interface: &InterfaceName,
        peer: &PublicKey,
    ) -> Result<Option<Duration>, BackendError> {
        let mut memory = self.enter(Verb::HandshakeAge, Some(interface))?;
        if !memory.interface(interface)?.peers.contains_key(peer) {
            return Ok(None);
        }
        Ok(memory.ages.get(&(interface.clone(), *peer)).copied())
    }
}
