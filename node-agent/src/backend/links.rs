//! Interfaces, addresses and routes of this network namespace, over one rtnetlink socket.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use futures::StreamExt;
use ipnet::IpNet;
use myrelay_domain::{
    ids::{PodId, TypedId},
    interface::InterfaceName,
};
use rtnetlink::{
    Error, Handle, LinkUnspec, LinkWireguard, RouteMessageBuilder,
    packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload},
    packet_route::{
        RouteNetlinkMessage,
        address::{AddressAttribute, AddressMessage},
        link::{AfSpecInet6, AfSpecUnspec, LinkAttribute, LinkFlags, LinkMessage},
        route::{RouteAttribute, RouteMessage, RouteType},
    },
};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{Duration, sleep},
};

use super::{BackendError, Counters};
use crate::{
    firewall::Uplinks,
    shaping::{self, Place},
};

/// WireGuard's usual MTU: 1500 bytes less an IPv6 header, a UDP header and WireGuard's own 32,
/// so that a full packet crosses a common path in one piece (wg-quick(8) computes the same).
const MTU: u32 = 1420;
/// What the alias of each of our interfaces begins with; the pod's id follows.
const ALIAS_PREFIX: &str = "myrelay:";
/// How often a dump is tried again when something changed under it.
const DUMP_TRIES: usize = 16;
/// The pause before that.
pub(super) const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// An interface whose name begins as ours do.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) alias: Option<String>,
    pub(super) up: bool,
    /// Whether it can have IPv6 addresses.
    pub(super) ipv6: bool,
    /// Without link-local ones, which the kernel adds by itself.
    pub(super) addresses: BTreeSet<IpNet>,
}

/// The socket, and the task that serves it: it ends with this value.
pub(super) struct Links {
    handle: Handle,
    /// A socket on which a dump can be asked for one interface alone (`NETLINK_GET_STRICT_CHK`,
    /// netlink(7)).
    strict: Handle,
    /// One dump at a time: the kernel refuses a second one on the same socket (`EBUSY`, netlink(7)).
    turn: Mutex<()>,
    _served: JoinSet<()>,
}

impl Link {
    /// Whether the alias says that the interface is ours.
    pub(super) fn is_ours(&self) -> bool {
        self.alias.as_deref().is_some_and(|it| it.starts_with(ALIAS_PREFIX))
    }

    /// The pod in the alias, if it can be read.
    pub(super) fn pod(&self) -> Option<PodId> {
        self.alias.as_deref()?.strip_prefix(ALIAS_PREFIX)?.parse().ok()
    }

    /// Where its queues hang.
    pub(super) fn place(&self) -> Place {
        let rest = self.name.strip_prefix(InterfaceName::PREFIX).unwrap_or(&self.name);
        Place {
            index: self.index,
            ifb: format!("{}{rest}", shaping::PREFIX),
            alias: self.alias.clone().unwrap_or_else(|| ALIAS_PREFIX.to_owned()),
        }
    }

    /// The name, if it is one that we give.
    pub(super) fn interface(&self) -> Option<InterfaceName> {
        InterfaceName::parse(&self.name).ok()
    }
}

impl Links {
    /// Opens the socket in the network namespace of the calling thread.
    pub(super) fn connect() -> Result<Self, BackendError> {
        let failed = || BackendError::failed("open rtnetlink");
        let (connection, handle, _) = rtnetlink::new_connection().map_err(failed())?;
        let (strictly, strict, _) =
            rtnetlink::new_connection_with_strict_check().map_err(failed())?;
        let mut served = JoinSet::new();
        served.spawn(connection);
        served.spawn(strictly);
        Ok(Self { handle, strict, turn: Mutex::default(), _served: served })
    }

    /// All interfaces whose names begin as ours do, with their addresses.
    pub(super) async fn candidates(&self) -> Result<Vec<Link>, BackendError> {
        let what = "list the interfaces";
        let get_links = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let mut links = BTreeMap::new();
        for message in self.dump(get_links, what).await? {
            if let RouteNetlinkMessage::NewLink(message) = message
                && let Some(link) = read_link(&message)
            {
                links.insert(link.index, link);
            }
        }
        if links.is_empty() {
            return Ok(Vec::new());
        }
        let get_addresses = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        for message in self.dump(get_addresses, what).await? {
            if let RouteNetlinkMessage::NewAddress(message) = message
                && let Some(link) = links.get_mut(&message.header.index)
            {
                link.addresses.extend(read_address(&message));
            }
        }
        Ok(links.into_values().collect())
    }

    /// What each of our interfaces moved, in one dump.
    pub(super) async fn counters(&self) -> Result<BTreeMap<InterfaceName, Counters>, BackendError> {
        let get_links = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let links = self.dump(get_links, "read the interfaces' counters").await?;
        let counters = links.into_iter().filter_map(|message| {
            let RouteNetlinkMessage::NewLink(message) = message else { return None };
            read_counters(&message)
        });
        Ok(counters.collect())
    }

