//! What the kernel and the userspace backend share: links, walls, queues and forwarding.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use myrelay_domain::{addresses::AddressPlan, limits::Speed};

use super::{
    BackendError, InterfaceSpec, Notice, Traffic,
    links::{Link, Links},
    sysctl,
    watch::Watch,
};
use crate::{
    firewall::{self, Firewall, Layout, Pod, Uplinks},
    shaping::{Shape, Shaping, ShapingError},
};

/// A pod's largest IPv4 range: [`AddressPlan::MAX_SIZE`] of the smallest.
const LARGEST_V4_LEN: u8 = 22;

/// The node's network as far as it is not WireGuard.
pub(super) struct Host {
    pub(super) links: Links,
    pub(super) watch: Watch,
    firewall: Arc<Mutex<Firewall>>,
    /// Held from reading the layout to setting it: of two tasks that change it, one would undo what
    /// the other did.
    turn: tokio::sync::Mutex<()>,
    shaping: Arc<Shaping>,
    /// What the addresses on interfaces do not tell.
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The pods' UDP ports, by interface.
    ports: BTreeMap<u32, u16>,
    resolver: Option<u16>,
}

impl Host {
    /// Opens the sockets in the network namespace of the calling thread.
    pub(super) fn connect() -> Result<Self, BackendError> {
        Ok(Self {
            links: Links::connect()?,
            watch: Watch::start()?,
            firewall: Arc::default(),
            turn: tokio::sync::Mutex::default(),
            shaping: Arc::default(),
            known: Mutex::default(),
        })
    }

    /// Puts walls and queues around an interface; before it is up, so nothing ever passes without.
    pub(super) async fn admit(
        &self,
        link: &Link,
        spec: &InterfaceSpec,
    ) -> Result<(), BackendError> {
        self.known().ports.insert(link.index, spec.port);
        let Some((v4, v6)) = own_addresses(&spec.addresses()) else {
            let what = format!("put walls around {}", spec.interface);
            return Err(BackendError::failed(what)("its range is not a pod's"));
        };
        let pod = Pod {
            v4,
            v6: v6.filter(|_| link.ipv6),
            port: Some(spec.port),
            meeting: spec.traffic.devices_meet,
            stopped: spec.traffic.stopped,
        };
        self.change(|layout| layout.insert(link.index, pod)).await?;
        self.shape(link, spec.traffic.speed).await
    }

    /// Changes what may pass through an interface that stays.
    pub(super) async fn set_traffic(
        &self,
        link: &Link,
        traffic: &Traffic,
    ) -> Result<(), BackendError> {
        let marked = self.change(|layout| {
            if let Some(pod) = layout.pods.get_mut(&link.index) {
                pod.meeting = traffic.devices_meet;
                pod.stopped = traffic.stopped;
            }
        });
        marked.await?;
        self.shape(link, traffic.speed).await
    }

    /// What may pass through these interfaces, by index; none when queues are half there.
    pub(super) async fn traffic(
        &self,
        links: &[Link],
    ) -> Result<BTreeMap<u32, Option<Traffic>>, BackendError> {
        let places: Vec<_> = links.iter().map(Link::place).collect();
        let shaping = Arc::clone(&self.shaping);
        let shapes = blocking(move || shaping.read(&places)).await;
        let shapes = shapes.map_err(BackendError::failed("read the speed limits"))?;
        let (meeting, stopped) = self.marks().await?;
        let traffic = shapes.into_iter().map(|(index, shape)| {
            let speed = match shape {
                Shape::Free => Some(None),
                Shape::Held(speed) => Some(Some(speed)),
                Shape::Broken => None,
            };
            let (devices_meet, stopped) = (meeting.contains(&index), stopped.contains(&index));
            (index, speed.map(|speed| Traffic { devices_meet, speed, stopped }))
        });
        Ok(traffic.collect())
    }

    /// What a backend saw of its interfaces: the ports that they listen on.
    pub(super) fn saw_ports(&self, ports: BTreeMap<u32, u16>) {
        self.known().ports = ports;
    }

    /// Says where the resolver listens.
    pub(super) async fn set_resolver(&self, port: Option<u16>) -> Result<(), BackendError> {
        self.known().resolver = port;
        self.change(|layout| layout.resolver = port).await
    }

    /// Removes an interface with its walls and queues: its index may be given to another.
    pub(super) async fn delete(&self, link: &Link) -> Result<(), BackendError> {
        self.watch.expect_gone(link.index);
        self.links.delete(link.index).await?;
        self.dismiss(link).await
    }

    /// Takes down what stood around an interface that is gone.
    pub(super) async fn dismiss(&self, link: &Link) -> Result<(), BackendError> {
        self.known().ports.remove(&link.index);
        self.change(|layout| {
            layout.pods.remove(&link.index);
        })
        .await?;
        self.forget(link.place().ifb).await
    }

