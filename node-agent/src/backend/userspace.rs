//! Pods on gotatun, a WireGuard library, in this process: for hosts whose kernel has none.
//!
//! Packets go between a TUN device and a UDP socket through the library alone. The devices end
//! with the process; what should be there is on disk, and the next process makes it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    time::Duration,
};

use async_trait::async_trait;
use gotatun::{
    device::{DefaultDeviceTransports, Device, DeviceBuilder, Error, Peer},
    x25519,
};
use ipnet::IpNet;
use myrelay_domain::{addresses::HostAddresses, interface::InterfaceName, keys::PublicKey};
use tokio::sync::Mutex;

use super::{
    Backend, BackendError, Counters, InterfaceSpec, Observed, ObservedInterface, host::Host,
    links::Link,
};

type Running = Device<DefaultDeviceTransports>;

/// The devices of this process.
pub struct UserspaceBackend {
    host: Host,
    devices: Mutex<BTreeMap<InterfaceName, Running>>,
}

impl UserspaceBackend {
    /// Opens the sockets.
    pub fn open() -> Result<Self, BackendError> {
        Ok(Self { host: Host::connect()?, devices: Mutex::default() })
    }

    async fn make(&self, spec: &InterfaceSpec) -> Result<Running, BackendError> {
        let what = || format!("create {}", spec.interface);
        let key = x25519::StaticSecret::from(*spec.private_key.expose());
        let device = DeviceBuilder::new()
            .with_default_udp()
            .with_private_key(key)
            .create_tun(spec.interface.as_str())
            .map_err(BackendError::failed(what()))?
            .build()
            .await
            .map_err(BackendError::failed(what()))?;
        let Some(link) = self.host.links.find(&spec.interface).await? else {
            return Err(BackendError::failed(what())("it vanished"));
        };
        let finished = match self.host.links.mark(link.index, spec.pod).await {
            Ok(()) => self.settle(&link, &device, spec).await,
            Err(error) => Err(error),
        };
        if let Err(error) = finished {
            device.stop().await;
            self.host.links.delete(link.index).await?;
            self.host.dismiss(link.index).await?;
            return Err(error);
        }
        Ok(device)
    }

    /// Addresses, walls, port, up.
    async fn settle(
        &self,
        link: &Link,
        device: &Running,
        spec: &InterfaceSpec,
    ) -> Result<(), BackendError> {
        self.host.links.set_addresses(link, &spec.addresses()).await?;
        self.host.admit(link.index, spec.range).await?;
        let before = device.read(async |it| it.listen_port()).await;
        let bound = device.set_listen_port(spec.port).await;
        if bound.is_err() {
            // The library remembers the port it could not take, and listens nowhere.
            drop(device.set_listen_port(before).await);
        }
        bound.map_err(|error| match error {
            Error::Bind(error, _) if error.kind() == io::ErrorKind::AddrInUse => {
                BackendError::PortInUse { port: spec.port }
            }
            error => BackendError::failed(format!("open port {}", spec.port))(error),
        })?;
        if link.up {
            return Ok(());
        }
        let up = self.host.links.set_up(link.index).await;
        up.map_err(BackendError::failed(format!("bring {} up", spec.interface)))
    }

    async fn stop(&self, name: &InterfaceName, device: Running) -> Result<(), BackendError> {
        let link = self.host.links.find(name).await?;
        device.stop().await;
        let Some(link) = link else { return Ok(()) };
        self.host.links.delete(link.index).await?;
        self.host.dismiss(link.index).await
    }
}

fn public_key(device_key: Option<&x25519::StaticSecret>) -> Option<PublicKey> {
    let public = x25519::PublicKey::from(device_key?);
    PublicKey::from_bytes(public.to_bytes()).ok()
}

fn missing(name: &InterfaceName) -> BackendError {
    BackendError::failed(format!("change {name}"))("it is gone")
}

