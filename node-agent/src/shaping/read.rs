//! What the kernel says about queues.

use std::{collections::BTreeMap, io};

use myrelay_domain::limits::Speed;

use super::{
    Place,
    messages::{self, INGRESS, KIND, Kind, OPTIONS, OURS, ROOT, WHOLE},
};
use crate::netlink::{Netlink, attribute, attributes, native};

/// `struct tcmsg` and `struct ifinfomsg`.
const ABOUT: usize = 20;
const INTERFACE: usize = 16;

/// How an interface is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing of ours holds it.
    Free,
    Held(Speed),
    /// Something is there and something is missing.
    Broken,
}

/// Which of our queues an interface has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Queues {
    pub(super) root: bool,
    pub(super) ingress: bool,
}

/// The queues of all interfaces, by index.
pub(super) fn queues(netlink: &mut Netlink) -> io::Result<BTreeMap<u32, Queues>> {
    let mut queues: BTreeMap<u32, Queues> = BTreeMap::new();
    for queue in netlink.dump(Kind::GET_QUEUE, &messages::everything(0, 0))? {
        let Some([index, handle, parent]) = about(&queue) else { continue };
        let it = queues.entry(index).or_default();
        it.root |= parent == ROOT && handle == OURS;
        it.ingress |= parent == INGRESS;
    }
    Ok(queues)
}

/// The queues of one interface.
pub(super) fn queues_of(netlink: &mut Netlink, index: u32) -> io::Result<Queues> {
    let mut handle = |parent| {
        match netlink.get(Kind::GET_QUEUE, &messages::everything(index, parent)) {
            Ok(queue) => Ok(queue.and_then(|it| about(&it)).map(|[_, handle, _]| handle)),
            // What the kernel says when there is none, or one that it made by itself.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINVAL)) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    };
    Ok(Queues { root: handle(ROOT)? == Some(OURS), ingress: handle(INGRESS)?.is_some() })
}

/// The ifb device of that name, if it is there and ours: one without an alias is one that an
/// agent was killed over.
pub(super) fn ifb(netlink: &mut Netlink, name: &str) -> io::Result<Option<u32>> {
    const ALIAS: u16 = 20;
    const UP: u32 = 1;
    let link = match netlink.get(Kind::GET_LINK, &messages::link_named(name)) {
        Ok(link) => link.unwrap_or_default(),
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return Ok(None),
        Err(error) => return Err(error),
    };
    let read = || {
        let index = native(link.get(4..)?)?;
        let up = native(link.get(8..)?)? & UP != 0;
        let alias = attribute(link.get(INTERFACE..)?, ALIAS).unwrap_or_default();
        Some((index, alias.starts_with(b"myrelay:") || (alias.is_empty() && !up)))
    };
    match read() {
        Some((index, true)) => Ok(Some(index)),
        _ => Err(io::Error::other(format!("a device that is not ours has the name {name}"))),
    }
}

/// The device that a filter leads to what arrives at an interface.
pub(super) fn leads_to(netlink: &mut Netlink, index: u32) -> io::Result<Option<u32>> {
    const ACTIONS: u16 = 7;
    let filters = netlink.dump(Kind::GET_FILTER, &messages::leads(index))?;
    let target = |filter: &Vec<u8>| {
        let options = attribute(filter.get(ABOUT..)?, OPTIONS)?;
        let (_, action) = attributes(attribute(options, ACTIONS)?).next()?;
        let mirred = attribute(attribute(action, OPTIONS)?, 2)?;
        // The last number of `struct tc_mirred`.
        native(mirred.get(24..)?)
    };
    Ok(filters.iter().find_map(target))
}

/// How each of these interfaces is held, by index.
pub(super) fn shapes(netlink: &mut Netlink, places: &[Place]) -> io::Result<BTreeMap<u32, Shape>> {
    let queues = queues(netlink)?;
    let own = |index| queues.get(&index).copied().unwrap_or_default();
    let mut shapes = BTreeMap::new();
    for place in places {
        let shape = match own(place.index) {
            Queues { root: false, ingress: false } => Shape::Free,
            Queues { root: true, ingress: true } => {
                held(netlink, place)?.map_or(Shape::Broken, Shape::Held)
            }
            _ => Shape::Broken,
        };
        shapes.insert(place.index, shape);
    }
    Ok(shapes)
}

/// The speed of an interface that has its queues; none when one of them holds nothing.
fn held(netlink: &mut Netlink, place: &Place) -> io::Result<Option<Speed>> {
    let Some(ifb) = ifb(netlink, &place.ifb)? else { return Ok(None) };
    if leads_to(netlink, place.index)? != Some(ifb) {
        return Ok(None);
    }
    let (down, up) = (rate(netlink, place.index)?, rate(netlink, ifb)?);
    Ok(down.zip(up).map(|(down, up)| Speed { down, up }))
}

/// The rate of the class of all packets, in bits per second.
fn rate(netlink: &mut Netlink, index: u32) -> io::Result<Option<u64>> {
    const PARAMETERS: u16 = 1;
    const RATE64: u16 = 6;
    let classes = netlink.dump(Kind::GET_CLASS, &messages::everything(index, 0))?;
    let read = |class: &Vec<u8>| {
        let [_, handle, _] = about(class)?;
        let attributes = class.get(ABOUT..)?;
        if handle != WHOLE || attribute(attributes, KIND) != Some(b"htb\0") {
            return None;
        }
        let options = attribute(attributes, OPTIONS)?;
        let rate64 = attribute(options, RATE64).and_then(|it| it.first_chunk());
        let rate = match rate64 {
            Some(rate) => u64::from_ne_bytes(*rate),
            None => native(attribute(options, PARAMETERS)?.get(8..)?)?.into(),
        };
        Some(rate * 8)
    };
    Ok(classes.iter().find_map(read))
}

/// Interface, handle and parent of a message about queues.
fn about(message: &[u8]) -> Option<[u32; 3]> {
    Some([native(message.get(4..)?)?, native(message.get(8..)?)?, native(message.get(12..)?)?])
}
