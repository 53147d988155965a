//! The acts a node can do, one verb each; what does them is the kernel, a library, or a fake.

pub mod fake;
mod going;
mod host;
pub mod kernel;
mod links;
mod sysctl;
pub mod userspace;
mod watch;
mod wireguard;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use ipnet::IpNet;
use myrelay_domain::{
    addresses::{HostAddresses, PodRange},
    ids::PodId,
    interface::InterfaceName,
    keys::PublicKey,
    limits::Speed,
};

pub use crate::firewall::MOST_FLOWS;
use crate::keys::PrivateKey;

/// What may pass through a pod's interface, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Whether its devices reach each other.
    pub devices_meet: bool,
    /// None: as fast as the node can.
    pub speed: Option<Speed>,
    /// Nothing passes.
    pub stopped: bool,
}

/// One of our interfaces as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedInterface {
    /// The pod it serves, read from the interface's alias; none when the alias is damaged.
    pub pod: Option<PodId>,
    /// None when it was not finished, or when its process ended: who creates it takes it over.
    pub public_key: Option<PublicKey>,
    pub port: u16,
    pub up: bool,
    /// None when what holds its traffic is half there.
    pub traffic: Option<Traffic>,
    /// Whether it can have IPv6 addresses: not where the host has none, or it is switched off.
    pub ipv6: bool,
    /// The node's own addresses on it, with the prefix of the pod's ranges.
    pub addresses: BTreeSet<IpNet>,
    pub peers: BTreeMap<PublicKey, BTreeSet<IpNet>>,
}

impl ObservedInterface {
    /// Whether it has the node's own addresses in this range, as far as it can have them.
    pub fn has_addresses(&self, range: &PodRange) -> bool {
        let possible = |it: &&IpNet| self.ipv6 || it.addr().is_ipv4();
        let wanted = node_addresses(range);
        self.addresses.iter().filter(possible).eq(wanted.iter().filter(possible))
    }
}

/// Everything of ours on the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    pub interfaces: BTreeMap<InterfaceName, ObservedInterface>,
    /// Interfaces that look like ours and are not: reported, never changed.
    pub foreign: BTreeSet<String>,
}

/// What an interface moved since it was made, as the kernel counts it: 64-bit link statistics
/// (`IFLA_STATS64` of linux/if_link.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The pod it serves, read from the interface's alias; none when the alias is damaged.
    pub pod: Option<PodId>,
    /// The interface's index: an interface that is made anew gets another, and starts at zero.
    pub index: u32,
    /// `rx_bytes`: what came from the devices.
    pub received: u64,
    /// `tx_bytes`: what went to the devices.
    pub sent: u64,
}

/// What a pod's interface is made from.
#[derive(Clone, Debug)]
pub struct InterfaceSpec {
    pub pod: PodId,
    pub interface: InterfaceName,
    pub port: u16,
    pub range: PodRange,
    pub traffic: Traffic,
    pub private_key: PrivateKey,
}

impl InterfaceSpec {
    /// The node's own addresses on the interface, each with the prefix of the pod's range.
    pub fn addresses(&self) -> BTreeSet<IpNet> {
        node_addresses(&self.range)
    }
}

/// The node's own addresses in a pod, each with the prefix of the pod's range.
pub fn node_addresses(range: &PodRange) -> BTreeSet<IpNet> {
    let lengths = [range.v4.prefix_len(), range.v6.prefix_len()];
    let nets = range.node().all().into_iter().zip(lengths);
    nets.filter_map(|(address, length)| IpNet::new(address, length).ok()).collect()
}

/// What a peer may send from and receive at: its /32 and its /128.
pub fn peer_networks(addresses: &HostAddresses) -> BTreeSet<IpNet> {
    addresses.all().into_iter().map(IpNet::from).collect()
}

/// Why an act failed.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    #[error("UDP port {port} is in use by another program: free it or let the portal move the pod")]
    PortInUse { port: u16 },
    #[error("{what}: {source}")]
    Failed {
        what: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "/dev/net/tun does not open ({0}), and this host's pods are made with it: load the module \
         (`modprobe tun`), and let this container and the agent's user have the device. Pods come \
         as soon as it opens"
    )]
    NoTun(#[source] io::Error),
    #[error("no default route: the node has no uplink to send its pods' traffic to")]
    NoUplink,
    #[error("this host cannot: {0}")]
    Unsupported(String),
}

/// What the operator has to know of a host, though its pods serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Notice {
    #[error(
        "the kernel of this host has no IPv6: pods serve IPv4 only, and what devices send by IPv6 \
         ends here. Boot it without ipv6.disable=1, or take a kernel that has IPv6"
    )]
    Ipv6,
    #[error(
        "IPv6 is switched off on this host: pods serve IPv4 only, and what devices send by IPv6 \
         ends here. Set net.ipv6.conf.all.disable_ipv6=0 to switch it on"
    )]
    Ipv6Off,
    #[error(
        "the kernel of this host cannot count connections (nft_connlimit): pods serve, and one of \
         them can fill the host's table of connections. Install the kernel's extra modules \
         (linux-modules-extra on Ubuntu)"
    )]
    FlowCounter,
    #[error(
        "somebody else changed the nftables table inet myrelay: it is put right. Rules of your own \
         belong into a table of your own"
    )]
    TableEdited,
}

