//! What stands in our nftables sets.
//!
//! A pod's address is recognised by its network alone, because every pod's range has the same
//! length: a rule masks the address and looks the result up, so plain hash sets do.

use std::net::{Ipv4Addr, Ipv6Addr};

use myrelay_domain::addresses::{AddressPlan, PodRange};
use nftnl::set::SetKey;

/// The data type of an interface index (`TYPE_IFINDEX` in nftables' datatype.h): nft(8) prints a
/// set by it.
const TYPE_IFINDEX: u32 = 20;
/// Bits of a data type within a concatenation (`TYPE_BITS` in the same file).
const TYPE_BITS: u32 = 6;

/// The mask of a pod's IPv4 range.
pub(super) const MASK_V4: u32 = u32::MAX << (32 - AddressPlan::POD_V4_LEN as u32);
/// The mask of a pod's IPv6 range.
pub(super) const MASK_V6: u128 = u128::MAX << 64;

/// An interface.
pub(super) struct Interface(pub(super) u32);

/// An interface and the network of its pod.
pub(super) struct Member<A>(pub(super) u32, pub(super) A);

/// What one pod puts into the sets.
pub(super) struct PodKeys {
    pub(super) interface: Interface,
    pub(super) net4: Ipv4Addr,
    pub(super) net6: Ipv6Addr,
    pub(super) member4: Member<Ipv4Addr>,
    pub(super) member6: Member<Ipv6Addr>,
}

impl PodKeys {
    pub(super) fn new(index: u32, range: &PodRange) -> Self {
        let (net4, net6) = (range.v4.network(), range.v6.network());
        let (member4, member6) = (Member(index, net4), Member(index, net6));
        Self { interface: Interface(index), net4, net6, member4, member6 }
    }
}

impl SetKey for Interface {
    const TYPE: u32 = TYPE_IFINDEX;
    const LEN: u32 = 4;

    fn data(&self) -> Box<[u8]> {
        self.0.to_ne_bytes().into()
    }
}

impl<A: SetKey> SetKey for Member<A> {
    const TYPE: u32 = TYPE_IFINDEX << TYPE_BITS | A::TYPE;
    const LEN: u32 = 4 + A::LEN;

    fn data(&self) -> Box<[u8]> {
        [&self.0.to_ne_bytes()[..], &self.1.data()].concat().into()
    }
}
