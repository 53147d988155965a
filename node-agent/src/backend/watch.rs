//! Hears from the kernel that the host's network changed under us (rtnetlink(7), multicast).

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use myrelay_domain::interface::InterfaceName;
use rtnetlink::{
    MulticastGroup, new_multicast_connection,
    packet_core::NetlinkPayload,
    packet_route::{
        RouteNetlinkMessage,
        link::{LinkAttribute, LinkFlags, LinkMessage},
    },
};
use tokio::{sync::Notify, task::JoinSet, time::sleep};

use super::{BackendError, Counters, links};

/// Changes come in swarms: so long after the first one they are told of together.
const SWARM: Duration = Duration::from_millis(200);

/// The socket, and the tasks that serve it: they end with this value.
pub(super) struct Watch {
    changed: Arc<Notify>,
    /// Indexes of interfaces that we delete ourselves.
    ours: Arc<Mutex<BTreeSet<u32>>>,
    /// What interfaces of ours had moved when they went.
    gone: Arc<Mutex<Vec<(InterfaceName, Counters)>>>,
    _served: JoinSet<()>,
}

impl Watch {
    /// Listens in the network namespace of the calling thread.
    pub(super) fn start() -> Result<Self, BackendError> {
        let groups = [
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
            MulticastGroup::Ipv4Route,
            MulticastGroup::Ipv6Route,
        ];
        let (connection, _, mut heard) =
            new_multicast_connection(&groups).map_err(BackendError::failed("open rtnetlink"))?;
        let (changed, swarm) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let ours = Arc::default();
        let mut served = JoinSet::new();
        served.spawn(connection);
        let judge = Judge { ours: Arc::clone(&ours), named: BTreeSet::new() };
        let first = Arc::clone(&swarm);
        let gone = Arc::<Mutex<Vec<_>>>::default();
        let last = Arc::clone(&gone);
        served.spawn(async move {
            let mut judge = judge;
            while let Some((message, _)) = heard.next().await {
                // The kernel says with it what the interface had counted (`rtmsg_ifinfo_build_skb`
                // in net/core/dev.c).
                if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelLink(link)) =
                    &message.payload
                    && let Some(counters) = links::read_counters(link)
                {
                    last.lock().unwrap_or_else(PoisonError::into_inner).push(counters);
                }
                if judge.matters(&message.payload) {
                    first.notify_one();
                }
            }
        });
        let told = Arc::clone(&changed);
        served.spawn(async move {
            loop {
                swarm.notified().await;
                sleep(SWARM).await;
                told.notify_one();
            }
        });
        Ok(Self { changed, ours, gone, _served: served })
    }

    /// Waits until something changed since the last time.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Tells whoever waits that something changed, though the kernel did not say so.
    pub(super) fn tell(&self) {
        self.changed.notify_one();
    }

    /// See [`super::Backend::gone`].
    pub(super) fn gone(&self) -> Vec<(InterfaceName, Counters)> {
        std::mem::take(&mut *self.gone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// We are about to delete this interface: that is no news.
    pub(super) fn expect_gone(&self, index: u32) {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner).insert(index);
    }
}

/// What of all that is said is about pods and uplinks.
struct Judge {
    ours: Arc<Mutex<BTreeSet<u32>>>,
    /// Interfaces with a name like ours.
    named: BTreeSet<u32>,
}

impl Judge {
    fn matters(&mut self, said: &NetlinkPayload<RouteNetlinkMessage>) -> bool {
        let said = match said {
            NetlinkPayload::InnerMessage(said) => said,
            // More was said than we could hear.
            NetlinkPayload::Overrun(_) => return true,
            _ => return false,
        };
        match said {
            RouteNetlinkMessage::NewRoute(route) | RouteNetlinkMessage::DelRoute(route) => {
                // A default route.
                route.header.destination_prefix_length == 0
            }
            RouteNetlinkMessage::NewLink(link) => {
                if is_named_as_ours(link) {
                    self.named.insert(link.header.index);
                }
                // The kernel says nothing of the IPv4 routes that go down with a link.
                let changed = link.header.change_mask;
                !self.ours().contains(&link.header.index)
                    && changed != LinkFlags::from_bits_retain(u32::MAX)
                    && changed.intersects(LinkFlags::Up | LinkFlags::Running)
                    && !link.header.flags.contains(LinkFlags::Up)
            }
            RouteNetlinkMessage::DelLink(link) => {
                self.named.remove(&link.header.index);
                !self.ours().remove(&link.header.index) && is_named_as_ours(link)
            }
            RouteNetlinkMessage::DelAddress(address) => {
                let index = address.header.index;
                self.named.contains(&index) && !self.ours().contains(&index)
            }
            _ => false,
        }
    }

    fn ours(&self) -> std::sync::MutexGuard<'_, BTreeSet<u32>> {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_named_as_ours(link: &LinkMessage) -> bool {
    link.attributes.iter().any(
        |it| matches!(it, LinkAttribute::IfName(name) if name.starts_with(InterfaceName::PREFIX)),
    )
}
