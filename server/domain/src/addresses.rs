//! Which addresses a deployment has, which a pod gets of them, and which a device gets of those.

mod blocks;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use blocks::{Block, Taken, take};

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// Why a pool of addresses cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    #[error(
        "the IPv4 pool is a private network of /8 to /{}, written without host bits",
        AddressPlan::POD_V4_LEN
    )]
    V4,
    #[error("the IPv6 site is a unique local network of /48 (RFC 4193), written without host bits")]
    V6,
}

/// The addresses of a whole deployment: no two pods overlap, on a node or across nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressPlan {
    v4: Ipv4Net,
    v6: Ipv6Net,
}

/// One pod's addresses: an IPv4 range and an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodRange {
    pub v4: Ipv4Net,
    pub v6: Ipv6Net,
}

/// One host's addresses in a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostAddresses {
    pub v4: Ipv4Addr,
    pub v6: Ipv6Addr,
}

impl AddressPlan {
    /// The smallest IPv4 range of a pod is a /26: the node, 61 devices, network and broadcast
    /// address. It has one number; larger ones have 2, 4, 8 or 16 numbers in a row.
    pub const POD_V4_LEN: u8 = 26;
    /// The most numbers of one pod: a /22 with 1,021 devices.
    pub const MAX_SIZE: u32 = 16;
    /// A deployment's /48 has this many /64 networks, one per pod.
    const V6_PODS: u32 = 1 << 16;

    /// Checks the two pools.
    pub fn new(v4: Ipv4Net, v6: Ipv6Net) -> Result<Self, PoolError> {
        let v4_fits = matches!(v4.prefix_len(), 8..=Self::POD_V4_LEN) && v4.trunc() == v4;
        let private = v4.network().is_private() && v4.broadcast().is_private();
        let shared = "100.64.0.0/10".parse::<Ipv4Net>().is_ok_and(|it| it.contains(&v4));
        if !v4_fits || !(private || shared) {
            return Err(PoolError::V4);
        }
        if v6.prefix_len() != 48 || v6.trunc() != v6 || v6.network().octets()[0] != 0xfd {
            return Err(PoolError::V6);
        }
        Ok(Self { v4, v6 })
    }

    /// A deployment's own /48 from 5 random bytes (RFC 4193 section 3.2).
    pub fn v6_site(random: [u8; 5]) -> Ipv6Net {
        let mut octets = [0; 16];
        octets[0] = 0xfd;
        octets[1..6].copy_from_slice(&random);
        Ipv6Net::new_assert(Ipv6Addr::from(octets), 48)
    }

    /// Both pools: all that pods' addresses come from.
    pub fn pools(&self) -> (Ipv4Net, Ipv6Net) {
        (self.v4, self.v6)
    }

    /// How many numbers a pod takes that is to have so many devices; at most [`Self::MAX_SIZE`],
    /// beyond which it has fewer.
    pub fn size_for(devices: u32) -> u32 {
        let hosts = devices.saturating_add(3);
        hosts.div_ceil(1 << (32 - Self::POD_V4_LEN)).clamp(1, Self::MAX_SIZE).next_power_of_two()
    }

    /// How many pods of the smallest size the deployment has addresses for.
    pub fn capacity(&self) -> u32 {
        (1u32 << (Self::POD_V4_LEN - self.v4.prefix_len())).min(Self::V6_PODS)
    }

    /// The addresses of a pod of the smallest size by its number, counted from 0; none beyond the
    /// capacity.
    pub fn pod_range(&self, number: u32) -> Option<PodRange> {
        self.range_of(Block { first: number, size: 1 })
    }

    /// The addresses of the pod that has these numbers: an IPv4 range over all of them, and the
    /// IPv6 /64 of the first. None beyond the capacity, or for what is no block.
    pub fn range_of(&self, block: Block) -> Option<PodRange> {
        let Block { first, size } = block;
        let is_block = size.is_power_of_two() && size <= Self::MAX_SIZE && first % size == 0;
        if !is_block || self.capacity() < first.checked_add(size)? {
            return None;
        }
        let len = Self::POD_V4_LEN - u8::try_from(size.trailing_zeros()).ok()?;
        let v4 = u32::from(self.v4.network()) + (first << (32 - Self::POD_V4_LEN));
        let v6 = u128::from(self.v6.network()) + (u128::from(first) << 64);
        Some(PodRange {
            v4: Ipv4Net::new_assert(v4.into(), len),
            v6: Ipv6Net::new_assert(v6.into(), 64),
        })
    }
}

impl PodRange {
    /// The number of the first device: 1 is the node itself.
    pub const FIRST_DEVICE: u32 = 2;

