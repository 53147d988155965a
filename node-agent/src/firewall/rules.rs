//! The rule set, and the difference a pod makes to it.
//!
//! ```text
//! table inet myrelay {
//!   forward (hook):     iif @pods jump from_pod; oif @pods jump to_pod
//!   from_pod:           the source is the pod's own: jump leave_v4, leave_v6; else drop
//!   leave_v4, leave_v6: to the same pod accept; to another pod drop; to the uplink accept; drop
//!   to_pod:             what the pod asked for (established, related) accept; drop
//!   input (hook):       iif @pods jump to_node
//!   to_node:            the source is the pod's own: jump node_v4, node_v6; else drop
//!   node_v4, node_v6:   established accept; echo request to the pod's own gateway accept; drop
//!   postrouting (nat):  from a pod to the uplink masquerade
//! }
//! ```
//!
//! Only packets from or to an interface in `@pods` ever leave a base chain, whose policy is
//! accept: what is not ours passes as if the table were not there.
//!
//! Set `member4` holds pairs (interface, network). To compare a packet with it, a rule loads four
//! bytes of no interest together with the address that follows them, masks the address, and then
//! loads the interface index over those four bytes.

use std::{borrow::Cow, collections::BTreeMap, ffi::CStr, ptr::NonNull};

use myrelay_domain::addresses::PodRange;
use nftnl::{
    Batch, Chain, ChainType, FinalizedBatch, Hook, MsgType, Policy, ProtoFamily, Rule, Table,
    expr::{
        Bitwise, Cmp, CmpOp, Conntrack, Expression, Lookup, Masquerade, Meta, NetworkHeaderField,
        Payload, ToSlice, TransportHeaderField, Verdict, ct::States,
    },
    nftnl_sys::nftnl_expr,
    set::Set,
};

use super::{
    Layout,
    keys::{Interface, MASK_V4, Member4, Member6, Net4, Net6, PodKeys},
};

const TABLE: &CStr = c"myrelay";
/// `NF_IP_PRI_FILTER` and `NF_IP_PRI_NAT_SRC` of linux/netfilter_ipv4.h.
const PRIORITY_FILTER: i32 = 0;
const PRIORITY_SOURCE_NAT: i32 = 100;

/// ICMP and ICMPv6 protocol numbers and their echo requests (RFC 792, RFC 4443).
const ECHO_V4: (u8, u8) = (1, 8);
const ECHO_V6: (u8, u8) = (58, 128);

/// The chains that differ by family: IPv4, then IPv6.
const LEAVE: [&CStr; 2] = [c"leave_v4", c"leave_v6"];
const NODE: [&CStr; 2] = [c"node_v4", c"node_v6"];

/// The five sets.
struct Sets<'a> {
    pods: Set<'a, Interface>,
    nets4: Set<'a, Net4>,
    nets6: Set<'a, Net6>,
    members4: Set<'a, Member4>,
    members6: Set<'a, Member6>,
}

/// Which address of a packet.
#[derive(Clone, Copy)]
enum Side {
    Source,
    Destination,
}

/// An address family.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

/// A transaction that removes the table, whether it is there or not.
pub(super) fn nothing() -> FinalizedBatch {
    let table = Table::new(TABLE, ProtoFamily::Inet);
    let mut batch = Batch::new();
    // Adding what is there is no error, removing what is not there is.
    batch.add(&table, MsgType::Add);
    batch.add(&table, MsgType::Del);
    batch.finalize()
}

/// A transaction that puts the whole table in the place of any earlier one.
pub(super) fn all(layout: &Layout) -> FinalizedBatch {
    let table = Table::new(TABLE, ProtoFamily::Inet);
    let mut batch = Batch::new();
    batch.add(&table, MsgType::Add);
    batch.add(&table, MsgType::Del);
    batch.add(&table, MsgType::Add);
    let sets = Sets::new(&table, layout.pods.iter());
    sets.declare(&mut batch);
    sets.elements(&mut batch, MsgType::Add);
    Writer { batch: &mut batch, table: &table, sets: &sets }.write(layout);
    batch.finalize()
}

/// A transaction of set elements only, for a table that stands.
pub(super) fn difference(
    before: &BTreeMap<u32, PodRange>,
    after: &BTreeMap<u32, PodRange>,
) -> FinalizedBatch {
    let table = Table::new(TABLE, ProtoFamily::Inet);
    let mut batch = Batch::new();
    let gone = before.iter().filter(|(index, range)| after.get(index) != Some(range));
    Sets::new(&table, gone).elements(&mut batch, MsgType::Del);
    let new = after.iter().filter(|(index, range)| before.get(index) != Some(range));
    Sets::new(&table, new).elements(&mut batch, MsgType::Add);
    batch.finalize()
}

