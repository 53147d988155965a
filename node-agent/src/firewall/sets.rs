//! The sets of our table: what a pod is to the rules.
//!
//! A pod's address is recognised by its network alone, because every pod's range has the same
//! length: a rule masks the address and looks the result up, so plain hash sets do.

use std::collections::BTreeMap;

use myrelay_domain::addresses::{AddressPlan, PodRange};

use super::{
    TABLE,
    netfilter::{Act, Attributes, Batch},
};

/// Data types by which nft(8) prints a set (`enum datatypes` in nftables' datatype.h).
const IPV4: u32 = 7;
const IPV6: u32 = 8;
const INTERFACE: u32 = 20;
/// Bits of a data type within a concatenation (`TYPE_BITS` in the same file).
const TYPE_BITS: u32 = 6;
/// Tells nft(8) that the key is a number of this machine and not of the network
/// (`NFTNL_UDATA_SET_KEYBYTEORDER`, four bytes, `BYTEORDER_HOST_ENDIAN`).
const KEY_IS_A_NUMBER: [u8; 2] = [0, 4];
const HOST_ORDER: u32 = 1;
/// So many elements fit the 64 KiB of a list of attributes.
const ELEMENTS_PER_MESSAGE: usize = 512;

/// The mask of a pod's IPv4 range.
pub(super) const MASK_V4: u32 = u32::MAX << (32 - AddressPlan::POD_V4_LEN as u32);
/// The mask of a pod's IPv6 range.
pub(super) const MASK_V6: u128 = u128::MAX << 64;

/// A set, and what a pod puts into it.
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) id: u32,
    kind: u32,
    length: u32,
    key: fn(u32, &PodRange) -> Vec<u8>,
}

/// The pods' interfaces.
pub(super) const PODS: Set =
    Set { name: "pods", id: 1, kind: INTERFACE, length: 4, key: |index, _| interface(index) };
/// The pods' networks.
pub(super) const NETS_V4: Set =
    Set { name: "nets4", id: 2, kind: IPV4, length: 4, key: |_, range| net_v4(range) };
pub(super) const NETS_V6: Set =
    Set { name: "nets6", id: 3, kind: IPV6, length: 16, key: |_, range| net_v6(range) };
/// Pairs of a pod's interface and its network.
pub(super) const MEMBERS_V4: Set = Set {
    name: "members4",
    id: 4,
    kind: INTERFACE << TYPE_BITS | IPV4,
    length: 8,
    key: |index, range| [interface(index), net_v4(range)].concat(),
};
pub(super) const MEMBERS_V6: Set = Set {
    name: "members6",
    id: 5,
    kind: INTERFACE << TYPE_BITS | IPV6,
    length: 20,
    key: |index, range| [interface(index), net_v6(range)].concat(),
};
pub(super) const ALL: [Set; 5] = [PODS, NETS_V4, NETS_V6, MEMBERS_V4, MEMBERS_V6];

fn interface(index: u32) -> Vec<u8> {
    index.to_ne_bytes().into()
}

fn net_v4(range: &PodRange) -> Vec<u8> {
    range.v4.network().octets().into()
}

fn net_v6(range: &PodRange) -> Vec<u8> {
    range.v6.network().octets().into()
}

impl Set {
    /// Declares the empty set.
    pub(super) fn declare(&self, batch: &mut Batch) {
        let mut set = Attributes::default().text(1, TABLE).text(2, self.name);
        set = set.number(4, self.kind).number(5, self.length).number(10, self.id);
        if self.kind == INTERFACE {
            let user_data = [&KEY_IS_A_NUMBER[..], &HOST_ORDER.to_ne_bytes()].concat();
            set = set.bytes(13, &user_data);
        }
        batch.add(Act::NewSet, &set);
    }

    /// Adds or removes what these pods put into it.
    pub(super) fn change(&self, batch: &mut Batch, act: Act, pods: &BTreeMap<u32, PodRange>) {
        let elements: Vec<_> = pods
            .iter()
            .map(|(index, range)| Attributes::default().bytes(1, &(self.key)(*index, range)))
            .map(|value| Attributes::default().nest(1, &value))
            .collect();
        for part in elements.chunks(ELEMENTS_PER_MESSAGE) {
            let list = Attributes::list(part.iter().cloned());
            let change = Attributes::default().text(1, TABLE).text(2, self.name);
            batch.add(act, &change.nest(3, &list).number(4, self.id));
        }
    }
}