    /// The node's own addresses in the pod.
    pub fn node(&self) -> HostAddresses {
        self.at(1)
    }

    /// How many devices have addresses here.
    pub fn devices(&self) -> u32 {
        // Without the network, the node and the broadcast address.
        let last = u32::MAX.checked_shr(self.v4.prefix_len().into()).unwrap_or_default();
        last.saturating_sub(2)
    }

    /// The addresses of the device with this number, from [`Self::FIRST_DEVICE`]; none beyond the
    /// range.
    pub fn device(&self, host: u32) -> Option<HostAddresses> {
        self.numbers().contains(&host).then(|| self.at(host))
    }

    /// The lowest device number that is not among those in use.
    pub fn free_device(&self, used: &[u32]) -> Option<u32> {
        self.numbers().find(|it| !used.contains(it))
    }

    /// Whether it could be one of a plan's: without host bits, and both families hold every device.
    pub fn is_sound(&self) -> bool {
        let canonical = self.v4.trunc() == self.v4 && self.v6.trunc() == self.v6;
        canonical && (8..=30).contains(&self.v4.prefix_len()) && self.v6.prefix_len() <= 64
    }

    /// The numbers of all devices.
    fn numbers(&self) -> std::ops::Range<u32> {
        Self::FIRST_DEVICE..Self::FIRST_DEVICE.saturating_add(self.devices())
    }

    /// Whether both addresses are those of one device of this pod.
    pub fn has_device(&self, addresses: &HostAddresses) -> bool {
        let host = u32::from(addresses.v4).wrapping_sub(u32::from(self.v4.network()));
        self.device(host).as_ref() == Some(addresses)
    }

    fn at(&self, host: u32) -> HostAddresses {
        HostAddresses {
            v4: u32::from(self.v4.network()).saturating_add(host).into(),
            v6: u128::from(self.v6.network()).saturating_add(host.into()).into(),
        }
    }
}

