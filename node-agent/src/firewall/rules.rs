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

use std::collections::BTreeMap;

use myrelay_domain::addresses::PodRange;

use super::{
    Layout, TABLE,
    expressions::{
        Expression, FIRST, Meta, SECOND, Verdict, is, is_in, is_known, masked, masquerade,
        message_type, meta, network, then,
    },
    netfilter::{Act, Attributes, Batch},
    sets::{self, MASK_V4, MASK_V6, Set},
};

/// `NF_INET_LOCAL_IN`, `NF_INET_FORWARD` and `NF_INET_POST_ROUTING` of linux/netfilter.h.
const INPUT: u32 = 1;
const FORWARD: u32 = 2;
const POSTROUTING: u32 = 4;
/// `NF_IP_PRI_FILTER` and `NF_IP_PRI_NAT_SRC` of linux/netfilter_ipv4.h.
const PRIORITY_FILTER: u32 = 0;
const PRIORITY_SOURCE_NAT: u32 = 100;
const POLICY_ACCEPT: u32 = 1;

/// An address family, and what differs by it.
struct Family {
    /// `NFPROTO_IPV4` or `NFPROTO_IPV6`.
    number: u8,
    /// Where source and destination stand in the header (RFC 791 section 3.1, RFC 8200 section 3).
    source: u32,
    destination: u32,
    mask: Vec<u8>,
    members: Set,
    nets: Set,
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

/// A transaction that puts the whole table in the place of any earlier one.
pub(super) fn all(layout: &Layout) -> Batch {
    let mut batch = nothing();
    batch.add(Act::NewTable, &Attributes::default().text(1, TABLE));
    for set in sets::ALL {
        set.declare(&mut batch);
        set.change(&mut batch, Act::NewElements, &layout.pods);
    }
    let families = [v4(layout), v6(layout)];
    chains(&mut batch, &families);
    entrances(&mut batch, &families);
    for family in &families {
        leave(&mut batch, family);
        to_node(&mut batch, family);
    }
    batch
}

/// A transaction of set elements only, for a table that stands.
pub(super) fn difference(
    before: &BTreeMap<u32, PodRange>,
    after: &BTreeMap<u32, PodRange>,
) -> Batch {
    let without = |pods: &BTreeMap<u32, PodRange>, others: &BTreeMap<u32, PodRange>| {
        let differ = pods.iter().filter(|(index, range)| others.get(index) != Some(range));
        differ.map(|(index, range)| (*index, *range)).collect()
    };
    let (gone, new) = (without(before, after), without(after, before));
    let mut batch = Batch::new();
    for set in sets::ALL {
        set.change(&mut batch, Act::DeleteElements, &gone);
        set.change(&mut batch, Act::NewElements, &new);
    }
    batch
}

fn v4(layout: &Layout) -> Family {
    Family {
        number: 2,
        source: 12,
        destination: 16,
        mask: MASK_V4.to_be_bytes().into(),
        members: sets::MEMBERS_V4,
        nets: sets::NETS_V4,
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
        members: sets::MEMBERS_V6,
        nets: sets::NETS_V6,
        echo: (58, 128),
        leave: "leave_v6",
        node: "node_v6",
        uplink: layout.uplinks.v6,
    }
}

/// Declares all chains: a rule can jump only to one that is there.
fn chains(batch: &mut Batch, families: &[Family]) {
    for (name, kind, hook, priority) in [
        ("forward", "filter", FORWARD, PRIORITY_FILTER),
        ("input", "filter", INPUT, PRIORITY_FILTER),
        ("postrouting", "nat", POSTROUTING, PRIORITY_SOURCE_NAT),
    ] {
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
    let pods = |key| vec![meta(key), is_in(sets::PODS.name, sets::PODS.id)];
    rule(batch, "forward", pods(Meta::InputIndex), then(Verdict::Jump("from_pod")));
    rule(batch, "forward", pods(Meta::OutputIndex), then(Verdict::Jump("to_pod")));
    rule(batch, "input", pods(Meta::InputIndex), then(Verdict::Jump("to_node")));
    for family in families {
        for (chain, next) in [("from_pod", family.leave), ("to_node", family.node)] {
            let own = family.is_of_the_pod(family.source);
            rule(batch, chain, own, then(Verdict::Jump(next)));
        }
    }
    rule(batch, "from_pod", vec![], then(Verdict::Drop));
    rule(batch, "to_node", vec![], then(Verdict::Drop));
    rule(batch, "to_pod", is_known(), then(Verdict::Accept));
    rule(batch, "to_pod", vec![], then(Verdict::Drop));
}

/// From a pod to its own devices, or out by the uplink.
fn leave(batch: &mut Batch, family: &Family) {
    let same_pod = family.is_of_the_pod(family.destination);
    rule(batch, family.leave, same_pod, then(Verdict::Accept));
    let pods = vec![meta(Meta::OutputIndex), is_in(sets::PODS.name, sets::PODS.id)];
    rule(batch, family.leave, pods, then(Verdict::Drop));
    if let Some(uplink) = family.uplink {
        let uplink = vec![meta(Meta::OutputIndex), is(&uplink.to_ne_bytes())];
        rule(batch, family.leave, uplink.clone(), then(Verdict::Accept));
        // Where packets leave, nobody knows any more where they came in.
        let of_a_pod = [family.is_this(), uplink, family.is_of_a_pod()].concat();
        rule(batch, "postrouting", of_a_pod, masquerade());
    }
    rule(batch, family.leave, vec![], then(Verdict::Drop));
}

/// From a pod to the node itself: an echo request to the pod's gateway.
fn to_node(batch: &mut Batch, family: &Family) {
    rule(batch, family.node, is_known(), then(Verdict::Accept));
    let (protocol, kind) = family.echo;
    let request = vec![meta(Meta::Protocol), is(&[protocol]), message_type(), is(&[kind])];
    let gateway = family.is_of_the_pod(family.destination);
    rule(batch, family.node, [gateway, request].concat(), then(Verdict::Accept));
    rule(batch, family.node, vec![], then(Verdict::Drop));
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
            is_in(self.members.name, self.members.id),
        ];
        [self.is_this(), pair].concat()
    }

    /// The source is of a pod.
    fn is_of_a_pod(&self) -> Vec<Expression> {
        vec![
            network(self.source, self.length(), FIRST),
            masked(&self.mask, FIRST),
            is_in(self.nets.name, self.nets.id),
        ]
    }

    fn length(&self) -> u32 {
        u32::try_from(self.mask.len()).unwrap_or(u32::MAX)
    }
}