impl<'a> Sets<'a> {
    fn new<'p>(table: &'a Table, pods: impl Iterator<Item = (&'p u32, &'p PodRange)>) -> Self {
        let mut sets = Self {
            pods: Set::new_named(c"pods", 1, table, ProtoFamily::Inet),
            nets4: Set::new_named(c"nets4", 2, table, ProtoFamily::Inet),
            nets6: Set::new_named(c"nets6", 3, table, ProtoFamily::Inet),
            members4: Set::new_named(c"members4", 4, table, ProtoFamily::Inet),
            members6: Set::new_named(c"members6", 5, table, ProtoFamily::Inet),
        };
        for (index, range) in pods {
            let keys = PodKeys::new(*index, range);
            sets.pods.add(&keys.interface);
            sets.nets4.add(&keys.net4);
            sets.nets6.add(&keys.net6);
            sets.members4.add(&keys.member4);
            sets.members6.add(&keys.member6);
        }
        sets
    }

    fn declare(&self, batch: &mut Batch) {
        batch.add(&self.pods, MsgType::Add);
        batch.add(&self.nets4, MsgType::Add);
        batch.add(&self.nets6, MsgType::Add);
        batch.add(&self.members4, MsgType::Add);
        batch.add(&self.members6, MsgType::Add);
    }

    fn elements(&self, batch: &mut Batch, what: MsgType) {
        batch.add_iter(self.pods.elems_iter(), what);
        batch.add_iter(self.nets4.elems_iter(), what);
        batch.add_iter(self.nets6.elems_iter(), what);
        batch.add_iter(self.members4.elems_iter(), what);
        batch.add_iter(self.members6.elems_iter(), what);
    }
}

/// What a packet must be for a rule to speak about it.
type Matches = Vec<Box<dyn Expression>>;

/// Bytes as a mask.
struct Bytes(Vec<u8>);

impl ToSlice for Bytes {
    fn to_slice(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0)
    }
}

/// Lets expressions of different types stand in one list.
struct Any<'a>(&'a dyn Expression);

impl Expression for Any<'_> {
    fn to_expr(&self, rule: &Rule<'_>) -> NonNull<nftnl_expr> {
        self.0.to_expr(rule)
    }
}

struct Writer<'a> {
    batch: &'a mut Batch,
    table: &'a Table,
    sets: &'a Sets<'a>,
}

impl<'a> Writer<'a> {
    fn write(&mut self, layout: &Layout) {
        let sets = self.sets;
        let forward = self.base(c"forward", ChainType::Filter, Hook::Forward, PRIORITY_FILTER);
        let input = self.base(c"input", ChainType::Filter, Hook::In, PRIORITY_FILTER);
        let source_nat = (ChainType::Nat, Hook::PostRouting, PRIORITY_SOURCE_NAT);
        let postrouting = self.base(c"postrouting", source_nat.0, source_nat.1, source_nat.2);
        let [from_pod, to_pod, to_node] =
            [c"from_pod", c"to_pod", c"to_node"].map(|name| self.chain(name));
        let leave = LEAVE.map(|name| self.chain(name));
        let node = NODE.map(|name| self.chain(name));

        self.rule(&forward, [is_in(Meta::Iif, &sets.pods)], jump(c"from_pod"));
        self.rule(&forward, [is_in(Meta::Oif, &sets.pods)], jump(c"to_pod"));
        self.rule(&input, [is_in(Meta::Iif, &sets.pods)], jump(c"to_node"));
        for (chain, next) in [(&from_pod, LEAVE), (&to_node, NODE)] {
            for (family, next) in Family::BOTH.into_iter().zip(next) {
                let own = sets.is_of_the_pod(family, Side::Source);
                self.rule(chain, [is_family(family), own], jump(next));
            }
            self.rule(chain, [], Verdict::Drop);
        }
        self.rule(&to_pod, [is_known()], Verdict::Accept);
        self.rule(&to_pod, [], Verdict::Drop);

        let uplinks = [layout.uplinks.v4, layout.uplinks.v6];
        for (index, family) in Family::BOTH.into_iter().enumerate() {
            let (leave, node, uplink) = (&leave[index], &node[index], uplinks[index]);
            let same_pod = || sets.is_of_the_pod(family, Side::Destination);
            self.rule(leave, [same_pod()], Verdict::Accept);
            self.rule(leave, [is_in(Meta::Oif, &sets.pods)], Verdict::Drop);
            if let Some(uplink) = uplink {
                self.rule(leave, [is_interface(Meta::Oif, uplink)], Verdict::Accept);
                let hidden = [is_family(family), is_interface(Meta::Oif, uplink)];
                let hidden = hidden.into_iter().chain([sets.is_of_a_pod(family)]);
                self.rule(&postrouting, hidden, Masquerade);
            }
            self.rule(leave, [], Verdict::Drop);
            self.rule(node, [is_known()], Verdict::Accept);
            self.rule(node, [same_pod(), is_echo_request(family)], Verdict::Accept);
            self.rule(node, [], Verdict::Drop);
        }
    }