impl HostAddresses {
    /// Both addresses.
    pub fn all(&self) -> [IpAddr; 2] {
        [self.v4.into(), self.v6.into()]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn plan(len: u8) -> AddressPlan {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), len);
        AddressPlan::new(v4, AddressPlan::v6_site([1, 2, 3, 4, 5])).unwrap()
    }

    #[test]
    fn a_pod_has_a_range_of_each_family_and_the_node_is_its_first_host() {
        let range = plan(8).pod_range(3).unwrap();
        assert_eq!(range.v4.to_string(), "10.0.0.192/26");
        assert_eq!(range.v6.to_string(), "fd01:203:405:3::/64");
        assert_eq!(range.node().v4.to_string(), "10.0.0.193");
        assert_eq!(range.device(2).unwrap().v6.to_string(), "fd01:203:405:3::2");
        assert_eq!((range.device(1), range.device(63)), (None, None));
        assert_eq!(plan(24).capacity(), 4);
        assert_eq!(plan(24).pod_range(4), None);
    }

    #[test]
    fn a_pod_is_as_large_as_its_plan() {
        for (devices, size, len) in [
            (0, 1, 26),
            (61, 1, 26),
            (62, 2, 25),
            (125, 2, 25),
            (126, 4, 24),
            (253, 4, 24),
            (509, 8, 23),
            (510, 16, 22),
            (1021, 16, 22),
            (u32::MAX, 16, 22),
        ] {
            assert_eq!(AddressPlan::size_for(devices), size, "{devices}");
            let range = plan(8).range_of(Block { first: 32, size }).unwrap();
            assert_eq!(range.v4.prefix_len(), len);
            assert!(devices <= range.devices() || size == AddressPlan::MAX_SIZE);
            assert_eq!(range.v6.to_string(), "fd01:203:405:20::/64");
        }
        for (first, size) in [(1, 2), (0, 3), (0, 32), (4, 8), (2, 4), (u32::MAX, 1)] {
            assert_eq!(plan(24).range_of(Block { first, size }), None, "{first} {size}");
        }
    }

    #[test]
    fn p33_a_range_that_no_plan_makes_is_seen_and_breaks_nothing() {
        let v6 = "fd00::/64";
        for (v4, v6, sound) in [
            ("10.0.0.0/26", v6, true),
            ("10.0.0.0/22", v6, true),
            ("10.0.0.1/26", v6, false),
            ("10.0.0.0/26", "fd00::1/64", false),
            ("10.0.0.0/26", "fd00::/65", false),
            ("0.0.0.0/0", "::/0", false),
            ("255.255.255.255/32", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", false),
        ] {
            let range = PodRange { v4: v4.parse().unwrap(), v6: v6.parse().unwrap() };
            assert_eq!(range.is_sound(), sound, "{range:?}");
            assert_eq!(range.device(u32::MAX), None, "{range:?}");
            assert!(!range.has_device(&range.node()), "{range:?}");
            assert!(range.free_device(&[]).is_some() == (0 < range.devices()), "{range:?}");
        }
    }

    #[test]
    fn a_pool_is_private_and_written_without_host_bits() {
        let v6 = AddressPlan::v6_site([0; 5]);
        for text in ["8.8.8.0/24", "10.0.0.1/8", "10.0.0.0/27", "10.0.0.0/7", "172.0.0.0/8"] {
            assert_eq!(AddressPlan::new(text.parse().unwrap(), v6), Err(PoolError::V4), "{text}");
        }
        let v4 = "100.64.0.0/10".parse().unwrap();
        for text in ["2001:db8::/48", "fd00::/47", "fd00::1/48"] {
            assert_eq!(AddressPlan::new(v4, text.parse().unwrap()), Err(PoolError::V6), "{text}");
        }
        assert!(AddressPlan::new(v4, v6).is_ok());
    }

    proptest! {
        #[test]
        fn p10_two_pods_never_overlap(len in 8u8..=26, a: u32, b: u32) {
            let plan = plan(len);
            let (a, b) = (a % plan.capacity(), b % plan.capacity());
            let (one, two) = (plan.pod_range(a).unwrap(), plan.pod_range(b).unwrap());
            let apart = !one.v4.contains(&two.v4) && !one.v6.contains(&two.v6);
            prop_assert_eq!(apart, a != b);
            prop_assert!(plan.v4.contains(&one.v4) && plan.v6.contains(&one.v6));
        }

        /// Pods of every size come and go in any order until the pool is full: no two overlap, what
        /// was released is given again, and nothing is lost on the way.
        #[test]
        fn p10_pods_of_mixed_sizes_never_overlap(
            len in 16u8..=24,
            steps in prop::collection::vec((any::<u8>(), any::<prop::sample::Index>()), 1..300),
        ) {
            let plan = plan(len);
            let (mut free, mut given, mut end) = (Vec::<Block>::new(), Vec::<Block>::new(), 0);
            for (step, which) in steps {
                if step % 3 == 0 && !given.is_empty() {
                    free.push(given.swap_remove(which.index(given.len())));
                } else {
                    let size = 1 << (step % 5);
                    let Some(taken) = take(&free, end, plan.capacity(), size) else { continue };
                    free.retain(|it| !taken.used_up.contains(it));
                    free.extend(taken.left_over);
                    given.push(taken.block);
                    end = end.max(taken.block.end());
                }
                let all: u32 = free.iter().chain(&given).map(|it| it.size).sum();
                prop_assert_eq!(all, end, "every number is free or given, once");
                let mut ranges: Vec<_> =
                    given.iter().map(|it| plan.range_of(*it).unwrap()).collect();
                ranges.sort_by_key(|it| it.v4.network());
                for pair in ranges.windows(2) {
                    prop_assert!(pair[0].v4.broadcast() < pair[1].v4.network());
                    prop_assert!(pair[0].v6 != pair[1].v6);
                }
            }
            free.append(&mut given);
            let all = take(&free, end, end, end.next_power_of_two() / 2);
            prop_assert!(end < 2 || all.is_some(), "neighbours come together again");
        }

        /// Devices come and go in any order: no two hold an address at the same time, a released
        /// one is given again, and a full pod says so.
        #[test]
        fn p10_devices_never_share_an_address(steps in prop::collection::vec(any::<u8>(), 1..200)) {
            let range = plan(8).pod_range(5).unwrap();
            let mut used: Vec<u32> = Vec::new();
            for step in steps {
                if step % 3 == 0 && !used.is_empty() {
                    let released = used.remove(usize::from(step) % used.len());
                    prop_assert!(range.free_device(&used).unwrap() <= released);
                } else if let Some(host) = range.free_device(&used) {
                    used.push(host);
                } else {
                    prop_assert_eq!(used.len(), 61);
                }
                let given: BTreeSet<_> = used.iter().map(|it| range.device(*it).unwrap().v4).collect();
                prop_assert_eq!(given.len(), used.len());
                for host in &used {
                    let addresses = range.device(*host).unwrap();
                    prop_assert!(range.has_device(&addresses));
                    prop_assert!(range.v4.contains(&addresses.v4) && range.v6.contains(&addresses.v6));
                }
            }
        }
    }
}
