//! How fast a pod goes: queues of the kernel on its interface (tc(8)), one for each direction.
//!
//! ```text
//! to the devices:    pod's interface, leaving   htb at `down`
//! from the devices:  pod's interface, arriving  → ifb device of the pod, leaving   htb at `up`
//! ```
//!
//! A queue can only hold back what leaves, so what arrives is first sent through a device of its
//! own (ifb), which hands it back afterwards. Small packets have a class of their own that goes
//! first: an acknowledgement, a question or a keystroke never waits behind a download. Large ones
//! wait in `fq_codel` where the kernel has it, which is fair between flows, else in a short line.
//!
//! A speed counts whole IP packets, and not what WireGuard puts around them.

mod messages;
mod read;

use std::{
    collections::BTreeMap,
    io,
    sync::atomic::{AtomicBool, Ordering},
};

use myrelay_domain::limits::Speed;
use rtnetlink::sys::protocols::NETLINK_ROUTE;

use crate::netlink::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Netlink};
use messages::{Class, Kind};
pub(crate) use read::Shape;

/// What the names of our ifb devices begin with; the rest is that of the pod's interface.
pub(crate) const PREFIX: &str = "mr-";

/// One interface, and the device for what arrives there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The pod's interface.
    pub(crate) index: u32,
    /// The name of its ifb device, at most 15 characters.
    pub(crate) ifb: String,
    /// Marks the ifb device as ours.
    pub(crate) alias: String,
}