impl BackendError {
    /// An error with what was tried; made for `map_err`.
    pub(crate) fn failed<E>(what: impl Into<String>) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Failed { what: what.into(), source: source.into() }
    }
}

/// What makes a node's state. Every act is idempotent: done twice it changes nothing and is no
/// error.
#[async_trait]
pub trait Backend: Send + Sync {
    /// `kernel`, `userspace` or `fake`: shown to the operator.
    fn name(&self) -> &'static str;

    /// Reads back what is there, from the source itself and not from memory.
    async fn observe(&self) -> Result<Observed, BackendError>;

    /// Makes the interface with its key, port, addresses, alias and limits, up. Takes over one of
    /// ours that has no key, with its counters where it can. Rolls back on failure.
    async fn create_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError>;

    /// Sets port, addresses, limits and up-state of an existing interface without touching its
    /// peers.
    async fn set_interface(&self, spec: &InterfaceSpec) -> Result<(), BackendError>;

    /// Sets what may pass through an existing interface. Neither the interface nor its peers are
    /// touched.
    async fn set_traffic(
        &self,
        interface: &InterfaceName,
        traffic: &Traffic,
    ) -> Result<(), BackendError>;

    /// Removes the interface and its peers. Its peers are gone when this returns; the interface
    /// itself may still be [going](Self::going).
    async fn delete_interface(&self, interface: &InterfaceName) -> Result<(), BackendError>;

    /// Interfaces that were deleted and are not gone yet: the kernel takes its time. They are not
    /// observed any more, and their names, ports and addresses are not given out again before.
    fn going(&self) -> BTreeSet<InterfaceName> {
        BTreeSet::new()
    }

    /// Adds these peers, or moves their addresses; the others stay untouched.
    async fn set_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeMap<PublicKey, HostAddresses>,
    ) -> Result<(), BackendError>;

    /// Removes these peers; the others stay untouched.
    async fn remove_peers(
        &self,
        interface: &InterfaceName,
        peers: &BTreeSet<PublicKey>,
    ) -> Result<(), BackendError>;

    /// Makes forwarding, masquerade and the walls between pods match the interfaces that are
    /// there. [`BackendError::NoUplink`] leaves the tunnels and the walls as they should be. Tells
    /// what the operator has to know though pods serve.
    async fn ensure_forwarding(&self) -> Result<Vec<Notice>, BackendError>;

    /// Says on which UDP port the node's resolver listens, at every address; none: there is none.
    /// From then on what pods ask their own gateway at UDP port 53 goes there, and nobody else
    /// reaches that port but the node itself. It holds until it is said otherwise.
    async fn set_resolver(&self, port: Option<u16>) -> Result<(), BackendError>;

    /// Waits until something of the host's network may have changed without us: a default route,
    /// an uplink, an interface or an address of ours. Many changes at once are one. Nothing is
    /// lost between two calls, or when a call is dropped.
    async fn changed(&self);

    /// What each of our interfaces moved since it was made; one reading of all of them.
    async fn counters(&self) -> Result<BTreeMap<InterfaceName, Counters>, BackendError>;

    /// What interfaces had moved in the end that went since this was asked last: each is told once.
    fn gone(&self) -> Vec<(InterfaceName, Counters)>;

    /// How long ago a peer completed a handshake; none when it never did or is not there.
    async fn handshake_age(
        &self,
        interface: &InterfaceName,
        peer: &PublicKey,
    ) -> Result<Option<Duration>, BackendError>;
}

/// Which backend to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum BackendKind {
    /// The kernel's WireGuard where the kernel has it, else the userspace library.
    #[default]
    Auto,
    Kernel,
    Userspace,
    /// Keeps everything in memory and moves no packet: for tests of the portal.
    #[value(hide = true)]
    Fake,
}

/// Opens a backend. Keep it for the life of the process: userspace devices end with it.
///
/// It needs to run in a multi-threaded tokio runtime, with CAP_NET_ADMIN.
pub async fn open(kind: BackendKind) -> Result<Arc<dyn Backend>, BackendError> {
    Ok(match kind {
        BackendKind::Fake => Arc::new(fake::FakeBackend::default()),
        BackendKind::Userspace => Arc::new(userspace::UserspaceBackend::open()?),
        BackendKind::Kernel => Arc::new(kernel::KernelBackend::open().await?),
        BackendKind::Auto => match kernel::KernelBackend::open().await {
            Ok(backend) => Arc::new(backend),
            Err(BackendError::Unsupported(_)) => Arc::new(userspace::UserspaceBackend::open()?),
            Err(error) => return Err(error),
        },
    })
}
