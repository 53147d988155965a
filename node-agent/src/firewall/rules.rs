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
//! The sets `members4` and `members6` hold pairs (interface, network): a rule loads the interface
//! into one register and the masked address into the next.

use std::{
    collections::BTreeMap,
    ffi::CStr,
    net::{Ipv4Addr, Ipv6Addr},
    ptr::NonNull,
};

use myrelay_domain::addresses::PodRange;
use nftnl::{
    Batch, Chain, ChainType, FinalizedBatch, Hook, MsgType, Policy, ProtoFamily, Rule, Table,
    expr::{
        Bitwise, Cmp, CmpOp, Conntrack, Expression, Lookup, Masquerade, Meta, NetworkHeaderField,
        Ipv4HeaderField, Ipv6HeaderField, Payload, TransportHeaderField, Verdict, ct::States,
    },
    nftnl_sys::{
        NFTNL_EXPR_BITWISE_DREG, NFTNL_EXPR_BITWISE_SREG, NFTNL_EXPR_PAYLOAD_DREG, nftnl_expr,
        nftnl_expr_set_u32,
    },
    set::Set,
};

use super::{
    Layout,
    keys::{Interface, MASK_V4, MASK_V6, Member, PodKeys},
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
    nets4: Set<'a, Ipv4Addr>,
    nets6: Set<'a, Ipv6Addr>,
    members4: Set<'a, Member<Ipv4Addr>>,
    members6: Set<'a, Member<Ipv6Addr>>,
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

/// The register after the first four bytes (`NFT_REG32_01`); the crate knows only the first.
const SECOND_REGISTER: u32 = 9;

/// An expression that works on the second register instead of the first.
struct OnSecond<E> {
    expression: E,
    /// Its attributes that name a register.
    registers: &'static [u32],
}

impl<E: Expression> Expression for OnSecond<E> {
    fn to_expr(&self, rule: &Rule<'_>) -> NonNull<nftnl_expr> {
        let expression = self.expression.to_expr(rule);
        for register in self.registers {
            // Attribute numbers are far below 2^16.
            let attribute = u16::try_from(*register).unwrap_or_default();
            #[expect(unsafe_code, reason = "the crate's own expressions cannot choose a register")]
            // SAFETY: the expression was just made and is ours; a register is a u32.
            unsafe {
                nftnl_expr_set_u32(expression.as_ptr(), attribute, SECOND_REGISTER);
            }
        }
        expression
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
            self.rule(leave, [is_family(family), same_pod()], Verdict::Accept);
            self.rule(leave, [is_in(Meta::Oif, &sets.pods)], Verdict::Drop);
            if let Some(uplink) = uplink {
                self.rule(leave, [is_interface(Meta::Oif, uplink)], Verdict::Accept);
                let hidden = [is_family(family), is_interface(Meta::Oif, uplink)];
                let hidden = hidden.into_iter().chain([sets.is_of_a_pod(family)]);
                self.rule(&postrouting, hidden, Masquerade);
            }
            self.rule(leave, [], Verdict::Drop);
            self.rule(node, [is_known()], Verdict::Accept);
            let greets = [is_family(family), same_pod(), is_echo_request(family)];
            self.rule(node, greets, Verdict::Accept);
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
        let second = |load, registers| boxed(OnSecond { expression: load, registers });
        let load = second(address(family, side), &[NFTNL_EXPR_PAYLOAD_DREG]);
        let registers = &[NFTNL_EXPR_BITWISE_SREG, NFTNL_EXPR_BITWISE_DREG];
        let (mask, look_up) = match family {
            Family::V4 => {
                let mask = OnSecond { expression: mask_v4(), registers };
                (boxed(mask), Lookup::new(&self.members4))
            }
            Family::V6 => {
                let mask = OnSecond { expression: mask_v6(), registers };
                (boxed(mask), Lookup::new(&self.members6))
            }
        };
        vec![boxed(Meta::Iif), load, mask, boxed(look_up)]
    }

    /// The source is of a pod. Where packets leave, nobody knows where they came from.
    fn is_of_a_pod(&self, family: Family) -> Matches {
        let (mask, look_up) = match family {
            Family::V4 => (boxed(mask_v4()), Lookup::new(&self.nets4)),
            Family::V6 => (boxed(mask_v6()), Lookup::new(&self.nets6)),
        };
        vec![boxed(address(family, Side::Source)), mask, boxed(look_up)]
    }
}

impl Family {
    const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

fn boxed(expression: impl Expression + 'static) -> Box<dyn Expression> {
    Box::new(expression)
}

fn jump(chain: &CStr) -> Verdict {
    Verdict::Jump { chain: chain.to_owned() }
}

fn address(family: Family, side: Side) -> Payload {
    Payload::Network(match (family, side) {
        (Family::V4, Side::Source) => NetworkHeaderField::Ipv4(Ipv4HeaderField::Saddr),
        (Family::V4, Side::Destination) => NetworkHeaderField::Ipv4(Ipv4HeaderField::Daddr),
        (Family::V6, Side::Source) => NetworkHeaderField::Ipv6(Ipv6HeaderField::Saddr),
        (Family::V6, Side::Destination) => NetworkHeaderField::Ipv6(Ipv6HeaderField::Daddr),
    })
}

fn mask_v4() -> Bitwise<Ipv4Addr, Ipv4Addr> {
    Bitwise::new(MASK_V4.into(), Ipv4Addr::UNSPECIFIED)
}

fn mask_v6() -> Bitwise<Ipv6Addr, Ipv6Addr> {
    Bitwise::new(MASK_V6.into(), Ipv6Addr::UNSPECIFIED)
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
