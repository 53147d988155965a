//! The rule set, and the difference a pod makes to it.
//!
//! ```text
//! table inet myrelay {
//!   prerouting (nat):   iif @pods, to the pod's own gateway, udp dport 53: redirect to the resolver
//!   forward (hook):     iif @pods jump from_pod; oif @pods jump to_pod
//!   from_pod:           iif @stopped drop; the source is the pod's own: jump leave_v4, leave_v6;
//!                       else drop
//!   leave_v4, leave_v6: to the same pod, iif @meeting accept; to any pod drop; to a private
//!                       network drop; to the uplink accept; drop
//!   to_pod:             oif @stopped drop; what the pod asked for (established, related) accept;
//!                       drop
//!   input (hook):       iif @pods jump to_node; to the resolver's port but not by loopback drop
//!   to_node:            iif @stopped drop; the source is the pod's own: jump node_v4, node_v6;
//!                       else drop
//!   node_v4, node_v6:   established accept; to the pod's own gateway: echo request accept, to the
//!                       resolver by redirection accept; drop
//!   postrouting (nat):  from a pod to the uplink masquerade
//! }
//! ```
//!
//! Before all else, `leave_v4` to `node_v6` drop the first packet of a connection that is one too
//! many for the part of the pod that it comes from, or comes too soon; `flows4` and `flows6` hold
//! what is open, `pace4` and `pace6` how fast it goes.
//!
//! What has to do with the resolver is there while one runs. Only packets from or to an interface
//! in `@pods`, and those for the resolver, ever meet a verdict but the base chains' policy, which
//! is accept: what is not ours passes as if the table were not there.
//!
//! The sets `members4` and `members6` hold pairs (interface, network), `gateways4` and `gateways6`
//! pairs (interface, address): a rule loads the interface into one register and the address,
//! masked or whole, into the next.

use std::collections::BTreeMap;

use super::{
    FLOWS_A_SECOND, Layout, MOST_FLOWS, Pod, TABLE,
    expressions::{
        Expression, FIRST, Meta, SECOND, Verdict, destination_port, has_more_than, is,
        is_faster_than, is_first, is_in, is_known, is_not, masked, masquerade, message_type, meta,
        network, redirect, redirected, then,
    },
    netfilter::{Act, Batch},
    private,
    sets::{self, MASK_PART_V6, MASK_V4, MASK_V6, Set},
};
use crate::netlink::Attributes;

/// `NF_INET_PRE_ROUTING`, `NF_INET_LOCAL_IN`, `NF_INET_FORWARD` and `NF_INET_POST_ROUTING` of
/// linux/netfilter.h.
const PREROUTING: u32 = 0;
const INPUT: u32 = 1;
const FORWARD: u32 = 2;
const POSTROUTING: u32 = 4;
/// `NF_IP_PRI_NAT_DST`, `NF_IP_PRI_FILTER` and `NF_IP_PRI_NAT_SRC` of linux/netfilter_ipv4.h.
const PRIORITY_DESTINATION_NAT: u32 = (-100i32).cast_unsigned();
const PRIORITY_FILTER: u32 = 0;
const PRIORITY_SOURCE_NAT: u32 = 100;
const POLICY_ACCEPT: u32 = 1;
/// Protocol and port of DNS (RFC 768, RFC 1035).
const UDP: u8 = 17;
const DNS: u16 = 53;
/// In every network namespace (`LOOPBACK_IFINDEX` of net/flow.h).
const LOOPBACK: u32 = 1;

/// An address family, and what differs by it.
struct Family {
    /// `NFPROTO_IPV4` or `NFPROTO_IPV6`.
    number: u8,
    /// Where source and destination stand in the header (RFC 791 section 3.1, RFC 8200 section 3).
    source: u32,
    destination: u32,
    mask: Vec<u8>,
    /// Which part of its pod a device is of.
    part: Vec<u8>,
    members: Set,
    nets: Set,
    gateways: Set,
    flows: Set,
    pace: Set,
    /// Networks that are not the internet: address and mask.
    private: Vec<(Vec<u8>, Vec<u8>)>,
    /// Protocol number and type of an echo request (RFC 792, RFC 4443).
    echo: (u8, u8),
    leave: &'static str,
    node: &'static str,
    uplink: Option<u32>,
}

/// A transaction that removes the table, whether it is there or not.
pub(super) fn nothing() -> Batch {
    let mut batch = Batch::new();
    let table = Attributes::default().text(1, TABLE);
    // Adding what is there is no error, removing what is not there is.
    batch.add(Act::NewTable, &table);
    batch.add(Act::DeleteTable, &table);
    batch
}

/// A transaction that puts the whole table in the place of any earlier one. Without a counter, pods
/// may have any number of connections.
pub(super) fn all(layout: &Layout, counter: Option<&str>) -> Batch {
    let mut batch = nothing();
    batch.add(Act::NewTable, &Attributes::default().text(1, TABLE));
    for set in sets::ALL {
        set.declare(&mut batch, &layout.pods);
    }
    if counter.is_some() {
        sets::COUNTED.iter().for_each(|it| it.declare(&mut batch));
    }
    let families = [v4(layout), v6(layout)];
    chains(&mut batch, &families, layout.resolver.is_some());
    entrances(&mut batch, &families);
    for family in &families {
        if let Some(counter) = counter {
            bound(&mut batch, family, counter);
        }
        leave(&mut batch, family);
        to_node(&mut batch, family, layout.resolver);
    }
    if let Some(port) = layout.resolver {
        resolver(&mut batch, &families, port);
    }
    batch
}

