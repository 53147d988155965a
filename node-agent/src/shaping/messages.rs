//! What is said to the kernel about queues: numbers of linux/rtnetlink.h, linux/pkt_sched.h,
//! linux/pkt_cls.h and linux/tc_act/tc_mirred.h.

use crate::netlink::Attributes;

/// Kinds of messages.
pub(super) struct Kind;

impl Kind {
    pub(super) const NEW_LINK: u16 = 16;
    pub(super) const DELETE_LINK: u16 = 17;
    pub(super) const GET_LINK: u16 = 18;
    pub(super) const NEW_QUEUE: u16 = 36;
    pub(super) const DELETE_QUEUE: u16 = 37;
    pub(super) const GET_QUEUE: u16 = 38;
    pub(super) const NEW_CLASS: u16 = 40;
    pub(super) const GET_CLASS: u16 = 42;
    pub(super) const NEW_FILTER: u16 = 44;
    pub(super) const GET_FILTER: u16 = 46;
}

/// Where a queue hangs (`TC_H_ROOT`, `TC_H_INGRESS`).
pub(super) const ROOT: u32 = 0xffff_ffff;
pub(super) const INGRESS: u32 = 0xffff_fff1;
/// Our queue at the root: one that somebody else put there has another number.
pub(super) const OURS: u32 = 0x4d52_0000;
const ARRIVING: u32 = 0xffff_0000;
/// The class of all packets, and those of small and large ones within it.
pub(super) const WHOLE: u32 = OURS | 1;
const SMALL: u32 = OURS | 0x10;
const LARGE: u32 = OURS | 0x20;
const FAIR: u32 = 0x4d53_0000;

pub(super) const KIND: u16 = 1;
pub(super) const OPTIONS: u16 = 2;

/// `ETH_P_ALL`, `ETH_P_IP` and `ETH_P_IPV6` of linux/if_ether.h.
const ALL: u16 = 3;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// No packet of a tunnel is larger, whatever its MTU.
const PACKET: u64 = 1600;

/// A class of htb.
pub(super) struct Class {
    handle: u32,
    parent: u32,
    /// What it has in any case, and what it may have when others leave it; bytes per second.
    rate: u64,
    ceiling: u64,
    /// The lower goes first.
    priority: u32,
    /// What may wait in it: bytes.
    queue: u64,
}

impl Class {
    /// All that goes at this rate, in bits per second.
    pub(super) fn whole(rate: u64) -> Self {
        Self {
            handle: WHOLE,
            parent: OURS,
            rate: rate / 8,
            ceiling: rate / 8,
            priority: 0,
            queue: 0,
        }
    }

    /// What goes first. It may fill the rate when nobody else wants it.
    pub(super) fn small(rate: u64) -> Self {
        let whole = rate / 8;
        let queue = queue(whole / 4);
        Self { handle: SMALL, parent: WHOLE, rate: whole / 4, ceiling: whole, priority: 0, queue }
    }

    /// The rest.
    pub(super) fn large(rate: u64) -> Self {
        let whole = rate / 8;
        let queue = queue(whole);
        Self {
            handle: LARGE,
            parent: WHOLE,
            rate: whole * 3 / 4,
            ceiling: whole,
            priority: 1,
            queue,
        }
    }
}

/// What waits is a fifth of a second of the rate, at least ten packets and at most 4 MB.
fn queue(rate: u64) -> u64 {
    (rate / 5).clamp(10 * PACKET, 4 << 20)
}

/// `struct tcmsg`.
fn about(index: u32, handle: u32, parent: u32, info: u32) -> Vec<u8> {
    let mut message = vec![0; 4];
    for number in [index, handle, parent, info] {
        message.extend(number.to_ne_bytes());
    }
    message
}

/// Asks for all queues, all classes of an interface, or all filters of what arrives there.
pub(super) fn everything(index: u32, parent: u32) -> Vec<u8> {
    about(index, 0, parent, 0)
}

fn made_of(about: Vec<u8>, kind: &str, options: Option<Attributes>) -> Vec<u8> {
    let attributes = Attributes::default().text(KIND, kind);
    let attributes = match options {
        Some(options) => attributes.nest(OPTIONS, &options),
        None => attributes,
    };
    [about, attributes.as_bytes().to_vec()].concat()
}

