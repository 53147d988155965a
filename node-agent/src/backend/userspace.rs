//! Pods on gotatun, a WireGuard library, in this process: for hosts whose kernel has none.
//!
//! Packets go between a TUN device and a UDP socket through the library alone. The TUN device
//! outlives the process, with its counters, walls and queues; the tunnel in it ends. What should be
//! there is on disk, and the next process takes the devices over.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    time::Duration,
};

use async_trait::async_trait;
use gotatun::{
    device::{DefaultDeviceTransports, Device, DeviceBuilder, Error, Peer},
    tun::tun_async_device::TunDevice,
    x25519,
};
use ipnet::IpNet;
use myrelay_domain::{addresses::HostAddresses, interface::InterfaceName, keys::PublicKey};
use tokio::sync::Mutex;
use tun::AsyncDevice;

use super::{
    Backend, BackendError, Counters, InterfaceSpec, Notice, Observed, ObservedInterface, Traffic,
    host::Host, links::Link,
};

/// What TUN devices are made with.
const TUN: &str = "/dev/net/tun";

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

    /// Makes the tunnel of a pod, in the TUN device that an earlier process left or in a new one.
    async fn make(
        &self,
        spec: &InterfaceSpec,
        left: Option<Link>,
    ) -> Result<Running, BackendError> {
        let what = format!("create {}", spec.interface);
        let tun = match (open_tun(&spec.interface), &left) {
            (Err(error), Some(link)) if is_another_kind(&error) => {
                // One of the kernel's WireGuard, from before this backend.
                self.host.delete(link).await?;
                open_tun(&spec.interface)
            }
            (opened, _) => opened,
        };
        let mut tun = tun.map_err(|error| tun_error(error, what.clone()))?;
        let Some(link) = self.host.links.find(&spec.interface).await? else {
            return Err(BackendError::failed(what)("it vanished"));
        };
        self.host.links.mark(link.index, spec.pod).await?;
        // Not before: one that is not marked ends with the process.
        tun.persist().map_err(BackendError::failed(what.clone()))?;
        let made = self.start(&link, tun, spec, what).await;
        if made.is_err() && left.is_none() {
            self.host.delete(&link).await?;
        }
        made
    }

    async fn start(
        &self,
        link: &Link,
        tun: AsyncDevice,
        spec: &InterfaceSpec,
        what: String,
    ) -> Result<Running, BackendError> {
        let key = x25519::StaticSecret::from(*spec.private_key.expose());
        let tun = TunDevice::from_tun_device(tun).map_err(BackendError::failed(what.clone()))?;
        let device = DeviceBuilder::new()
            .with_default_udp()
            .with_private_key(key)
            .with_ip(tun)
            .build()
            .await
            .map_err(BackendError::failed(what))?;
        match self.settle(link, &device, spec).await {
            Ok(()) => Ok(device),
            Err(error) => {
                device.stop().await;
                Err(error)
            }
        }
    }

    /// Port, addresses, walls, up.
    async fn settle(
        &self,
        link: &Link,
        device: &Running,
        spec: &InterfaceSpec,
    ) -> Result<(), BackendError> {
        let before = device.read(async |it| it.listen_port()).await;
        if before != spec.port {
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
        }
        self.host.links.set_addresses(link, &spec.addresses()).await?;
        self.host.admit(link, spec).await?;
        if link.up {
            return Ok(());
        }
        let up = self.host.links.set_up(link.index).await;
        up.map_err(BackendError::failed(format!("bring {} up", spec.interface)))
    }

    /// A device that is there. Its interface may have been taken away under it.
    async fn serving<'a>(
        &self,
        devices: &'a BTreeMap<InterfaceName, Running>,
        name: &InterfaceName,
    ) -> Result<&'a Running, BackendError> {
        let device = devices.get(name).ok_or_else(|| missing(name))?;
        if self.host.links.is_there(name).await { Ok(device) } else { Err(missing(name)) }
    }

    async fn stop(&self, name: &InterfaceName, device: Running) -> Result<(), BackendError> {
        let link = self.host.links.find(name).await?;
        device.stop().await;
        match link {
            Some(link) => self.host.delete(&link).await,
            None => Ok(()),
        }
    }
}

/// Opens the TUN device of that name, and makes it if it is not there.
fn open_tun(name: &InterfaceName) -> Result<AsyncDevice, tun::Error> {
    let mut config = tun::Configuration::default();
    config.tun_name(name.as_str());
    tun::create_as_async(&config)
}

/// Where the device itself does not open, that is what to say.
fn tun_error(error: tun::Error, what: String) -> BackendError {
    match File::options().read(true).write(true).open(TUN) {
        Err(error) => BackendError::NoTun(error),
        Ok(_) => BackendError::failed(what)(error),
    }
}