/// A transaction of set elements only, for a table that stands, and counts if it is bounded.
pub(super) fn difference(before: &Layout, after: &Layout, bounded: bool) -> Batch {
    let without = |pods: &BTreeMap<u32, Pod>, others: &BTreeMap<u32, Pod>| {
        let differ = pods.iter().filter(|(index, pod)| others.get(index) != Some(pod));
        differ.map(|(index, pod)| (*index, *pod)).collect()
    };
    let (gone, new) = (without(&before.pods, &after.pods), without(&after.pods, &before.pods));
    let mut batch = Batch::new();
    for set in sets::ALL {
        set.differ(&mut batch, &gone, &new);
    }
    for set in sets::COUNTED.iter().filter(|_| bounded) {
        set.clear(&mut batch, &gone, &new);
    }
    batch
}

fn v4(layout: &Layout) -> Family {
    Family {
        number: 2,
        source: 12,
        destination: 16,
        mask: MASK_V4.to_be_bytes().into(),
        part: MASK_V4.to_be_bytes().into(),
        members: sets::MEMBERS_V4,
        nets: sets::NETS_V4,
        gateways: sets::GATEWAYS_V4,
        flows: sets::FLOWS_V4.0,
        pace: sets::PACE_V4.0,
        private: private::v4(),
        echo: (1, 8),
        leave: "leave_v4",
        node: "node_v4",
        uplink: layout.uplinks.v4,
    }
}

fn v6(layout: &Layout) -> Family {
    Family {
        number: 10,
        source: 8,
        destination: 24,
        mask: MASK_V6.to_be_bytes().into(),
        part: MASK_PART_V6.to_be_bytes().into(),
        members: sets::MEMBERS_V6,
        nets: sets::NETS_V6,
        gateways: sets::GATEWAYS_V6,
        flows: sets::FLOWS_V6.0,
        pace: sets::PACE_V6.0,
        private: private::v6(),
        echo: (58, 128),
        leave: "leave_v6",
        node: "node_v6",
        uplink: layout.uplinks.v6,
    }
}

/// Declares all chains: a rule can jump only to one that is there.
fn chains(batch: &mut Batch, families: &[Family], with_resolver: bool) {
    let prerouting = ("prerouting", "nat", PREROUTING, PRIORITY_DESTINATION_NAT);
    let hooks = [
        ("forward", "filter", FORWARD, PRIORITY_FILTER),
        ("input", "filter", INPUT, PRIORITY_FILTER),
        ("postrouting", "nat", POSTROUTING, PRIORITY_SOURCE_NAT),
    ];
    for (name, kind, hook, priority) in with_resolver.then_some(prerouting).into_iter().chain(hooks)
    {
        let hook = Attributes::default().number(1, hook).number(2, priority);
        let chain = Attributes::default().text(1, TABLE).text(3, name).nest(4, &hook);
        batch.add(Act::NewChain, &chain.number(5, POLICY_ACCEPT).text(7, kind));
    }
    let by_family = families.iter().flat_map(|it| [it.leave, it.node]);
    for name in ["from_pod", "to_pod", "to_node"].into_iter().chain(by_family) {
        batch.add(Act::NewChain, &Attributes::default().text(1, TABLE).text(3, name));
    }
}

/// What comes from a pod or goes to one, and whether it says truly where it is from.
fn entrances(batch: &mut Batch, families: &[Family]) {
    rule(batch, "forward", comes_by(&sets::PODS), then(Verdict::Jump("from_pod")));
    rule(batch, "forward", goes_by(&sets::PODS), then(Verdict::Jump("to_pod")));
    rule(batch, "input", comes_by(&sets::PODS), then(Verdict::Jump("to_node")));
    rule(batch, "from_pod", comes_by(&sets::STOPPED), then(Verdict::Drop));
    rule(batch, "to_node", comes_by(&sets::STOPPED), then(Verdict::Drop));
    for family in families {
        for (chain, next) in [("from_pod", family.leave), ("to_node", family.node)] {
            let own = family.is_of_the_pod(family.source);
            rule(batch, chain, own, then(Verdict::Jump(next)));
        }
    }
    rule(batch, "from_pod", vec![], then(Verdict::Drop));
    rule(batch, "to_node", vec![], then(Verdict::Drop));
    rule(batch, "to_pod", goes_by(&sets::STOPPED), then(Verdict::Drop));
    rule(batch, "to_pod", is_known(), then(Verdict::Accept));
    rule(batch, "to_pod", vec![], then(Verdict::Drop));
}

fn comes_by(set: &Set) -> Vec<Expression> {
    vec![meta(Meta::InputIndex), is_in(set)]
}