/// Why a speed could not be set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShapingError {
    #[error("this host cannot limit upload: kernel module ifb is missing")]
    NoIfb,
    #[error("this host cannot limit speed: kernel module {0} is missing")]
    NoQueue(&'static str),
    #[error("{0}: {1}")]
    Failed(&'static str, #[source] io::Error),
    #[error(transparent)]
    Ended(#[from] io::Error),
}

/// Sets and reads speeds, in the network namespace of the calling thread.
#[derive(Debug, Default)]
pub(crate) struct Shaping {
    /// The kernel has been asked for `fq_codel`, and does not have it.
    plain: AtomicBool,
}

impl Shaping {
    /// Holds the interface at this speed, or lets it go as fast as it can. A class that is there
    /// gets another rate and keeps its queue.
    pub(crate) fn set(&self, place: &Place, speed: Option<Speed>) -> Result<(), ShapingError> {
        let mut netlink = open()?;
        let Some(speed) = speed else { return self.lift(&mut netlink, place) };
        let ifb = match read::ifb(&mut netlink, &place.ifb).map_err(failed("look for ifb"))? {
            Some(ifb) => ifb,
            None => make_ifb(&mut netlink, place)?,
        };
        self.hold(&mut netlink, place.index, speed.down)?;
        self.hold(&mut netlink, ifb, speed.up)?;
        lead(&mut netlink, place.index, ifb)
    }

    /// How these interfaces are held, by index. Asked of the kernel.
    pub(crate) fn read(&self, places: &[Place]) -> io::Result<BTreeMap<u32, Shape>> {
        read::shapes(&mut Netlink::open(NETLINK_ROUTE)?, places)
    }

    /// Removes the ifb device of a pod whose interface is gone, and with it its queues.
    pub(crate) fn forget(&self, name: &str) -> Result<(), ShapingError> {
        let mut netlink = open()?;
        delete_ifb(&mut netlink, name)
    }

    fn lift(&self, netlink: &mut Netlink, place: &Place) -> Result<(), ShapingError> {
        let own = read::queues_of(netlink, place.index).map_err(failed("read the queues"))?;
        for (there, queue) in
            [(own.root, messages::root(place.index)), (own.ingress, messages::ingress(place.index))]
        {
            if there {
                let deleted = netlink.ask(Kind::DELETE_QUEUE, 0, &queue);
                deleted.or_else(gone_is_fine).map_err(failed("remove a queue"))?;
            }
        }
        delete_ifb(netlink, &place.ifb)
    }

    /// What leaves by this interface leaves at this rate, in bits per second. What can only be half
    /// done is undone.
    fn hold(&self, netlink: &mut Netlink, index: u32, rate: u64) -> Result<(), ShapingError> {
        let new = !read::queues_of(netlink, index).map_err(failed("read the queues"))?.root;
        if new {
            let made =
                netlink.ask(Kind::NEW_QUEUE, NLM_F_CREATE | NLM_F_REPLACE, &messages::root(index));
            made.map_err(missing("sch_htb", "make a queue"))?;
        }
        let filled = self.fill(netlink, index, rate, new);
        if filled.is_err() {
            drop(netlink.ask(Kind::DELETE_QUEUE, 0, &messages::root(index)));
        }
        filled
    }

    fn fill(
        &self,
        netlink: &mut Netlink,
        index: u32,
        rate: u64,
        new: bool,
    ) -> Result<(), ShapingError> {
        let [small, large] = [Class::small(rate), Class::large(rate)];
        for class in [&Class::whole(rate), &small, &large] {
            let made = netlink.ask(Kind::NEW_CLASS, NLM_F_CREATE, &messages::class(index, class));
            made.map_err(failed("set a rate"))?;
        }
        let leaf = NLM_F_CREATE | NLM_F_REPLACE;
        let made = netlink.ask(Kind::NEW_QUEUE, leaf, &messages::fifo(index, &small));
        made.map_err(failed("make a line for small packets"))?;
        self.large_leaf(netlink, index, &large)?;
        if !new {
            return Ok(());
        }
        for filter in messages::small_packets(index) {
            let made = netlink.ask(Kind::NEW_FILTER, NLM_F_CREATE | NLM_F_EXCL, &filter);
            made.map_err(missing("cls_u32", "sort packets by size"))?;
        }
        Ok(())
    }

    fn large_leaf(
        &self,
        netlink: &mut Netlink,
        index: u32,
        class: &Class,
    ) -> Result<(), ShapingError> {
        let leaf = NLM_F_CREATE | NLM_F_REPLACE;
        if !self.plain.load(Ordering::Relaxed) {
            match netlink.ask(Kind::NEW_QUEUE, leaf, &messages::fq_codel(index, class)) {
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                    self.plain.store(true, Ordering::Relaxed);
                }
                done => return done.map_err(failed("make a fair line")),
            }
        }
        let made = netlink.ask(Kind::NEW_QUEUE, leaf, &messages::fifo(index, class));
        made.map_err(failed("make a line for large packets"))
    }
}

fn open() -> Result<Netlink, ShapingError> {
    Netlink::open(NETLINK_ROUTE).map_err(failed("open rtnetlink"))
}

/// Makes the ifb device, with our alias, up.
fn make_ifb(netlink: &mut Netlink, place: &Place) -> Result<u32, ShapingError> {
    let make = messages::new_ifb(&place.ifb);
    let made = netlink.ask(Kind::NEW_LINK, NLM_F_CREATE | NLM_F_EXCL, &make);
    made.map_err(|error| match error.raw_os_error() {
        // `rtnl_newlink` of net/core/rtnetlink.c, when the kernel knows no such kind.
        Some(libc::EOPNOTSUPP) => ShapingError::NoIfb,
        _ => ShapingError::Failed("make an ifb device", error),
    })?;
    let found = read::ifb(netlink, &place.ifb).map_err(failed("look for ifb"))?;
    let vanished = || ShapingError::Failed("make an ifb device", io::ErrorKind::NotFound.into());
    let index = found.ok_or_else(vanished)?;
    // A kernel without IPv6 cannot, and need not.
    drop(netlink.ask(Kind::NEW_LINK, 0, &messages::silence(index)));
    // The kernel takes no alias with the device itself.
    let marked = netlink.ask(Kind::NEW_LINK, 0, &messages::mark(index, &place.alias));
    marked.map_err(failed("mark an ifb device"))?;
    Ok(index)
}

/// What arrives at the interface goes through the ifb device first.
fn lead(netlink: &mut Netlink, index: u32, ifb: u32) -> Result<(), ShapingError> {
    if read::queues_of(netlink, index).map_err(failed("read the queues"))?.ingress {
        if read::leads_to(netlink, index).map_err(failed("read a filter"))? == Some(ifb) {
            return Ok(());
        }
        let deleted = netlink.ask(Kind::DELETE_QUEUE, 0, &messages::ingress(index));
        deleted.or_else(gone_is_fine).map_err(failed("remove a queue"))?;
    }
    let made = netlink.ask(Kind::NEW_QUEUE, NLM_F_CREATE | NLM_F_EXCL, &messages::ingress(index));
    made.map_err(missing("sch_ingress", "hold what arrives"))?;
    let lead = messages::lead(index, ifb);
    let led = netlink.ask(Kind::NEW_FILTER, NLM_F_CREATE | NLM_F_EXCL, &lead);
    led.map_err(missing("cls_u32 or act_mirred", "lead what arrives to ifb"))
}

fn delete_ifb(netlink: &mut Netlink, name: &str) -> Result<(), ShapingError> {
    let found = read::ifb(netlink, name).map_err(failed("look for ifb"))?;
    let Some(index) = found else { return Ok(()) };
    let deleted = netlink.ask(Kind::DELETE_LINK, 0, &messages::link(index));
    deleted.or_else(gone_is_fine).map_err(failed("remove an ifb device"))
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> ShapingError {
    move |error| ShapingError::Failed(what, error)
}

/// ENOENT is what the kernel says when it has no module of the kind asked for.
fn missing(module: &'static str, what: &'static str) -> impl FnOnce(io::Error) -> ShapingError {
    move |error| match error.raw_os_error() {
        Some(libc::ENOENT) => ShapingError::NoQueue(module),
        _ => ShapingError::Failed(what, error),
    }
}

fn gone_is_fine(error: io::Error) -> io::Result<()> {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::EINVAL) => Ok(()),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use rustix::thread::{UnshareFlags, unshare_unsafe};

    use super::*;

    /// In a network namespace that only its own thread ever sees; loopback is never up there.
    #[test]
    fn a_speed_is_set_changed_read_back_and_lifted() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root to make a network namespace");
            return;
        }
        let shaped = std::thread::spawn(|| {
            #[expect(unsafe_code, reason = "there is no safe way into a new namespace")]
            // SAFETY: the thread shares no files or memory mappings by this flag.
            unsafe {
                unshare_unsafe(UnshareFlags::NEWNET).unwrap();
            }
            let shaping = Shaping::default();
            let place =
                Place { index: 1, ifb: "mr-test".to_owned(), alias: "myrelay:test".to_owned() };
            let shape = || shaping.read(std::slice::from_ref(&place)).unwrap()[&1];
            assert_eq!(shape(), Shape::Free);
            for (down, up) in [
                (64_000, 64_000),
                (10_000_000, 1_000_000),
                (50_000_000, 999_000),
                (100_000_000_000, 40_000_000_000),
            ] {
                let speed = Speed::new(down, up).unwrap();
                for _ in 0..2 {
                    match shaping.set(&place, Some(speed)) {
                        Err(ShapingError::NoIfb | ShapingError::NoQueue(_)) => {
                            println!("skipped: this kernel has not all it takes");
                            return;
                        }
                        done => done.unwrap(),
                    }
                    assert_eq!(shape(), Shape::Held(speed));
                }
            }
            // Half of it is taken away: it is neither free nor held, and can be put right.
            let mut netlink = open().unwrap();
            netlink.ask(Kind::DELETE_QUEUE, 0, &messages::ingress(1)).unwrap();
            assert_eq!(shape(), Shape::Broken);
            let speed = Speed::new(5_000_000, 5_000_000).unwrap();
            shaping.set(&place, Some(speed)).unwrap();
            assert_eq!(shape(), Shape::Held(speed));
            shaping.forget("mr-test").unwrap();
            assert_eq!(shape(), Shape::Broken);
            shaping.set(&place, Some(speed)).unwrap();
            assert_eq!(shape(), Shape::Held(speed));
            for _ in 0..2 {
                shaping.set(&place, None).unwrap();
                assert_eq!(shape(), Shape::Free);
                assert_eq!(read::ifb(&mut netlink, "mr-test").unwrap(), None);
            }
        });
        shaped.join().unwrap();
    }
}