    /// See [`super::Backend::ensure_forwarding`].
    pub(super) async fn ensure_forwarding(&self) -> Result<Vec<Notice>, BackendError> {
        let turn = self.turn.lock().await;
        let links = self.own_links().await?;
        let layout = self.read_layout(&links).await?;
        let (uplinks, none) = (layout.uplinks, layout.pods.is_empty());
        self.set_walls(layout).await?;
        drop(turn);
        for ifb in self.links.orphans().await? {
            self.forget(ifb).await?;
        }
        if none {
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for index in [uplinks.v4, uplinks.v6].into_iter().flatten() {
            names.extend(self.links.name(index).await);
        }
        sysctl::ensure_forwarding(&names)?;
        if uplinks == Uplinks::default() {
            return Err(BackendError::NoUplink);
        }
        let ipv6 = links.iter().any(|it| !it.ipv6).then(sysctl::lack_of_ipv6);
        let mut firewall = self.firewall();
        let counter = (!firewall.is_bounded()).then_some(Notice::FlowCounter);
        let edited = firewall.take_edited().then_some(Notice::TableEdited);
        Ok([ipv6, counter, edited].into_iter().flatten().collect())
    }

    async fn change(&self, change: impl FnOnce(&mut Layout)) -> Result<(), BackendError> {
        let _turn = self.turn.lock().await;
        let mut layout = match self.layout() {
            Some(layout) => layout,
            None => self.read_layout(&self.own_links().await?).await?,
        };
        change(&mut layout);
        self.set_walls(layout).await
    }

    async fn own_links(&self) -> Result<Vec<Link>, BackendError> {
        let mut links = self.links.candidates().await?;
        links.retain(Link::is_ours);
        Ok(links)
    }

    async fn read_layout(&self, links: &[Link]) -> Result<Layout, BackendError> {
        let (meeting, stopped) = self.marks().await?;
        let uplinks = self.links.uplinks().await;
        let known = self.known();
        let mut layout = Layout { uplinks, resolver: known.resolver, ..Layout::default() };
        for link in links {
            if let Some((v4, v6)) = own_addresses(&link.addresses) {
                let pod = Pod {
                    v4,
                    v6,
                    port: known.ports.get(&link.index).copied(),
                    meeting: meeting.contains(&link.index),
                    stopped: stopped.contains(&link.index),
                };
                layout.insert(link.index, pod);
            }
        }
        Ok(layout)
    }

    /// The interfaces whose devices meet, and those that are stopped. A new process asks the
    /// kernel what the one before it set.
    async fn marks(&self) -> Result<(BTreeSet<u32>, BTreeSet<u32>), BackendError> {
        let Some(layout) = self.layout() else {
            let read = blocking(firewall::read_marks).await;
            return read.map_err(BackendError::failed("read the firewall (nf_tables)"));
        };
        let marked = |mark: fn(&Pod) -> bool| {
            let pods = layout.pods.iter().filter(|(_, pod)| mark(pod));
            pods.map(|(index, _)| *index).collect()
        };
        Ok((marked(|it| it.meeting), marked(|it| it.stopped)))
    }

    async fn set_walls(&self, layout: Layout) -> Result<(), BackendError> {
        let firewall = Arc::clone(&self.firewall);
        // A commit waits for the kernel's readers, too long for an async thread.
        let set = blocking(move || {
            firewall.lock().unwrap_or_else(PoisonError::into_inner).ensure(layout)
        });
        set.await.map_err(BackendError::failed("set the firewall (nf_tables)"))
    }

    async fn shape(&self, link: &Link, speed: Option<Speed>) -> Result<(), BackendError> {
        let (shaping, place) = (Arc::clone(&self.shaping), link.place());
        let set = blocking(move || Ok(shaping.set(&place, speed))).await;
        let what = format!("limit the speed of {}", link.name);
        set.map_err(ShapingError::from).flatten().map_err(BackendError::failed(what))
    }

    async fn forget(&self, ifb: String) -> Result<(), BackendError> {
        let shaping = Arc::clone(&self.shaping);
        let forgot = blocking(move || Ok(shaping.forget(&ifb))).await;
        let what = "remove the queue of a pod";
        forgot.map_err(ShapingError::from).flatten().map_err(BackendError::failed(what))
    }

    fn layout(&self) -> Option<Layout> {
        self.firewall().layout().cloned()
    }

    fn firewall(&self) -> MutexGuard<'_, Firewall> {
        self.firewall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what waits for the kernel on a thread that may wait.
async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(act).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The node's own addresses in a pod, with the prefix of its ranges, of all that an interface has.
fn own_addresses(all: &BTreeSet<IpNet>) -> Option<(Ipv4Net, Option<Ipv6Net>)> {
    let v4 = all.iter().find_map(|it| match it {
        IpNet::V4(net)
            if (LARGEST_V4_LEN..=AddressPlan::POD_V4_LEN).contains(&net.prefix_len()) =>
        {
            Some(*net)
        }
        _ => None,
    })?;
    let v6 = all.iter().find_map(|it| match it {
        IpNet::V6(net) if net.prefix_len() == 64 => Some(*net),
        _ => None,
    });
    Some((v4, v6))
}