fn goes_by(set: &Set) -> Vec<Expression> {
    vec![meta(Meta::OutputIndex), is_in(set)]
}

/// No more connections than [`MOST_FLOWS`] for each part of a pod, and none faster than
/// [`FLOWS_A_SECOND`]. Those that are open go on.
fn bound(batch: &mut Batch, family: &Family, counter: &str) {
    for chain in [family.leave, family.node] {
        for bound in [
            has_more_than(MOST_FLOWS, &family.flows, counter),
            is_faster_than(FLOWS_A_SECOND, MOST_FLOWS, &family.pace),
        ] {
            let part = vec![
                meta(Meta::InputIndex),
                network(family.source, family.length(), SECOND),
                masked(&family.part, SECOND),
                bound,
            ];
            rule(batch, chain, [is_first(), part].concat(), then(Verdict::Drop));
        }
    }
}

/// From a pod to its own devices if they meet, or out by the uplink to the internet.
fn leave(batch: &mut Batch, family: &Family) {
    let meeting = [comes_by(&sets::MEETING), family.is_of_the_pod(family.destination)].concat();
    rule(batch, family.leave, meeting, then(Verdict::Accept));
    rule(batch, family.leave, goes_by(&sets::PODS), then(Verdict::Drop));
    for (net, mask) in &family.private {
        let to = network(family.destination, family.length(), FIRST);
        rule(batch, family.leave, vec![to, masked(mask, FIRST), is(net)], then(Verdict::Drop));
    }
    if let Some(uplink) = family.uplink {
        let uplink = vec![meta(Meta::OutputIndex), is(&uplink.to_ne_bytes())];
        rule(batch, family.leave, uplink.clone(), then(Verdict::Accept));
        // Where packets leave, nobody knows any more where they came in.
        let of_a_pod = [family.is_this(), uplink, family.is_of_a_pod()].concat();
        rule(batch, "postrouting", of_a_pod, masquerade());
    }
    rule(batch, family.leave, vec![], then(Verdict::Drop));
}

/// From a pod to the node itself: an echo request to the pod's gateway, and questions that were
/// put to it there.
fn to_node(batch: &mut Batch, family: &Family, resolver: Option<u16>) {
    rule(batch, family.node, is_known(), then(Verdict::Accept));
    let (protocol, kind) = family.echo;
    let request = vec![meta(Meta::Protocol), is(&[protocol]), message_type(), is(&[kind])];
    let request = [family.is_to_its_gateway(), request].concat();
    rule(batch, family.node, request, then(Verdict::Accept));
    if let Some(port) = resolver {
        let redirected = [redirected().to_vec(), vec![is_not(&[0; 4])]].concat();
        let question = [family.is_to_its_gateway(), is_udp_to(port), redirected].concat();
        rule(batch, family.node, question, then(Verdict::Accept));
    }
    rule(batch, family.node, vec![], then(Verdict::Drop));
}

/// Questions to a pod's gateway go to the resolver; nobody else reaches it.
fn resolver(batch: &mut Batch, families: &[Family], port: u16) {
    for family in families {
        let to = [comes_by(&sets::PODS), family.is_this(), family.is_to_its_gateway()].concat();
        let [load, go] = redirect(port);
        rule(batch, "prerouting", [to, is_udp_to(DNS), vec![load]].concat(), go);
    }
    let from_outside = vec![meta(Meta::InputIndex), is_not(&LOOPBACK.to_ne_bytes())];
    rule(batch, "input", [from_outside, is_udp_to(port)].concat(), then(Verdict::Drop));
}

fn is_udp_to(port: u16) -> Vec<Expression> {
    vec![meta(Meta::Protocol), is(&[UDP]), destination_port(), is(&port.to_be_bytes())]
}

fn rule(batch: &mut Batch, chain: &str, mut matches: Vec<Expression>, then: Expression) {
    matches.push(then);
    let rule = Attributes::default().text(1, TABLE).text(2, chain);
    batch.add(Act::NewRule, &rule.nest(4, &Attributes::list(matches)));
}

impl Family {
    fn is_this(&self) -> Vec<Expression> {
        vec![meta(Meta::Family), is(&[self.number])]
    }

    /// The address at this place of the header is of the pod that the packet comes from.
    fn is_of_the_pod(&self, place: u32) -> Vec<Expression> {
        let pair = vec![
            meta(Meta::InputIndex),
            network(place, self.length(), SECOND),
            masked(&self.mask, SECOND),
            is_in(&self.members),
        ];
        [self.is_this(), pair].concat()
    }

    /// The destination is the node's own address in the pod that the packet comes from.
    fn is_to_its_gateway(&self) -> Vec<Expression> {
        let address = network(self.destination, self.length(), SECOND);
        vec![meta(Meta::InputIndex), address, is_in(&self.gateways)]
    }

    /// The source is of a pod.
    fn is_of_a_pod(&self) -> Vec<Expression> {
        vec![
            network(self.source, self.length(), FIRST),
            masked(&self.mask, FIRST),
            is_in(&self.nets),
        ]
    }

    fn length(&self) -> u32 {
        u32::try_from(self.mask.len()).unwrap_or(u32::MAX)
    }
}
