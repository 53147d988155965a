//! The walls around pods: one nftables table of ours, changed in one transaction or not at all.

mod expressions;
mod host;
mod netfilter;
mod private;
mod rules;
mod sets;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use ipnet::{Ipv4Net, Ipv6Net};
use netfilter::Netfilter;

/// The table's name; its family is `inet`, both IP versions.
const TABLE: &str = "myrelay";

/// The most connections that 64 addresses of a pod have open at a time in each address family: one
/// that is the smallest pod, or one of the parts that a larger pod is made of.
///
/// Linux remembers 65,536 connections on a host with 1 to 4 GB of memory and 262,144 on a larger
/// one (`nf_conntrack_max`); what is more is refused to everybody. So what is open takes a sixteenth
/// of the smaller table, and 61 devices have 67 each. The kernel walks the list of a part for each
/// connection that is opened, which is another reason not to have it much longer.
pub const MOST_FLOWS: u32 = 4096;

/// How many connections the same 64 addresses open in a second, once they opened [`MOST_FLOWS`] at
/// once. Linux remembers one that was closed for two minutes more, and does not count it as open
/// (`already_closed` of net/netfilter/nf_conncount.c): without this, opening and closing would fill
/// the table.
pub(crate) const FLOWS_A_SECOND: u32 = 100;

/// Where packets leave the node, as interface indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uplinks {
    pub(crate) v4: Option<u32>,
    pub(crate) v6: Option<u32>,
}

/// A pod, as far as the walls go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pod {
    /// The node's own address in it, with the prefix of the range that may come from it.
    pub(crate) v4: Ipv4Net,
    /// None where its interface has no IPv6: then nothing may come from it that way.
    pub(crate) v6: Option<Ipv6Net>,
    /// The UDP port that it listens on; none while it is not known.
    pub(crate) port: Option<u16>,
    /// Its devices reach each other.
    pub(crate) meeting: bool,
    /// Nothing passes.
    pub(crate) stopped: bool,
}

/// What the walls stand around.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// By the index of their interfaces.
    pub(crate) pods: BTreeMap<u32, Pod>,
    pub(crate) uplinks: Uplinks,
    /// The UDP port of the resolver that answers at the pods' gateways.
    pub(crate) resolver: Option<u16>,
}

impl Layout {
    /// Adds a pod. What an interface that is gone left behind for the same range goes: a network
    /// stands in a set once.
    pub(crate) fn insert(&mut self, index: u32, pod: Pod) {
        self.pods.retain(|_, it| it.v4 != pod.v4 && (it.v6 != pod.v6 || it.v6.is_none()));
        self.pods.insert(index, pod);
    }

    /// Without pods and without a resolver there is nothing to guard.
    fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.resolver.is_none()
    }

    fn ports(&self) -> BTreeSet<u16> {
        self.pods.values().filter_map(|it| it.port).collect()
    }
}

/// The walls as this process knows them.
pub(crate) struct Firewall {
    applied: Option<Applied>,
    /// The kernel's expression that counts connections.
    counter: &'static str,
    /// Somebody else changed the table, and it was made anew.
    edited: bool,
}

struct Applied {
    layout: Layout,
    /// The table's chains and rules as the kernel told them; pods change none of them. None when
    /// it did not tell: then nobody knows whether they stand.
    told: Option<Vec<Vec<u8>>>,
    /// The kernel's count of rule set changes, by anybody; none when somebody else changed
    /// something while we did.
    generation: Option<u32>,
    /// The kernel has what counts a pod's connections.
    bounded: bool,
}

impl Default for Firewall {
    fn default() -> Self {
        Self { applied: None, counter: "connlimit", edited: false }
    }
}