/// Our queue at the root of an interface.
pub(super) fn root(index: u32) -> Vec<u8> {
    const INIT: u16 = 2;
    // `struct tc_htb_glob`: version, rate to quantum, class of what no filter knows, debug, count.
    let unknown = LARGE & 0xffff;
    let global = [3, 10, unknown, 0, 0].map(u32::to_ne_bytes).concat();
    let options = Attributes::default().bytes(INIT, &global);
    made_of(about(index, OURS, ROOT, 0), "htb", Some(options))
}

/// The place where filters see what arrives.
pub(super) fn ingress(index: u32) -> Vec<u8> {
    made_of(about(index, ARRIVING, INGRESS, 0), "ingress", None)
}

/// A class with its rates.
pub(super) fn class(index: u32, class: &Class) -> Vec<u8> {
    const PARAMETERS: u16 = 1;
    const RATE64: u16 = 6;
    const CEILING64: u16 = 7;
    let mut parameters = [rate_spec(class.rate), rate_spec(class.ceiling)].concat();
    // One turn of a class: some packets, a thousandth of a second of fast ones.
    let quantum = (class.rate / 1000).clamp(PACKET, 60_000);
    let quantum = u32::try_from(quantum).unwrap_or(u32::MAX);
    for number in [burst_ticks(class.rate), burst_ticks(class.ceiling), quantum, 0, class.priority]
    {
        parameters.extend(number.to_ne_bytes());
    }
    let mut options = Attributes::default().bytes(PARAMETERS, &parameters);
    for (attribute, rate) in [(RATE64, class.rate), (CEILING64, class.ceiling)] {
        if u32::try_from(rate).is_err() {
            options = options.bytes(attribute, &rate.to_ne_bytes());
        }
    }
    made_of(about(index, class.handle, class.parent, 0), "htb", Some(options))
}

/// `struct tc_ratespec`. Tables of rates are not needed by a kernel that knows the link layer.
fn rate_spec(rate: u64) -> Vec<u8> {
    const ETHERNET: u8 = 1;
    let mut spec = vec![0, ETHERNET, 0, 0, 0, 0, 0, 0];
    spec.extend(u32::try_from(rate).unwrap_or(u32::MAX).to_ne_bytes());
    spec
}

/// What may go at once, as the time that it takes: a hundredth of a second of the rate, and one
/// packet at least. A tick is 64 nanoseconds (`PSCHED_SHIFT` of net/pkt_sched.h).
fn burst_ticks(rate: u64) -> u32 {
    const TICK_NANOSECONDS: u64 = 64;
    let rate = rate.max(1);
    let burst = (rate / 100).max(PACKET);
    let nanoseconds = u128::from(burst) * 1_000_000_000 / u128::from(rate);
    u32::try_from(nanoseconds / u128::from(TICK_NANOSECONDS)).unwrap_or(u32::MAX)
}

/// The queue of the large ones where the kernel has it: fair between flows, and short
/// (RFC 8290). What waits longer than the target is too much; a slow rate takes longer for one
/// packet.
pub(super) fn fq_codel(index: u32, class: &Class) -> Vec<u8> {
    const TARGET: u16 = 1;
    let packet_microseconds = PACKET * 1_000_000 / class.rate.max(1);
    let target = u32::try_from(packet_microseconds * 3 / 2).unwrap_or(u32::MAX).max(5000);
    let options = Attributes::default().native(TARGET, target);
    made_of(about(index, FAIR, class.handle, 0), "fq_codel", Some(options))
}

/// The queue of a class that is full when so many bytes wait.
pub(super) fn fifo(index: u32, class: &Class) -> Vec<u8> {
    // `struct tc_fifo_qopt` is the attribute itself, not a nest.
    let limit = u32::try_from(class.queue).unwrap_or(u32::MAX);
    let attributes = Attributes::default().text(KIND, "bfifo").native(OPTIONS, limit);
    let handle = FAIR + ((class.handle & 0xffff) << 16);
    [about(index, handle, class.handle, 0), attributes.as_bytes().to_vec()].concat()
}

/// Filters that know packets below 256 bytes by the length in their headers (RFC 791 section 3.1,
/// RFC 8200 section 3): IPv4's is the third and fourth byte, IPv6's the fifth and sixth.
pub(super) fn small_packets(index: u32) -> [Vec<u8>; 2] {
    let filter = |priority: u32, protocol: u16, mask: u32, offset: i32| {
        let options = Attributes::default().native(1, SMALL).bytes(5, &selector(mask, offset));
        made_of(about(index, 0, OURS, info(priority, protocol)), "u32", Some(options))
    };
    [filter(1, IPV4, 0x0000_ff00, 0), filter(2, IPV6, 0xff00_0000, 4)]
}