#[async_trait]
impl Backend for UserspaceBackend {
    fn name(&self) -> &'static str {
        "userspace"
    }

    async fn observe(&self) -> Result<Observed, BackendError> {
        let mut devices = self.devices.lock().await;
        let links = self.host.links.candidates().await?;
        // A device whose interface was taken away serves nobody.
        let there: BTreeSet<_> = links.iter().filter_map(Link::interface).collect();
        devices.retain(|name, _| there.contains(name));

        let mut observed = Observed::default();
        for link in links {
            let name = link.interface();
            let Some((name, device)) = name.and_then(|it| Some((it.clone(), devices.get(&it)?)))
            else {
                observed.foreign.insert(link.name);
                continue;
            };
            let (key, port, peers) = device
                .read(async |it| (public_key(it.private_key()), it.listen_port(), it.peers().await))
                .await;
            let peers = peers.into_iter().filter_map(|it| {
                let key = PublicKey::from_bytes(it.peer.public_key.to_bytes()).ok()?;
                let networks = it.peer.allowed_ips.iter();
                let networks = networks.filter_map(|net| IpNet::new(net.ip(), net.prefix()).ok());
                Some((key, networks.collect()))
            });
            let interface = ObservedInterface {
                pod: link.pod(),
                public_key: key,
                port,
                up: link.up,
                peers: peers.collect(),
                addresses: link.addresses,
            };
            observed.interfaces.insert(name, interface);
        }
        Ok(observed)
    }

    async fn create_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let name = &spec.interface;
        let mut devices = self.devices.lock().await;
        let link = self.host.links.find(name).await?;
        match (devices.remove(name), link) {
            (Some(device), Some(link)) => {
                let key = device.read(async |it| public_key(it.private_key())).await;
                if key == spec.private_key.public_key().ok() {
                    self.host.links.mark(link.index, spec.pod).await?;
                    let settled = self.settle(&link, &device, spec).await;
                    devices.insert(name.clone(), device);
                    return settled;
                }
                self.stop(name, device).await?;
            }
            (Some(device), None) => device.stop().await,
            (None, Some(_)) => {
                let what = format!("use the name {name}");
                return Err(BackendError::failed(what)("an interface that is not ours has it"));
            }
            (None, None) => {}
        }
        let device = self.make(spec).await?;
        devices.insert(name.clone(), device);
        Ok(())
    }

    async fn set_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let devices = self.devices.lock().await;
        let link = self.host.links.find(&spec.interface).await?;
        let device = devices.get(&spec.interface);
        let (Some(link), Some(device)) = (link, device) else {
            return Err(missing(&spec.interface));
        };
        self.settle(&link, device, spec).await
    }

    async fn delete_interface(&self, interface: &InterfaceName) -> Result<(), BackendError> {
        match self.devices.lock().await.remove(interface) {
            Some(device) => self.stop(interface, device).await,
            None => Ok(()),
        }
    }

    async fn set_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError> {
        let devices = self.devices.lock().await;
        let device = devices.get(interface).ok_or_else(|| missing(interface))?;
        let written = device.write(async |device| {
            for (key, addresses) in peers {
                let key = x25519::PublicKey::from(*key.as_bytes());
                // Not `update_peer`: that would forget where the peer is right now.
                let known = device.modify_peer(&key, |peer| {
                    peer.clear_allowed_ips();
                    peer.add_allowed_ips(addresses.all());
                });
                if !known.await {
                    let networks = addresses.all().map(Into::into);
                    device.add_peer(Peer::new(key).with_allowed_ips(networks));
                }
            }
        });
        let what = format!("change the peers of {interface}");
        written.await.map_err(BackendError::failed(what))
    }

    async fn remove_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeSet<PublicKey>,
    ) -> Result<(), BackendError> {
        let devices = self.devices.lock().await;
        let device = devices.get(interface).ok_or_else(|| missing(interface))?;
        let written = device.write(async |device| {
            for key in peers {
                device.remove_peer(&x25519::PublicKey::from(*key.as_bytes())).await;
            }
        });
        let what = format!("remove peers of {interface}");
        written.await.map_err(BackendError::failed(what))
    }

    async fn ensure_forwarding(&self) -> Result<(), BackendError> {
        self.host.ensure_forwarding().await
    }

    async fn counters(&self) -> Result<BTreeMap<InterfaceName, Counters>, BackendError> {
        self.host.links.counters().await
    }

    async fn handshake_age(
        &self,
        interface: &InterfaceName,
        peer: &PublicKey,
    ) -> Result<Option<Duration>, BackendError> {
        let devices = self.devices.lock().await;
        let Some(device) = devices.get(interface) else { return Ok(None) };
        let key = x25519::PublicKey::from(*peer.as_bytes());
        let peers = device.peers().await;
        let peer = peers.into_iter().find(|it| it.peer.public_key == key);
        Ok(peer.and_then(|it| it.stats.last_handshake))
    }
}