    /// Our ifb devices whose pod's interface is gone.
    pub(super) async fn orphans(&self) -> Result<Vec<String>, BackendError> {
        let get_links = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let (mut ours, mut names) = (Vec::new(), BTreeSet::new());
        for message in self.dump(get_links, "list the interfaces").await? {
            let RouteNetlinkMessage::NewLink(message) = message else { continue };
            let link = describe(&message);
            if link.name.starts_with(shaping::PREFIX) && link.is_ours() {
                ours.push(link.name);
            } else {
                names.insert(link.name);
            }
        }
        let is_left = |ifb: &String| {
            let rest = ifb.strip_prefix(shaping::PREFIX).unwrap_or_default();
            !names.contains(&format!("{}{rest}", InterfaceName::PREFIX))
        };
        Ok(ours.into_iter().filter(is_left).collect())
    }

    /// One of them; the others are not read, or a thousand pods would be read a thousand times.
    pub(super) async fn find(&self, name: &InterfaceName) -> Result<Option<Link>, BackendError> {
        let what = format!("look for {name}");
        let mut found = self.handle.link().get().match_name(name.as_str()).execute().boxed();
        let message = match found.next().await {
            None => return Ok(None),
            Some(Ok(message)) => message,
            // An interface that is not there is an answer.
            Some(Err(error)) if is_gone(&to_io(&error)) => return Ok(None),
            Some(Err(error)) => return Err(failed(what)(error)),
        };
        let Some(mut link) = read_link(&message) else { return Ok(None) };
        for address in self.addresses_of(link.index, &what).await? {
            link.addresses.extend(read_address(&address));
        }
        Ok(Some(link))
    }

    async fn addresses_of(
        &self,
        index: u32,
        what: &str,
    ) -> Result<Vec<AddressMessage>, BackendError> {
        let found = self.dump_on(&self.strict, get_addresses_of(index), what).await?;
        let addresses = found.into_iter().filter_map(|it| match it {
            // Who does not know the filter sends them all.
            RouteNetlinkMessage::NewAddress(it) if it.header.index == index => Some(it),
            _ => None,
        });
        Ok(addresses.collect())
    }

    /// Whether there is an interface of that name, asked of it alone.
    pub(super) async fn is_there(&self, name: &InterfaceName) -> bool {
        let get = self.handle.link().get().match_name(name.to_string());
        matches!(get.execute().boxed().next().await, Some(Ok(_)))
    }

    /// Makes a WireGuard interface of the kernel, down and bare.
    pub(super) async fn create_wireguard(&self, name: &InterfaceName) -> Result<(), BackendError> {
        let message = LinkWireguard::new(name.as_str()).build();
        let added = self.handle.link().add(message).execute().await;
        added.map_err(failed(format!("create {name}")))
    }

    /// Marks the interface as the pod's and sets its MTU.
    pub(super) async fn mark(&self, index: u32, pod: PodId) -> Result<(), BackendError> {
        debug_assert_eq!(PodId::PREFIX, "pod");
        let message = LinkUnspec::new_with_index(index)
            .alias(format!("{ALIAS_PREFIX}{pod}"))
            .mtu(MTU)
            .build();
        let changed = self.handle.link().change(message).execute().await;
        changed.map_err(failed(format!("mark the interface of {pod}")))
    }

    /// Brings the interface up; the raw error, because the caller knows what a taken port means.
    pub(super) async fn set_up(&self, index: u32) -> io::Result<()> {
        let message = LinkUnspec::new_with_index(index).up().build();
        self.handle.link().change(message).execute().await.map_err(|error| to_io(&error))
    }

    /// Makes the addresses of the interface exactly these, as far as it can have them.
    pub(super) async fn set_addresses(
        &self,
        link: &Link,
        wanted: &BTreeSet<IpNet>,
    ) -> Result<(), BackendError> {
        let possible = |net: &&IpNet| link.ipv6 || net.addr().is_ipv4();
        for net in wanted.difference(&link.addresses).filter(possible) {
            let add = self.handle.address().add(link.index, net.addr(), net.prefix_len());
            let added = add.replace().execute().await;
            added.map_err(failed(format!("give {net} to {}", link.name)))?;
        }
        if link.addresses.is_subset(wanted) {
            return Ok(());
        }
        for message in self.addresses_of(link.index, "list the addresses").await? {
            if let Some(net) = read_address(&message)
                && !wanted.contains(&net)
            {
                let deleted = self.handle.address().del(message).execute().await;
                deleted.map_err(failed(format!("take {net} from {}", link.name)))?;
            }
        }
        Ok(())
    }

    /// Removes the interface; it may be gone already.
    pub(super) async fn delete(&self, index: u32) -> Result<(), BackendError> {
        match self.handle.link().del(index).execute().await {
            Err(error) if is_gone(&to_io(&error)) => Ok(()),
            other => other.map_err(failed("delete an interface")),
        }
    }