impl Applied {
    /// Whether chains, rules and what pods put into sets are what was left there.
    fn stands(&self, netfilter: &mut Netfilter) -> io::Result<bool> {
        if self.told.is_none() || self.told != Some(netfilter.chains_and_rules(TABLE)?) {
            return Ok(false);
        }
        if self.layout.is_empty() {
            return Ok(true);
        }
        for set in sets::ALL {
            if netfilter.elements(TABLE, set.name)? != Some(set.all_keys(&self.layout.pods)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Firewall {
    /// What was applied last; none in a new process.
    pub(crate) fn layout(&self) -> Option<&Layout> {
        self.applied.as_ref().map(|it| &it.layout)
    }

    /// Whether somebody else changed the table since this was asked last.
    pub(crate) fn take_edited(&mut self) -> bool {
        std::mem::take(&mut self.edited)
    }

    /// Whether a pod has no more connections than [`MOST_FLOWS`]: not where the kernel cannot count.
    pub(crate) fn is_bounded(&self) -> bool {
        self.applied.as_ref().is_some_and(|it| it.bounded)
    }

    /// Makes the table match the layout; without pods there is no table. Where it stands as it was
    /// left, a pod is a few set elements, and what the kernel counts goes on; otherwise the table is
    /// made anew. Either way it is one transaction: no packet meets half of it. Then the host's own
    /// firewall is told the pods' ports, if it has a place for them; no other table is touched.
    pub(crate) fn ensure(&mut self, layout: Layout) -> io::Result<()> {
        let mut netfilter = Netfilter::open()?;
        let before = netfilter.generation()?;
        if let Some(known) = self.standing(before) {
            if known.layout == layout {
                // The host's own table may be what somebody changed.
                let Applied { bounded, told, .. } = known;
                self.remember(before, layout, bounded, told)?;
                return self.bound();
            }
            let same = |one: &Layout, other: &Layout| {
                (one.uplinks, one.resolver) == (other.uplinks, other.resolver)
            };
            let table_stays = !known.layout.is_empty() && !layout.is_empty();
            if table_stays && same(&known.layout, &layout) {
                let difference = rules::difference(&known.layout, &layout, known.bounded);
                let steps = u32::from(!difference.is_empty());
                if netfilter.send(difference).is_ok() {
                    let generation = before.wrapping_add(steps);
                    return self.remember(generation, layout, known.bounded, known.told);
                }
            }
        }
        let next = before.wrapping_add(1);
        if layout.is_empty() {
            // More answers than the first refusal may wait in the old socket.
            Netfilter::open()?.send(rules::nothing())?;
            return self.remember(next, layout, true, None);
        }
        let bounded = Netfilter::open()?.send(rules::all(&layout, Some(self.counter))).is_ok();
        if !bounded {
            Netfilter::open()?.send(rules::all(&layout, None))?;
        }
        self.remember(next, layout, bounded, None)
    }

    /// What was applied last, if it stands. Where somebody changed something in the kernel since,
    /// our table is looked at: another table is nobody's business of ours, and making ours anew
    /// forgets what pods have open. A table that cannot be read is made anew, and nothing is told.
    fn standing(&mut self, generation: u32) -> Option<Applied> {
        let known = self.applied.take()?;
        if known.generation == Some(generation) {
            return Some(known);
        }
        match Netfilter::open().and_then(|mut it| known.stands(&mut it)) {
            Ok(true) => Some(known),
            Ok(false) => {
                self.edited |= known.told.is_some();
                None
            }
            Err(_) => None,
        }
    }

    /// Bounds what could not be bounded before, should the kernel be able to count by now.
    fn bound(&mut self) -> io::Result<()> {
        let Some(known) = self.applied.as_ref().filter(|it| !it.bounded) else { return Ok(()) };
        let all = rules::all(&known.layout, Some(self.counter));
        if Netfilter::open()?.send(all).is_err() {
            return Ok(());
        }
        let (generation, layout) = (known.generation.unwrap_or_default(), known.layout.clone());
        self.remember(generation.wrapping_add(1), layout, true, None)
    }

    /// `generation` is the count that our transactions lead to; `told` is of a table that was not
    /// made anew.
    fn remember(
        &mut self,
        mut generation: u32,
        layout: Layout,
        bounded: bool,
        told: Option<Vec<Vec<u8>>>,
    ) -> io::Result<()> {
        let mut netfilter = Netfilter::open()?;
        if host::open_ports(&mut netfilter, &layout.ports())? {
            generation = generation.wrapping_add(1);
        }
        // The walls stand whether or not they can be read.
        let told = told.or_else(|| Netfilter::open().ok()?.chains_and_rules(TABLE).ok());
        let now = netfilter.generation()?;
        // More steps than ours mean that somebody else made the others.
        let generation = (now == generation).then_some(now);
        self.applied = Some(Applied { layout, told, generation, bounded });
        Ok(())
    }
}

/// Whether the table stands. An error where nf_tables is not to be had.
pub(crate) fn stands() -> io::Result<bool> {
    let mut netfilter = Netfilter::open()?;
    netfilter.generation()?;
    Ok(netfilter.elements(TABLE, sets::MEETING.name)?.is_some())
}

/// The interfaces in the sets `meeting` and `stopped` of the table that stands.
pub(crate) fn read_marks() -> io::Result<(BTreeSet<u32>, BTreeSet<u32>)> {
    let mut netfilter = Netfilter::open()?;
    let mut read = |set: &sets::Set| {
        let keys = netfilter.elements(TABLE, set.name)?.unwrap_or_default();
        let indexes =
            keys.iter().filter_map(|it| it.first_chunk()).map(|it| u32::from_ne_bytes(*it));
        Ok::<_, io::Error>(indexes.collect())
    };
    Ok((read(&sets::MEETING)?, read(&sets::STOPPED)?))
}

#[cfg(test)]
mod tests {
    use myrelay_domain::addresses::AddressPlan;
    use rustix::thread::{UnshareFlags, unshare_unsafe};

    use super::*;

    fn layout(pods: u32) -> Layout {
        let site = AddressPlan::v6_site([3; 5]);
        let plan = AddressPlan::new("10.0.0.0/8".parse().unwrap(), site).unwrap();
        let pod = |it| {
            let range = plan.pod_range(it).unwrap();
            let own = range.node();
            Pod {
                v4: Ipv4Net::new(own.v4, range.v4.prefix_len()).unwrap(),
                v6: Ipv6Net::new(own.v6, range.v6.prefix_len()).ok().filter(|_| it % 5 != 0),
                port: u16::try_from(it + 10_000).ok(),
                meeting: it % 2 == 0,
                stopped: it % 3 == 0,
            }
        };
        let pods = (0..pods).map(|it| (it + 100, pod(it))).collect();
        Layout { pods, uplinks: Uplinks { v4: Some(1), v6: None }, resolver: None }
    }

    /// In a network namespace that only its own thread ever sees.
    #[test]
    fn thousands_of_pods_are_one_transaction_and_one_pod_is_a_small_one() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root to make a network namespace");
            return;
        }
        let walls = std::thread::spawn(|| {
            #[expect(unsafe_code, reason = "there is no safe way into a new namespace")]
            // SAFETY: the thread shares no files or memory mappings by this flag.
            unsafe {
                unshare_unsafe(UnshareFlags::NEWNET).unwrap();
            }
            let mut firewall = Firewall::default();
            let generation = || Netfilter::open().unwrap().generation().unwrap();
            for pods in [5000, 5001, 4000, 1, 0] {
                let before = generation();
                firewall.ensure(layout(pods)).unwrap();
                assert_eq!(generation(), before + 1, "{pods}: one transaction");
                firewall.ensure(layout(pods)).unwrap();
                assert_eq!(generation(), before + 1, "{pods}: nothing to do");
            }
            // What stands there can be read.
            firewall.ensure(layout(700)).unwrap();
            let (meeting, stopped) = read_marks().unwrap();
            assert_eq!((meeting.len(), stopped.len()), (350, 234));
            assert!(meeting.contains(&102) && stopped.contains(&103) && !stopped.contains(&101));
            // A kernel that cannot count is no reason not to serve; when it can, it counts.
            assert!(firewall.is_bounded());
            firewall.counter = "of no kernel";
            firewall.ensure(layout(0)).unwrap();
            firewall.ensure(layout(3)).unwrap();
            assert!(!firewall.is_bounded());
            for pods in [5, 4, 4] {
                firewall.ensure(layout(pods)).unwrap();
                assert!(!firewall.is_bounded() && stands().unwrap());
            }
            firewall.counter = "connlimit";
            let before = generation();
            firewall.ensure(layout(4)).unwrap();
            assert!(firewall.is_bounded());
            assert_eq!(generation(), before + 1);
            // A new process knows nothing, and replaces whatever is there.
            firewall.ensure(layout(3)).unwrap();
            Firewall::default().ensure(layout(2)).unwrap();
            // The first one notices that somebody else was there.
            let before = generation();
            firewall.ensure(layout(3)).unwrap();
            assert_eq!(generation(), before + 1);
        });
        walls.join().unwrap();
    }
}
