//! The parts of a rule: each compares something of a packet, or says what becomes of it.
//!
//! Names and numbers are those of linux/netfilter/nf_tables.h. A value is loaded into a register
//! of four bytes or more of them, and the next expression works on it.

use super::sets::Set;
use crate::netlink::Attributes;

/// The first register, and the one after its first four bytes (`NFT_REG32_00`, `NFT_REG32_01`).
pub(super) const FIRST: u32 = 8;
pub(super) const SECOND: u32 = 9;
const VERDICT_REGISTER: u32 = 0;

const VALUE: u16 = 1;
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
/// `IP_CT_ESTABLISHED` and `IP_CT_RELATED` as nf_tables shows them.
const KNOWN_STATES: u32 = 2 | 4;
/// `NFT_CT_STATUS`.
const STATUS: u32 = 2;

/// One part of a rule.
pub(super) type Expression = Attributes;

/// What the kernel knows about a packet beside its bytes.
#[derive(Clone, Copy)]
pub(super) enum Meta {
    InputIndex = 4,
    OutputIndex = 5,
    Family = 15,
    Protocol = 16,
}

#[derive(Clone, Copy)]
pub(super) enum Verdict {
    Drop,
    Accept,
    Jump(&'static str),
}

fn expression(name: &str, data: &Attributes) -> Expression {
    Attributes::default().text(1, name).nest(2, data)
}

fn value(bytes: &[u8]) -> Attributes {
    Attributes::default().bytes(VALUE, bytes)
}

/// Loads what the kernel knows into the first register.
pub(super) fn meta(key: Meta) -> Expression {
    expression("meta", &Attributes::default().number(1, FIRST).number(2, key as u32))
}

/// Loads bytes of the IP header.
pub(super) fn network(offset: u32, length: u32, register: u32) -> Expression {
    payload(NETWORK_HEADER, offset, length, register)
}

/// Loads the first byte of what the IP header carries: the type of an ICMP message.
pub(super) fn message_type() -> Expression {
    payload(TRANSPORT_HEADER, 0, 1, FIRST)
}

/// Loads the port that a UDP datagram is for.
pub(super) fn destination_port() -> Expression {
    payload(TRANSPORT_HEADER, 2, 2, FIRST)
}

fn payload(base: u32, offset: u32, length: u32, register: u32) -> Expression {
    let data = Attributes::default().number(1, register).number(2, base);
    expression("payload", &data.number(3, offset).number(4, length))
}

/// Keeps of a register what the mask has.
pub(super) fn masked(mask: &[u8], register: u32) -> Expression {
    let length = u32::try_from(mask.len()).unwrap_or(u32::MAX);
    let data = Attributes::default().number(1, register).number(2, register).number(3, length);
    let zeros = vec![0; mask.len()];
    expression("bitwise", &data.nest(4, &value(mask)).nest(5, &value(&zeros)))
}

/// The first register is this.
pub(super) fn is(bytes: &[u8]) -> Expression {
    compare(EQUAL, bytes)
}

/// The first register is anything but this.
pub(super) fn is_not(bytes: &[u8]) -> Expression {
    compare(NOT_EQUAL, bytes)
}

fn compare(operator: u32, bytes: &[u8]) -> Expression {
    let data = Attributes::default().number(1, FIRST).number(2, operator);
    expression("cmp", &data.nest(3, &value(bytes)))
}

/// What begins in the first register is in the set.
pub(super) fn is_in(set: &Set) -> Expression {
    let data = Attributes::default().text(1, set.name).number(2, FIRST).number(4, set.id);
    expression("lookup", &data)
}

/// The key that begins in the first register has more connections than this, the packet's included:
/// those that live are kept in the set, by the kernel's expression of this name.
pub(super) fn has_more_than(flows: u32, set: &Set, counter: &str) -> Expression {
    /// `NFT_CONNLIMIT_F_INV`.
    const MORE: u32 = 1;
    let count = expression(counter, &Attributes::default().number(1, flows).number(2, MORE));
    for_each_key(set, &count)
}

/// Packets that have the key that begins in the first register come faster than so many a second,
/// after so many at once.
pub(super) fn is_faster_than(rate: u32, at_once: u32, set: &Set) -> Expression {
    /// `NFT_LIMIT_PKTS` and `NFT_LIMIT_F_INV`.
    const PACKETS: u32 = 0;
    const FASTER: u32 = 1;
    const SECOND: u64 = 1;
    let long = |it: u64| it.to_be_bytes();
    let limit = Attributes::default().bytes(1, &long(rate.into())).bytes(2, &long(SECOND));
    let limit = limit.number(3, at_once).number(4, PACKETS).number(5, FASTER);
    for_each_key(set, &expression("limit", &limit))
}

/// Keeps for each key of its own in the set what this expression remembers.
fn for_each_key(set: &Set, remembers: &Expression) -> Expression {
    /// `NFT_DYNSET_OP_ADD`.
    const ADD: u32 = 0;
    let data = Attributes::default().text(1, set.name).number(2, set.id).number(3, ADD);
    expression("dynset", &data.number(4, FIRST).nest(7, remembers))
}

/// The packet is the first of its connection: one that passes makes the kernel remember it.
pub(super) fn is_first() -> Vec<Expression> {
    /// `IPS_CONFIRMED` of linux/netfilter/nf_conntrack_common.h.
    const CONFIRMED: u32 = 1 << 3;
    vec![connection(STATUS), masked(&CONFIRMED.to_ne_bytes(), FIRST), is(&[0; 4])]
}

/// The packet belongs to what was allowed before.
pub(super) fn is_known() -> Vec<Expression> {
    const STATE: u32 = 0;
    vec![connection(STATE), masked(&KNOWN_STATES.to_ne_bytes(), FIRST), is_not(&[0; 4])]
}

/// Loads whether the packet was redirected to where it is going: zero when it was not.
pub(super) fn redirected() -> [Expression; 2] {
    /// `IPS_DST_NAT` of linux/netfilter/nf_conntrack_common.h.
    const REDIRECTED: u32 = 1 << 5;
    [connection(STATUS), masked(&REDIRECTED.to_ne_bytes(), FIRST)]
}

/// Loads what the kernel knows about the connection.
fn connection(key: u32) -> Expression {
    expression("ct", &Attributes::default().number(1, FIRST).number(2, key))
}

/// What becomes of the packet.
pub(super) fn then(verdict: Verdict) -> Expression {
    const JUMP: u32 = (-3i32).cast_unsigned();
    let data = Attributes::default();
    let data = match verdict {
        Verdict::Drop => data.number(1, 0),
        Verdict::Accept => data.number(1, 1),
        Verdict::Jump(chain) => data.number(1, JUMP).text(2, chain),
    };
    let data = Attributes::default().nest(2, &data);
    expression("immediate", &Attributes::default().number(1, VERDICT_REGISTER).nest(2, &data))
}

/// The packet goes to this port of the node instead: two expressions.
pub(super) fn redirect(port: u16) -> [Expression; 2] {
    let data = value(&port.to_be_bytes());
    let load = Attributes::default().number(1, FIRST).nest(2, &data);
    [expression("immediate", &load), expression("redir", &Attributes::default().number(1, FIRST))]
}

/// The packet leaves with the node's own address.
pub(super) fn masquerade() -> Expression {
    expression("masq", &Attributes::default())
}