/// EINVAL is what the kernel says when an interface of that name is no TUN device (`TUNSETIFF` in
/// drivers/net/tun.c).
fn is_another_kind(error: &tun::Error) -> bool {
    matches!(error, tun::Error::Io(error) if error.raw_os_error() == Some(libc::EINVAL))
}

/// An interface with a tunnel of this process.
async fn read(device: &Running, link: Link, traffic: Option<Traffic>) -> ObservedInterface {
    let (key, port, peers) = device
        .read(async |it| (public_key(it.private_key()), it.listen_port(), it.peers().await))
        .await;
    let peers = peers.into_iter().filter_map(|it| {
        let key = PublicKey::from_bytes(it.peer.public_key.to_bytes()).ok()?;
        let networks = it.peer.allowed_ips.iter();
        let networks = networks.filter_map(|net| IpNet::new(net.ip(), net.prefix()).ok());
        Some((key, networks.collect()))
    });
    let (pod, peers) = (link.pod(), peers.collect());
    let Link { up, ipv6, addresses, .. } = link;
    ObservedInterface { pod, public_key: key, port, up, traffic, ipv6, addresses, peers }
}

/// An interface whose tunnel ended with an earlier process.
fn left_behind(link: Link, traffic: Option<Traffic>) -> ObservedInterface {
    ObservedInterface {
        pod: link.pod(),
        public_key: None,
        port: 0,
        up: link.up,
        traffic,
        ipv6: link.ipv6,
        addresses: link.addresses,
        peers: BTreeMap::new(),
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
        let mut ports = BTreeMap::new();
        let traffic = self.host.traffic(&links).await?;
        for link in links {
            let Some(name) = link.interface().filter(|_| link.is_ours()) else {
                observed.foreign.insert(link.name);
                continue;
            };
            let traffic = traffic.get(&link.index).copied().flatten();
            let index = link.index;
            let interface = match devices.get(&name) {
                Some(device) => read(device, link, traffic).await,
                None => left_behind(link, traffic),
            };
            ports.insert(index, interface.port);
            observed.interfaces.insert(name, interface);
        }
        self.host.saw_ports(ports);
        Ok(observed)
    }

    async fn create_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError> {
        let name = &spec.interface;
        let mut devices = self.devices.lock().await;
        let link = self.host.links.find(name).await?;
        let left = match (devices.remove(name), link) {
            (Some(device), Some(link)) => {
                let key = device.read(async |it| public_key(it.private_key())).await;
                if key == spec.private_key.public_key().ok() {
                    self.host.links.mark(link.index, spec.pod).await?;
                    let settled = self.settle(&link, &device, spec).await;
                    devices.insert(name.clone(), device);
                    return settled;
                }
                self.stop(name, device).await?;
                None
            }
            (Some(device), None) => {
                device.stop().await;
                None
            }
            (None, Some(link)) if link.is_ours() => Some(link),
            (None, Some(_)) => {
                let what = format!("use the name {name}");
                return Err(BackendError::failed(what)("an interface that is not ours has it"));
            }
            (None, None) => None,
        };
        let device = self.make(spec, left).await?;
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

    async fn set_traffic(
        &self,
        interface: &InterfaceName,
        traffic: &Traffic,
    ) -> Result<(), BackendError> {
        let link = self.host.links.find(interface).await?;
        let link = link.filter(Link::is_ours).ok_or_else(|| missing(interface))?;
        self.host.set_traffic(&link, traffic).await
    }

    async fn delete_interface(&self, interface: &InterfaceName) -> Result<(), BackendError> {
        if let Some(device) = self.devices.lock().await.remove(interface) {
            return self.stop(interface, device).await;
        }
        match self.host.links.find(interface).await?.filter(Link::is_ours) {
            Some(link) => self.host.delete(&link).await,
            None => Ok(()),
        }
    }

    async fn set_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError> {
        let devices = self.devices.lock().await;
        let device = self.serving(&devices, interface).await?;
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
        let device = self.serving(&devices, interface).await?;
        let written = device.write(async |device| {
            for key in peers {
                device.remove_peer(&x25519::PublicKey::from(*key.as_bytes())).await;
            }
        });
        let what = format!("remove peers of {interface}");
        written.await.map_err(BackendError::failed(what))
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
        let devices = self.devices.lock().await;
        let Some(device) = devices.get(interface) else { return Ok(None) };
        let key = x25519::PublicKey::from(*peer.as_bytes());
        let peers = device.peers().await;
        let peer = peers.into_iter().find(|it| it.peer.public_key == key);
        Ok(peer.and_then(|it| it.stats.last_handshake))
    }
}