    fn base(&mut self, name: &CStr, kind: ChainType, hook: Hook, priority: i32) -> Chain<'a> {
        let mut chain = Chain::new(name, self.table);
        chain.set_type(kind);
        chain.set_hook(hook, priority);
        chain.set_policy(Policy::Accept);
        self.batch.add(&chain, MsgType::Add);
        chain
    }

    fn chain(&mut self, name: &CStr) -> Chain<'a> {
        let chain = Chain::new(name, self.table);
        self.batch.add(&chain, MsgType::Add);
        chain
    }

    fn rule(
        &mut self,
        chain: &Chain<'_>,
        matches: impl IntoIterator<Item = Matches>,
        then: impl Expression,
    ) {
        let mut rule = Rule::new(chain);
        for expression in matches.into_iter().flatten() {
            rule.add_expr(&Any(expression.as_ref()));
        }
        rule.add_expr(&then);
        self.batch.add(&rule, MsgType::Add);
    }
}

impl Sets<'_> {
    /// The address is of the pod that the packet comes from.
    fn is_of_the_pod(&self, family: Family, side: Side) -> Matches {
        let (offset, look_up) = match family {
            Family::V4 => (side.offset_v4(), Lookup::new(&self.members4)),
            Family::V6 => (side.offset_v6(), Lookup::new(&self.members6)),
        };
        let mut matches = load_network(family, offset - 4, 4);
        matches.extend([boxed(Meta::Iif), boxed(look_up)]);
        matches
    }

    /// The source is of a pod. Where packets leave, nobody knows where they came from.
    fn is_of_a_pod(&self, family: Family) -> Matches {
        let (offset, look_up) = match family {
            Family::V4 => (Side::Source.offset_v4(), Lookup::new(&self.nets4)),
            Family::V6 => (Side::Source.offset_v6(), Lookup::new(&self.nets6)),
        };
        let mut matches = load_network(family, offset, 0);
        matches.push(boxed(look_up));
        matches
    }
}

impl Family {
    const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

impl Side {
    /// Where the address stands in an IPv4 header (RFC 791 section 3.1).
    fn offset_v4(self) -> u32 {
        match self {
            Self::Source => 12,
            Self::Destination => 16,
        }
    }

    /// Where the address stands in an IPv6 header (RFC 8200 section 3).
    fn offset_v6(self) -> u32 {
        match self {
            Self::Source => 8,
            Self::Destination => 24,
        }
    }
}

fn boxed(expression: impl Expression + 'static) -> Box<dyn Expression> {
    Box::new(expression)
}

fn jump(chain: &CStr) -> Verdict {
    Verdict::Jump { chain: chain.to_owned() }
}

/// Loads the network of the address after `skipped` bytes at `offset`: those bytes become zero.
fn load_network(family: Family, offset: u32, skipped: usize) -> Matches {
    let network = match family {
        Family::V4 => MASK_V4.to_be_bytes().to_vec(),
        Family::V6 => vec![0xff; 8],
    };
    let mask = [vec![0; skipped], network].concat();
    // Despite their names the crate takes both in bytes.
    let length = u32::try_from(mask.len()).unwrap_or_default();
    let field = NetworkHeaderField::Raw { offset_bits: offset, length_bits: length };
    let zeros = vec![0; mask.len()];
    vec![boxed(Payload::Network(field)), boxed(Bitwise::new(Bytes(mask), Bytes(zeros)))]
}

fn is_in<K>(interface: Meta, set: &Set<'_, K>) -> Matches {
    vec![boxed(interface), boxed(Lookup::new(set))]
}

fn is_interface(interface: Meta, index: u32) -> Matches {
    vec![boxed(interface), boxed(Cmp::new(CmpOp::Eq, index))]
}

fn is_family(family: Family) -> Matches {
    let number: u8 = match family {
        Family::V4 => 2,
        Family::V6 => 10,
    };
    vec![boxed(Meta::NfProto), boxed(Cmp::new(CmpOp::Eq, number))]
}

/// The packet belongs to what was allowed before.
fn is_known() -> Matches {
    let states = (States::ESTABLISHED | States::RELATED).bits();
    vec![
        boxed(Conntrack::State),
        boxed(Bitwise::new(states, 0u32)),
        boxed(Cmp::new(CmpOp::Neq, 0u32)),
    ]
}

fn is_echo_request(family: Family) -> Matches {
    let (protocol, kind) = match family {
        Family::V4 => ECHO_V4,
        Family::V6 => ECHO_V6,
    };
    let first_byte = TransportHeaderField::Raw { offset_bits: 0, length_bits: 1 };
    vec![
        boxed(Meta::L4Proto),
        boxed(Cmp::new(CmpOp::Eq, protocol)),
        boxed(Payload::Transport(first_byte)),
        boxed(Cmp::new(CmpOp::Eq, kind)),
    ]
}