/// A filter that leads all that arrives to another device.
pub(super) fn lead(index: u32, to: u32) -> Vec<u8> {
    // `struct tc_mirred`: index, capabilities, `TC_ACT_STOLEN`, two counts, `TCA_EGRESS_REDIR`.
    let mirred = [0, 0, 4, 0, 0, 1, to].map(u32::to_ne_bytes).concat();
    let mirred = Attributes::default().bytes(2, &mirred);
    let action = Attributes::default().text(KIND, "mirred").nest(OPTIONS, &mirred);
    let actions = Attributes::default().nest(1, &action);
    let options = Attributes::default().bytes(5, &selector(0, 0)).nest(7, &actions);
    made_of(about(index, 0, ARRIVING, info(1, ALL)), "u32", Some(options))
}

/// Asks for the filters of what arrives.
pub(super) fn leads(index: u32) -> Vec<u8> {
    about(index, 0, ARRIVING, 0)
}

/// `TC_H_MAKE(priority << 16, htons(protocol))`.
fn info(priority: u32, protocol: u16) -> u32 {
    priority << 16 | u32::from(protocol.to_be())
}

/// `struct tc_u32_sel` with one `struct tc_u32_key`: the bits of the mask are zero, at this place
/// of the IP header.
fn selector(mask: u32, offset: i32) -> Vec<u8> {
    const TERMINAL: u8 = 1;
    let mut selector = vec![TERMINAL, 0, 1, 0];
    selector.extend([0; 12]);
    selector.extend(mask.to_be_bytes());
    selector.extend([0; 4]);
    selector.extend(offset.to_ne_bytes());
    selector.extend([0; 4]);
    selector
}

/// `struct ifinfomsg` with attributes.
fn interface(index: u32, flags: u32, attributes: &Attributes) -> Vec<u8> {
    let mut message = vec![0; 4];
    for number in [index, flags, flags] {
        message.extend(number.to_ne_bytes());
    }
    message.extend(attributes.as_bytes());
    message
}

const NAME: u16 = 3;

/// An ifb device.
pub(super) fn new_ifb(name: &str) -> Vec<u8> {
    const LINK_INFO: u16 = 18;
    let kind = Attributes::default().text(1, "ifb");
    interface(0, 0, &Attributes::default().text(NAME, name).nest(LINK_INFO, &kind))
}

/// Has a device take no IPv6 address by itself (`IN6_ADDR_GEN_MODE_NONE`).
pub(super) fn silence(index: u32) -> Vec<u8> {
    const FAMILIES: u16 = 26;
    const INET6: u16 = 10;
    const ADDRESS_MODE: u16 = 8;
    let silent = Attributes::default().bytes(ADDRESS_MODE, &[1]);
    let silent = Attributes::default().nest(INET6, &silent);
    interface(index, 0, &Attributes::default().nest(FAMILIES, &silent))
}

/// Gives a device our alias and brings it up.
pub(super) fn mark(index: u32, alias: &str) -> Vec<u8> {
    const ALIAS: u16 = 20;
    const UP: u32 = 1;
    interface(index, UP, &Attributes::default().bytes(ALIAS, alias.as_bytes()))
}

/// Names a device by its index.
pub(super) fn link(index: u32) -> Vec<u8> {
    interface(index, 0, &Attributes::default())
}

/// Names a device by its name.
pub(super) fn link_named(name: &str) -> Vec<u8> {
    interface(0, 0, &Attributes::default().text(NAME, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_a_hundredth_of_a_second_and_at_least_a_packet() {
        assert_eq!(burst_ticks(1_250_000), 10_000_000 / 64);
        assert_eq!(burst_ticks(8_000), 200_000_000 / 64);
        assert!(0 < burst_ticks(12_500_000_000));
    }

    #[test]
    fn classes_share_the_whole() {
        let (whole, small, large) = (Class::whole(8000), Class::small(8000), Class::large(8000));
        assert_eq!(small.rate + large.rate, whole.rate);
        assert_eq!([small.ceiling, large.ceiling], [whole.ceiling; 2]);
    }
}
