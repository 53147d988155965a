//! What stands in our nftables sets.
//!
//! A pod's address is recognised by its network alone, because every pod's range has the same
//! length: a rule masks the address and looks the result up, so plain hash sets do.

use std::net::{Ipv4Addr, Ipv6Addr};

use myrelay_domain::addresses::{AddressPlan, PodRange};
use nftnl::set::SetKey;

/// The data types by which nft(8) prints a set (`enum datatypes` in nftables' datatype.h).
const TYPE_IPV4: u32 = 7;
const TYPE_IFINDEX: u32 = 20;
/// Bits of a data type within a concatenation (`TYPE_BITS` in the same file).
const TYPE_BITS: u32 = 6;

/// The mask of a pod's IPv4 range.
pub(super) const MASK_V4: u32 = u32::MAX << (32 - AddressPlan::POD_V4_LEN as u32);

/// An interface.
pub(super) struct Interface(pub(super) u32);

/// A pod's IPv4 network.
pub(super) struct Net4(pub(super) Ipv4Addr);

/// A pod's IPv6 network: its first 64 bits.
pub(super) struct Net6(pub(super) Ipv6Addr);

/// An interface and the IPv4 network of its pod.
pub(super) struct Member4(pub(super) u32, pub(super) Ipv4Addr);

/// An interface and the IPv6 network of its pod.
pub(super) struct Member6(pub(super) u32, pub(super) Ipv6Addr);

/// What one pod puts into the sets.
pub(super) struct PodKeys {
    pub(super) interface: Interface,
    pub(super) net4: Net4,
    pub(super) net6: Net6,
    pub(super) member4: Member4,
    pub(super) member6: Member6,
}

impl PodKeys {
    pub(super) fn new(index: u32, range: &PodRange) -> Self {
        let (v4, v6) = (range.v4.network(), range.v6.network());
        Self {
            interface: Interface(index),
            net4: Net4(v4),
            net6: Net6(v6),
            member4: Member4(index, v4),
            member6: Member6(index, v6),
        }
    }
}

fn upper_half(address: Ipv6Addr) -> [u8; 8] {
    let mut half = [0; 8];
    half.copy_from_slice(&address.octets()[..8]);
    half
}

impl SetKey for Interface {
    const TYPE: u32 = TYPE_IFINDEX;
    const LEN: u32 = 4;

    fn data(&self) -> Box<[u8]> {
        self.0.to_ne_bytes().into()
    }
}

impl SetKey for Net4 {
    const TYPE: u32 = TYPE_IPV4;
    const LEN: u32 = 4;

    fn data(&self) -> Box<[u8]> {
        self.0.octets().into()
    }
}

// nft(8) knows no type for half an IPv6 address: it prints it as two numbers of four bytes.
impl SetKey for Net6 {
    const TYPE: u32 = TYPE_IPV4 << TYPE_BITS | TYPE_IPV4;
    const LEN: u32 = 8;

    fn data(&self) -> Box<[u8]> {
        upper_half(self.0).into()
    }
}

impl SetKey for Member4 {
    const TYPE: u32 = TYPE_IFINDEX << TYPE_BITS | TYPE_IPV4;
    const LEN: u32 = 8;

    fn data(&self) -> Box<[u8]> {
        [&self.0.to_ne_bytes()[..], &self.1.octets()].concat().into()
    }
}

impl SetKey for Member6 {
    const TYPE: u32 = (TYPE_IFINDEX << TYPE_BITS | TYPE_IPV4) << TYPE_BITS | TYPE_IPV4;
    const LEN: u32 = 12;

    fn data(&self) -> Box<[u8]> {
        [&self.0.to_ne_bytes()[..], &upper_half(self.1)].concat().into()
    }
}
