//! Which addresses a deployment has, which a pod gets of them, and which a device gets of those.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// A pod's IPv4 range is a /26: the node, 61 devices, network and broadcast address.
    pub const POD_V4_LEN: u8 = 26;
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

    /// How many pods the deployment has addresses for.
    pub fn capacity(&self) -> u32 {
        (1u32 << (Self::POD_V4_LEN - self.v4.prefix_len())).min(Self::V6_PODS)
    }

    /// The addresses of the pod with this number, counted from 0; none beyond the capacity.
    pub fn pod_range(&self, index: u32) -> Option<PodRange> {
        if self.capacity() <= index {
            return None;
        }
        let v4 = u32::from(self.v4.network()) + (index << (32 - Self::POD_V4_LEN));
        let v6 = u128::from(self.v6.network()) + (u128::from(index) << 64);
        Some(PodRange {
            v4: Ipv4Net::new_assert(v4.into(), Self::POD_V4_LEN),
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
        (1u32 << (32 - self.v4.prefix_len())).saturating_sub(3)
    }

    /// The addresses of the device with this number, from [`Self::FIRST_DEVICE`]; none beyond the
    /// range.
    pub fn device(&self, host: u32) -> Option<HostAddresses> {
        (Self::FIRST_DEVICE..Self::FIRST_DEVICE + self.devices())
            .contains(&host)
            .then(|| self.at(host))
    }

    /// The lowest device number that is not among those in use.
    pub fn free_device(&self, used: &[u32]) -> Option<u32> {
        (Self::FIRST_DEVICE..Self::FIRST_DEVICE + self.devices()).find(|it| !used.contains(it))
    }

    /// Whether both addresses are those of one device of this pod.
    pub fn has_device(&self, addresses: &HostAddresses) -> bool {
        let host = u32::from(addresses.v4).wrapping_sub(u32::from(self.v4.network()));
        self.device(host).as_ref() == Some(addresses)
    }

    fn at(&self, host: u32) -> HostAddresses {
        HostAddresses {
            v4: (u32::from(self.v4.network()) + host).into(),
            v6: (u128::from(self.v6.network()) + u128::from(host)).into(),
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
