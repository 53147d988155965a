//! Pods on the kernel's WireGuard.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use myrelay_domain::{addresses::HostAddresses, interface::InterfaceName, keys::PublicKey};

use super::{
    Backend, BackendError, Counters, InterfaceSpec, Notice, Observed, ObservedInterface, Traffic,
    going::Going, host::Host, links::Link, wireguard::Wireguard,
};

/// The kernel of this network namespace.
pub struct KernelBackend {
    host: Arc<Host>,
    wireguard: Wireguard,
    going: Going,
}

impl KernelBackend {
    /// Opens the sockets; `Unsupported` when the kernel has no WireGuard.
    pub async fn open() -> Result<Self, BackendError> {
        let wireguard = Wireguard::connect().await?;
        let host = Arc::new(Host::connect()?);
        Ok(Self { going: Going::new(Arc::clone(&host)), host, wireguard })
    }

    /// The interface of that name if there is one and it may be changed: ours, of whatever kind,
    /// or one that an agent was killed over before it could mark it, which has no key.
    async fn own(&self, name: &InterfaceName) -> Result<Option<Link>, BackendError> {
        let Some(link) = self.host.links.find(name).await? else { return Ok(None) };
        let device = self.wireguard.device(name).await?;
        let unfinished = link.alias.is_none()
            && !link.up
            && device.as_ref().is_some_and(|it| it.public_key.is_none() && it.peers.is_empty());
        if link.is_ours() || unfinished {
            return Ok(Some(link));
        }
        let what = format!("use the name {name}");
        Err(BackendError::failed(what)("an interface that is not ours has it"))
    }

    async fn finish(&self, link: &Link, spec: &InterfaceSpec) -> Result<(), BackendError> {
        self.host.links.mark(link.index, spec.pod).await?;
        self.wireguard.set_key(&spec.interface, &spec.private_key).await?;
        self.settle(link, spec).await
    }

    /// Port, addresses, walls, up.
    async fn settle(&self, link: &Link, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let name = &spec.interface;
        let before = self.wireguard.device(name).await?.map(|it| it.port).unwrap_or_default();
        if before != spec.port {
            let set = self.wireguard.set_port(name, spec.port).await;
            if set.is_err() {
                // The kernel remembers the port it could not take, and listens on the old one.
                drop(self.wireguard.set_port(name, before).await);
            }
            set.map_err(|error| port_error(error, spec))?;
        }
        self.host.links.set_addresses(link, &spec.addresses()).await?;
        self.host.admit(link, spec).await?;
        if link.up {
            return Ok(());
        }
        self.host.links.set_up(link.index).await.map_err(|error| port_error(error, spec))
    }
}

fn port_error(error: io::Error, spec: &InterfaceSpec) -> BackendError {
    if error.raw_os_error() == Some(libc::EADDRINUSE) {
        return BackendError::PortInUse { port: spec.port };
    }
    BackendError::failed(format!("open port {} of {}", spec.port, spec.interface))(error)
}

#[async_trait]
impl Backend for KernelBackend {
    fn name(&self) -> &'static str {
        "kernel"
    }

    async fn observe(&self) -> Result<Observed, BackendError> {
        let mut observed = Observed::default();
        let mut ports = BTreeMap::new();
        let going = self.going();
        let mut links = self.host.links.candidates().await?;
        links.retain(|it| it.interface().is_none_or(|name| !going.contains(&name)));
        let traffic = self.host.traffic(&links).await?;
        for link in links {
            let Some(name) = link.interface().filter(|_| link.is_ours()) else {
                observed.foreign.insert(link.name);
                continue;
            };
            // One that is not the kernel's was left by the userspace backend.
            let device = self.wireguard.device(&name).await?.unwrap_or_default();
            ports.insert(link.index, device.port);
            let peers = device.peers.into_iter().map(|(key, it)| (key, it.networks)).collect();
            let interface = ObservedInterface {
                pod: link.pod(),
                public_key: device.public_key,
                port: device.port,
                up: link.up,
                traffic: traffic.get(&link.index).copied().flatten(),
                ipv6: link.ipv6,
                addresses: link.addresses,
                peers,
            };
            observed.interfaces.insert(name, interface);
        }
        self.host.saw_ports(ports);
        Ok(observed)
    }

    async fn create_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let name = &spec.interface;
        self.going.wait(spec).await;
        if let Some(link) = self.own(name).await? {
            let key = self.wireguard.device(name).await?.and_then(|it| it.public_key);
            if key.is_some() && key == spec.private_key.public_key().ok() {
                return self.finish(&link, spec).await;
            }
            self.host.delete(&link).await?;
        }
        self.host.links.create_wireguard(name).await?;
        let created = self.host.links.find(name).await?;
        let Some(link) = created else {
            return Err(BackendError::failed(format!("create {name}"))("it vanished"));
        };
        let finished = self.finish(&link, spec).await;
        if finished.is_err() {
            self.host.delete(&link).await?;
        }
        finished
    }

    async fn set_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let Some(link) = self.own(&spec.interface).await? else {
            return Err(BackendError::failed(format!("change {}", spec.interface))("it is gone"));
        };
        self.settle(&link, spec).await
    }

    async fn set_traffic(
        &self,
        interface: &InterfaceName,
        traffic: &Traffic,
    ) -> Result<(), BackendError> {
        let Some(link) = self.own(interface).await? else {
            return Err(BackendError::failed(format!("change {interface}"))("it is gone"));
        };
        self.host.set_traffic(&link, traffic).await
    }

    async fn delete_interface(&self, interface: &InterfaceName) -> Result<(), BackendError> {
        if self.going().contains(interface) {
            return Ok(());
        }
        let Some(link) = self.own(interface).await? else { return Ok(()) };
        let device = self.wireguard.device(interface).await?;
        if device.is_some() {
            // At once, whatever the interface itself takes.
            self.wireguard.clear_peers(interface).await?;
        }
        self.going.add(interface.clone(), link, device.map(|it| it.port));
        Ok(())
    }

    fn going(&self) -> BTreeSet<InterfaceName> {
        self.going.names()
    }

    async fn set_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError> {
        self.wireguard.set_peers(interface, peers).await
    }

    async fn remove_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeSet<PublicKey>,
    ) -> Result<(), BackendError> {
        self.wireguard.remove_peers(interface, peers).await
    }

    async fn ensure_forwarding(&self) -> Result<Vec<Notice>, BackendError> {
        self.host.ensure_forwarding().await
    }

    async fn set_resolver(&self, port: Option<u16>) -> Result<(), BackendError> {
        self.host.set_resolver(port).await
    }

    async fn changed(&self) {
        self.host.watch.changed().await;
    }

    async fn counters(&self) -> Result<BTreeMap<InterfaceName, Counters>, BackendError> {
        self.host.links.counters().await
    }

    fn gone(&self) -> Vec<(InterfaceName, Counters)> {
        self.host.watch.gone()
    }

    async fn handshake_age(
        &self,
        interface: &InterfaceName,
        peer: &PublicKey,
    ) -> Result<Option<Duration>, BackendError> {
        let device = self.wireguard.device(interface).await?;
        Ok(device.and_then(|it| it.peers.get(peer)?.handshake_age()))
    }
}
