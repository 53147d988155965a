//! The sets of our table: what a pod is to the rules.
//!
//! A pod's address is recognised by its network alone: a rule masks the address to the smallest
//! range a pod can have and looks the result up, so plain hash sets do. A larger range is a block
//! of smallest ones, and each of them is an element.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv6Net;
use myrelay_domain::addresses::AddressPlan;

use super::{
    Pod, TABLE,
    netfilter::{Act, Batch},
};
use crate::netlink::Attributes;

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
/// `NFT_SET_EVAL`: rules add to it.
const FILLED_BY_RULES: u32 = 0x20;
/// More than all pods of a node can have.
const MAX_COUNTED: u32 = 1 << 20;
/// So many elements fit the 64 KiB of a list of attributes.
const ELEMENTS_PER_MESSAGE: usize = 512;

/// The mask of the smallest IPv4 range of a pod.
pub(super) const MASK_V4: u32 = u32::MAX << (32 - AddressPlan::POD_V4_LEN as u32);
/// How many bits number the devices of the smallest range.
const PART_BITS: u32 = 32 - AddressPlan::POD_V4_LEN as u32;
/// The mask of a part of a pod's IPv6 range, with as many devices as the smallest IPv4 range.
pub(super) const MASK_PART_V6: u128 = u128::MAX << PART_BITS;
/// The mask of a pod's IPv6 range.
pub(super) const MASK_V6: u128 = u128::MAX << 64;

type Keys = Vec<Vec<u8>>;

/// A set, and what a pod puts into it.
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) id: u32,
    kind: u32,
    length: u32,
    keys: fn(u32, &Pod) -> Keys,
}

/// A set that the kernel fills by itself, with what it counts for each key, and clears of what is
/// over. What pods put into it is theirs to take out again.
pub(super) struct Counted(pub(super) Set);

/// The pods' interfaces.
pub(super) const PODS: Set =
    Set { name: "pods", id: 1, kind: INTERFACE, length: 4, keys: |index, _| interface(index) };
/// Those whose devices reach each other.
pub(super) const MEETING: Set = Set {
    name: "meeting",
    id: 2,
    kind: INTERFACE,
    length: 4,
    keys: |index, pod| only(pod.meeting, index),
};
/// Those through which nothing passes.
pub(super) const STOPPED: Set = Set {
    name: "stopped",
    id: 3,
    kind: INTERFACE,
    length: 4,
    keys: |index, pod| only(pod.stopped, index),
};
/// The pods' networks.
pub(super) const NETS_V4: Set =
    Set { name: "nets4", id: 4, kind: IPV4, length: 4, keys: |_, pod| nets_v4(pod) };
pub(super) const NETS_V6: Set =
    Set { name: "nets6", id: 5, kind: IPV6, length: 16, keys: |_, pod| nets_v6(pod) };
/// Pairs of a pod's interface and a network of it.
pub(super) const MEMBERS_V4: Set = Set {
    name: "members4",
    id: 6,
    kind: INTERFACE << TYPE_BITS | IPV4,
    length: 8,
    keys: |index, pod| pairs(index, nets_v4(pod)),
};
pub(super) const MEMBERS_V6: Set = Set {
    name: "members6",
    id: 7,
    kind: INTERFACE << TYPE_BITS | IPV6,
    length: 20,
    keys: |index, pod| pairs(index, nets_v6(pod)),
};
/// Pairs of a pod's interface and the node's own address on it.
pub(super) const GATEWAYS_V4: Set = Set {
    name: "gateways4",
    id: 8,
    kind: INTERFACE << TYPE_BITS | IPV4,
    length: 8,
    keys: |index, pod| pairs(index, vec![pod.v4.addr().octets().into()]),
};
pub(super) const GATEWAYS_V6: Set = Set {
    name: "gateways6",
    id: 9,
    kind: INTERFACE << TYPE_BITS | IPV6,
    length: 20,
    keys: |index, pod| pairs(index, pod.v6.iter().map(|it| it.addr().octets().into()).collect()),
};
pub(super) const ALL: [Set; 9] =
    [PODS, MEETING, STOPPED, NETS_V4, NETS_V6, MEMBERS_V4, MEMBERS_V6, GATEWAYS_V4, GATEWAYS_V6];

/// Pairs of a pod's interface and a part of its network as large as the smallest pod's: for each,
/// the connections that its devices have open.
pub(super) const FLOWS_V4: Counted = Counted(Set { name: "flows4", id: 10, ..MEMBERS_V4 });
pub(super) const FLOWS_V6: Counted = Counted(Set {
    name: "flows6",
    id: 11,
    keys: |index, pod| pairs(index, parts_v6(pod)),
    ..MEMBERS_V6
});
/// The same pairs: for each, how fast its devices open connections.
pub(super) const PACE_V4: Counted = Counted(Set { name: "pace4", id: 12, ..FLOWS_V4.0 });
pub(super) const PACE_V6: Counted = Counted(Set { name: "pace6", id: 13, ..FLOWS_V6.0 });
pub(super) const COUNTED: [Counted; 4] = [FLOWS_V4, FLOWS_V6, PACE_V4, PACE_V6];