    /// Where packets to the internet leave, asked of the routing table. No packet is sent.
    pub(super) async fn uplinks(&self) -> Uplinks {
        // The lowest address of each family that only a default route leads to.
        let v4 = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(Ipv4Addr::new(1, 0, 0, 0), 32)
            .build();
        let v6 = RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 128)
            .build();
        Uplinks { v4: self.leaves_by(v4).await, v6: self.leaves_by(v6).await }
    }

    /// The name of an interface.
    pub(super) async fn name(&self, index: u32) -> Option<String> {
        let mut found = self.handle.link().get().match_index(index).execute().boxed();
        let link = found.next().await?.ok()?;
        link.attributes.into_iter().find_map(|it| match it {
            LinkAttribute::IfName(name) => Some(name),
            _ => None,
        })
    }

    /// No route at all is an answer too.
    async fn leaves_by(&self, destination: RouteMessage) -> Option<u32> {
        let mut found = self.handle.route().get(destination).execute().boxed();
        let route = found.next().await?.ok()?;
        if route.header.kind != RouteType::Unicast {
            return None;
        }
        route.attributes.into_iter().find_map(|it| match it {
            RouteAttribute::Oif(index) => Some(index),
            _ => None,
        })
    }

    /// Everything of one kind.
    async fn dump(
        &self,
        request: RouteNetlinkMessage,
        what: &str,
    ) -> Result<Vec<RouteNetlinkMessage>, BackendError> {
        self.dump_on(&self.handle, request, what).await
    }

    /// Everything that is asked for on a socket; tried again while something changes under it.
    async fn dump_on(
        &self,
        socket: &Handle,
        request: RouteNetlinkMessage,
        what: &str,
    ) -> Result<Vec<RouteNetlinkMessage>, BackendError> {
        let _turn = self.turn.lock().await;
        for _ in 0..DUMP_TRIES {
            let mut message = NetlinkMessage::from(request.clone());
            message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
            let mut handle = socket.clone();
            let mut answers = handle.request(message).map_err(failed(what))?;
            let (mut found, mut interrupted) = (Vec::new(), false);
            while let Some(answer) = answers.next().await {
                interrupted |= answer.header.flags & NLM_F_DUMP_INTR != 0;
                match answer.payload {
                    NetlinkPayload::InnerMessage(message) => found.push(message),
                    NetlinkPayload::Error(error) if is_busy(&error.to_io()) => interrupted = true,
                    // What one interface has that went meanwhile: nothing.
                    NetlinkPayload::Error(error) if is_gone(&error.to_io()) => {}
                    NetlinkPayload::Error(error) if error.code.is_some() => {
                        return Err(BackendError::failed(what)(error.to_io()));
                    }
                    _ => {}
                }
            }
            if !interrupted {
                return Ok(found);
            }
            sleep(BETWEEN_TRIES).await;
        }
        Err(BackendError::failed(what)("it changes all the time; trying again later"))
    }
}

fn get_addresses_of(index: u32) -> RouteNetlinkMessage {
    let mut message = AddressMessage::default();
    message.header.index = index;
    RouteNetlinkMessage::GetAddress(message)
}

/// Whether an earlier dump that nobody waits for any more is still being sent.
pub(super) fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EBUSY)
}

/// Whether there is no such interface.
fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENODEV)
}

/// What an interface of ours moved, if the message tells.
pub(super) fn read_counters(message: &LinkMessage) -> Option<(InterfaceName, Counters)> {
    let link = read_link(message).filter(Link::is_ours)?;
    let counted = message.attributes.iter().find_map(|it| match it {
        LinkAttribute::Stats64(it) => Some((it.rx_bytes, it.tx_bytes)),
        _ => None,
    });
    let (received, sent) = counted?;
    let (pod, index) = (link.pod(), link.index);
    Some((link.interface()?, Counters { pod, index, received, sent }))
}

fn read_link(message: &LinkMessage) -> Option<Link> {
    Some(describe(message)).filter(|it| it.name.starts_with(InterfaceName::PREFIX))
}

fn describe(message: &LinkMessage) -> Link {
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        alias: None,
        up: message.header.flags.contains(LinkFlags::Up),
        ipv6: false,
        addresses: BTreeSet::new(),
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias.clone()),
            LinkAttribute::AfSpecUnspec(families) => link.ipv6 = families.iter().any(is_ipv6),
            _ => {}
        }
    }
    link
}

/// Whether this says that the interface has IPv6. A kernel without it says nothing
/// (`inet6_fill_link_af` in net/ipv6/addrconf.c), and one where it is switched off says so.
fn is_ipv6(family: &AfSpecUnspec) -> bool {
    let is_on = |it: &AfSpecInet6| matches!(it, AfSpecInet6::DevConf(it) if it.disable_ipv6 == 0);
    matches!(family, AfSpecUnspec::Inet6(it) if it.iter().any(is_on))
}

fn read_address(message: &AddressMessage) -> Option<IpNet> {
    let local = message.attributes.iter().find_map(|it| match it {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let address = local.or_else(|| {
        message.attributes.iter().find_map(|it| match it {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })?;
    if matches!(address, IpAddr::V6(it) if it.is_unicast_link_local()) {
        return None;
    }
    IpNet::new(address, message.header.prefix_len).ok()
}

fn to_io(error: &Error) -> io::Error {
    match error {
        Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other.to_string()),
    }
}

fn failed(what: impl Into<String>) -> impl FnOnce(Error) -> BackendError {
    move |error| BackendError::failed(what)(to_io(&error))
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
