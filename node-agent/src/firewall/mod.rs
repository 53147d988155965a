//! The walls around pods: one nftables table of ours, changed in one transaction or not at all.

mod expressions;
mod netfilter;
mod rules;
mod sets;

use std::{collections::BTreeMap, io};

use myrelay_domain::addresses::PodRange;
use netfilter::Netfilter;

/// The table's name; its family is `inet`, both IP versions.
const TABLE: &str = "myrelay";

/// Where packets leave the node, as interface indexes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uplinks {
    pub(crate) v4: Option<u32>,
    pub(crate) v6: Option<u32>,
}

/// What the walls stand around.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Pods' interfaces, by index, with what may come from them.
    pub(crate) pods: BTreeMap<u32, PodRange>,
    pub(crate) uplinks: Uplinks,
}

impl Layout {
    /// Adds a pod. What an interface that is gone left behind for the same range goes: a network
    /// stands in a set once.
    pub(crate) fn insert(&mut self, index: u32, range: PodRange) {
        self.pods.retain(|_, it| it.v4 != range.v4 && it.v6 != range.v6);
        self.pods.insert(index, range);
    }
}

/// The walls as this process knows them.
#[derive(Default)]
pub(crate) struct Firewall {
    applied: Option<Applied>,
}

struct Applied {
    layout: Layout,
    /// The kernel's count of rule set changes, by anybody; none when somebody else changed
    /// something while we did.
    generation: Option<u32>,
}

impl Firewall {
    /// What was applied last; none in a new process.
    pub(crate) fn layout(&self) -> Option<&Layout> {
        self.applied.as_ref().map(|it| &it.layout)
    }

    /// Makes the table match the layout; without pods there is no table. When nobody touched the
    /// rule set since, a pod is a few set elements; otherwise the table is made anew. Either way
    /// it is one transaction: no packet meets half of it, and no other table is touched.
    pub(crate) fn ensure(&mut self, layout: Layout) -> io::Result<()> {
        let mut netfilter = Netfilter::open()?;
        let before = netfilter.generation()?;
        let known = self.applied.take().filter(|it| it.generation == Some(before));
        if let Some(known) = known {
            if known.layout == layout {
                self.applied = Some(known);
                return Ok(());
            }
            let table_stays = !known.layout.pods.is_empty() && !layout.pods.is_empty();
            if table_stays && known.layout.uplinks == layout.uplinks {
                let sent = netfilter.send(rules::difference(&known.layout.pods, &layout.pods));
                if sent.is_ok() {
                    return self.remember(&mut netfilter, before, layout);
                }
                // More answers than the first refusal may wait in the old socket.
                netfilter = Netfilter::open()?;
            }
        }
        let all = if layout.pods.is_empty() { rules::nothing() } else { rules::all(&layout) };
        netfilter.send(all)?;
        self.remember(&mut netfilter, before, layout)
    }

    fn remember(
        &mut self,
        netfilter: &mut Netfilter,
        before: u32,
        layout: Layout,
    ) -> io::Result<()> {
        let after = netfilter.generation()?;
        // Our transaction is one step; more means that somebody else made the others.
        let generation = (after == before.wrapping_add(1)).then_some(after);
        self.applied = Some(Applied { layout, generation });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use myrelay_domain::addresses::AddressPlan;
    use rustix::thread::{UnshareFlags, unshare_unsafe};

    use super::*;

    fn layout(pods: u32) -> Layout {
        let site = AddressPlan::v6_site([3; 5]);
        let plan = AddressPlan::new("10.0.0.0/8".parse().unwrap(), site).unwrap();
        let pods = (0..pods).map(|it| (it + 100, plan.pod_range(it).unwrap())).collect();
        Layout { pods, uplinks: Uplinks { v4: Some(1), v6: None } }
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