fn interface(index: u32) -> Keys {
    vec![index.to_ne_bytes().into()]
}

fn only(condition: bool, index: u32) -> Keys {
    if condition { interface(index) } else { Vec::new() }
}

fn nets_v4(pod: &Pod) -> Keys {
    let net = pod.v4;
    let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
    let step = 1usize << (32 - AddressPlan::POD_V4_LEN);
    (first..=last).step_by(step).map(|it| it.to_be_bytes().into()).collect()
}

fn nets_v6(pod: &Pod) -> Keys {
    pod.v6.iter().map(|it| it.network().octets().into()).collect()
}

/// As many parts as the IPv4 range has: devices are numbered alike in both.
fn parts_v6(pod: &Pod) -> Keys {
    let count = 1u128 << AddressPlan::POD_V4_LEN.saturating_sub(pod.v4.prefix_len());
    let parts = |net: &Ipv6Net| {
        let first = u128::from(net.network());
        (0..count).map(move |it| (first + (it << PART_BITS)).to_be_bytes().into())
    };
    pod.v6.iter().flat_map(parts).collect()
}

fn pairs(index: u32, nets: Keys) -> Keys {
    nets.into_iter().map(|net| [&index.to_ne_bytes()[..], &net].concat()).collect()
}

impl Set {
    /// Declares the set with what these pods put into it.
    pub(super) fn declare(&self, batch: &mut Batch, pods: &BTreeMap<u32, Pod>) {
        batch.add(Act::NewSet, &self.described());
        let all = self.all_keys(pods);
        change(batch, Act::NewElements, TABLE, self.name, all.iter());
    }

    fn described(&self) -> Attributes {
        let mut set = Attributes::default().text(1, TABLE).text(2, self.name);
        set = set.number(4, self.kind).number(5, self.length).number(10, self.id);
        if self.kind == INTERFACE {
            let user_data = [&KEY_IS_A_NUMBER[..], &HOST_ORDER.to_ne_bytes()].concat();
            set = set.bytes(13, &user_data);
        }
        set
    }

    /// Takes out what only the pods before put into it, and puts in what only those after do.
    pub(super) fn differ(
        &self,
        batch: &mut Batch,
        before: &BTreeMap<u32, Pod>,
        after: &BTreeMap<u32, Pod>,
    ) {
        let (before, after) = (self.all_keys(before), self.all_keys(after));
        change(batch, Act::DeleteElements, TABLE, self.name, before.difference(&after));
        change(batch, Act::NewElements, TABLE, self.name, after.difference(&before));
    }

    pub(super) fn all_keys(&self, pods: &BTreeMap<u32, Pod>) -> BTreeSet<Vec<u8>> {
        pods.iter().flat_map(|(index, pod)| (self.keys)(*index, pod)).collect()
    }
}

impl Counted {
    pub(super) fn declare(&self, batch: &mut Batch) {
        let size = Attributes::default().number(1, MAX_COUNTED);
        let set = self.0.described().number(3, FILLED_BY_RULES).nest(9, &size);
        batch.add(Act::NewSet, &set);
    }

    /// Takes out what only the pods before can have in it.
    pub(super) fn clear(
        &self,
        batch: &mut Batch,
        before: &BTreeMap<u32, Pod>,
        after: &BTreeMap<u32, Pod>,
    ) {
        let (before, after) = (self.0.all_keys(before), self.0.all_keys(after));
        let gone: BTreeSet<_> = before.difference(&after).collect();
        // Removing what is not there is an error, adding what is there is none.
        change(batch, Act::NewElements, TABLE, self.0.name, gone.iter());
        change(batch, Act::DeleteElements, TABLE, self.0.name, gone.iter());
    }
}

/// Adds keys to a set, or removes them.
pub(super) fn change(
    batch: &mut Batch,
    act: Act,
    table: &str,
    set: &str,
    keys: impl Iterator<Item = impl AsRef<[u8]>>,
) {
    let elements: Vec<_> = keys
        .map(|key| Attributes::default().nest(1, &Attributes::default().bytes(1, key.as_ref())))
        .collect();
    for part in elements.chunks(ELEMENTS_PER_MESSAGE) {
        let list = Attributes::list(part.iter().cloned());
        let change = Attributes::default().text(1, table).text(2, set);
        batch.add(act, &change.nest(3, &list));
    }
}
