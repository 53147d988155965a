//! The planner against a node in memory: whatever happened before, the node ends as wanted.

use futures::executor::block_on;
use myrelay_domain::{
    addresses::AddressPlan,
    ids::{PeerId, PodId},
    limits::{Quota, Speed},
};
use myrelay_node_protocol::{
    Apply, Carried, DesiredPeer, DesiredState, Epoch, Generation, PodQuota,
};
use proptest::{collection, prelude::*};

use super::*;
use crate::backend::{
    fake::{FakeBackend, Verb},
    node_addresses,
};

pub(crate) type Wishes = BTreeMap<PodId, DesiredPod>;
pub(crate) type Keys = BTreeMap<PodId, PrivateKey>;

/// A pod in few bits: number, interface, port, range, and peers as key → host.
type Draft = (u128, u8, u16, u32, BTreeMap<u8, u32>);

pub(crate) fn pod_id(number: u128) -> PodId {
    uuid::Uuid::from_u128(number).into()
}

pub(crate) fn peer_key(number: u8) -> PublicKey {
    PublicKey::from_bytes([number + 100; 32]).unwrap()
}

pub(crate) fn interface(number: u8) -> InterfaceName {
    InterfaceName::parse(&format!("wg-{number}")).unwrap()
}

fn pod((_, name, port, range, peers): &Draft) -> DesiredPod {
    let site = AddressPlan::v6_site([1; 5]);
    let plan = AddressPlan::new("10.0.0.0/8".parse().unwrap(), site).unwrap();
    let range = plan.pod_range(*range).unwrap();
    let mut hosts = BTreeSet::new();
    let peers = peers.iter().filter(|(_, host)| hosts.insert(**host)).map(|(key, host)| {
        let peer =
            DesiredPeer { public_key: peer_key(*key), addresses: range.device(*host).unwrap() };
        (PeerId::from(uuid::Uuid::from_u128(u128::from(*key))), peer)
    });
    let peers = peers.collect();
    let pod = DesiredPod::new(interface(*name), 20_000 + port, range, peers);
    let speed =
        (port % 3 == 0).then(|| Speed { down: 1_000_000, up: 64_000 * u64::from(*name + 1) });
    DesiredPod { devices_meet: port % 2 == 0, speed, ..pod }
}

/// Sound wishes: a pod that clashes with one before it is left out.
pub(crate) fn wishes(drafts: Vec<Draft>) -> Wishes {
    let mut state = DesiredState::default();
    for draft in drafts {
        let mut next = state.clone();
        next.pods.insert(pod_id(draft.0), pod(&draft));
        if next.ensure_sound().is_ok() {
            state = next;
        }
    }
    state.pods
}

pub(crate) fn any_wishes() -> impl Strategy<Value = Wishes> {
    let peers = collection::btree_map(0u8..8, 2u32..10, 0..6);
    collection::vec((0u128..5, 0u8..6, 0u16..6, 0u32..6, peers), 0..6).prop_map(wishes)
}

pub(crate) fn keys(salt: u8) -> Keys {
    let key = |it: u8| PrivateKey::from_random([it + 10 * salt + 1; 32]);
    (0..5).map(|it| (pod_id(it.into()), key(it))).collect()
}

pub(crate) fn ensure_node_is(node: &Observed, desired: &Wishes, keys: &Keys) {
    assert_eq!(node.interfaces.len(), desired.len());
    for (id, pod) in desired {
        let it = &node.interfaces[&pod.interface];
        let wanted: BTreeMap<_, _> = pod
            .peers
            .values()
            .map(|peer| (peer.public_key, peer_networks(&peer.addresses)))
            .collect();
        assert_eq!((it.pod, it.port, it.up), (Some(*id), pod.port, true));
        assert_eq!(it.public_key, keys[id].public_key().ok());
        assert_eq!(it.addresses, node_addresses(&pod.range));
        assert_eq!(it.peers, wanted);
        let (devices_meet, speed) = (pod.devices_meet, pod.speed);
        assert_eq!(it.traffic, Some(Traffic { devices_meet, speed, stopped: false }));
    }
}

fn converge_now(desired: &Wishes, keys: &Keys, node: &FakeBackend) -> Converged {
    block_on(converge(desired, keys, &Quotas::new(), node))
}

proptest! {
    #[test]
    fn what_is_wanted_is_there_after_one_round_and_nothing_is_left_to_do(
        before in any_wishes(), after in any_wishes(), salt in 0u8..2,
    ) {
        let node = FakeBackend::default();
        converge_now(&before, &keys(0), &node);
        ensure_node_is(&node.node(), &before, &keys(0));

        let done = converge_now(&after, &keys(salt), &node);
        prop_assert_eq!(done.faults, BTreeMap::new());
        ensure_node_is(&node.node(), &after, &keys(salt));
        prop_assert!(plan(&after, &keys(salt), &Quotas::new(), &node.node()).steps.is_empty());
    }

    #[test]
    fn a_peer_that_stays_is_never_touched(before in any_wishes(), after in any_wishes()) {
        let node = FakeBackend::default();
        converge_now(&before, &keys(0), &node);
        let touched = |key: &PublicKey| node.touches(key);
        let before_touches: BTreeMap<_, _> =
            (0..8).map(|it| (peer_key(it), touched(&peer_key(it)))).collect();

        // Keys live in several pods here, so count those that change in none of them.
        let same_pod = |id: &PodId| {
            let (Some(old), Some(new)) = (before.get(id), after.get(id)) else { return false };
            old.interface == new.interface && old.port == new.port
        };
        let places = |wishes: &Wishes| {
            let mut places: BTreeSet<(PublicKey, PodId, HostAddresses2)> = BTreeSet::new();
            for (id, pod) in wishes {
                for peer in pod.peers.values() {
                    let at = (peer.addresses.v4, peer.addresses.v6);
                    places.insert((peer.public_key, *id, at));
                }
            }
            places
        };
        let (old, new) = (places(&before), places(&after));
        let moved: BTreeSet<_> = old
            .symmetric_difference(&new)
            .chain(old.iter().filter(|(_, id, _)| !same_pod(id)))
            .map(|(key, ..)| *key)
            .collect();
        converge_now(&after, &keys(0), &node);
        for (key, touches) in before_touches {
            if !moved.contains(&key) {
                prop_assert_eq!(node.touches(&key), touches);
            }
        }
    }

    /// States arrive late, twice, out of order or never; the newest arrives at last.
    #[test]
    fn any_order_repetition_and_loss_of_deliveries_converges(
        states in collection::vec(any_wishes(), 1..6),
        deliveries in collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let node = FakeBackend::default();
        let mut have = DesiredState::default();
        let newest = states.len() - 1;
        let mut order: Vec<_> = deliveries.iter().map(|it| it.index(states.len())).collect();
        order.push(newest);
        for index in order {
            let generation = Generation(index as u64 + 1);
            let pods = states[index].clone();
            let state =
                DesiredState { epoch: Epoch(1), generation, pods, ..DesiredState::default() };
            if have.replace(state) == Ok(Apply::Newer) {
                converge_now(&have.pods, &keys(0), &node);
            }
        }
        ensure_node_is(&node.node(), &states[newest], &keys(0));
    }

    #[test]
    fn whatever_fails_is_repaired_by_a_later_round(
        states in collection::vec(any_wishes(), 1..4),
        faults in collection::vec((0usize..Verb::ALL.len(), any::<bool>()), 0..10),
    ) {
        let node = FakeBackend::default();
        for (index, state) in states.iter().enumerate() {
            for (verb, always) in faults.iter().skip(index).step_by(states.len()) {
                let verb = Verb::ALL[*verb];
                if *always { node.fail_always(verb) } else { node.fail_once(verb) }
            }
            converge_now(state, &keys(0), &node);
        }
        node.heal();
        let last = states.last().unwrap();
        converge_now(last, &keys(0), &node);
        ensure_node_is(&node.node(), last, &keys(0));
    }

    /// A person at the console changes things: the next round puts them right.
    #[test]
    fn drift_is_repaired(wanted in any_wishes(), other in any_wishes(), down: bool) {
        let node = FakeBackend::default();
        converge_now(&other, &keys(1), &node);
        let mut drifted = node.node();
        for it in drifted.interfaces.values_mut() {
            it.up = !down;
            it.pod = it.pod.filter(|_| down);
            it.traffic = it.traffic.filter(|_| down);
            it.peers.insert(peer_key(99), BTreeSet::new());
        }
        node.set_node(drifted);
        converge_now(&wanted, &keys(0), &node);
        ensure_node_is(&node.node(), &wanted, &keys(0));
    }
}

type HostAddresses2 = (std::net::Ipv4Addr, std::net::Ipv6Addr);

#[test]
fn one_failing_pod_stops_no_other() {
    let desired = wishes(vec![
        (0, 0, 0, 0, [(0, 2)].into()),
        (1, 1, 1, 1, [(1, 2)].into()),
        (2, 2, 2, 2, [(2, 2)].into()),
    ]);
    let node = FakeBackend::default();
    node.fail_on(&interface(1));
    let done = converge_now(&desired, &keys(0), &node);
    assert_eq!(done.faults.keys().collect::<Vec<_>>(), [&pod_id(1)]);
    assert_eq!(node.node().interfaces.len(), 2);
    assert_eq!(node.touches(&peer_key(2)), 1);

    node.heal();
    assert_eq!(converge_now(&desired, &keys(0), &node).faults, BTreeMap::new());
    ensure_node_is(&node.node(), &desired, &keys(0));
    assert_eq!(node.touches(&peer_key(2)), 1, "the others were not touched again");
}

#[test]
fn a_foreign_interface_is_reported_and_left_alone() {
    let node = FakeBackend::default();
    let foreign = BTreeSet::from(["wg-0".to_owned(), "wg-home".to_owned()]);
    node.set_node(Observed { foreign: foreign.clone(), ..Observed::default() });
    let desired = wishes(vec![(0, 0, 0, 0, BTreeMap::new()), (1, 1, 1, 1, BTreeMap::new())]);
    let done = converge_now(&desired, &keys(0), &node);
    assert_eq!(done.foreign, foreign);
    assert_eq!(done.faults.keys().collect::<Vec<_>>(), [&pod_id(0)], "its name is taken");
    assert_eq!(node.node().foreign, foreign);
    assert_eq!(node.node().interfaces.len(), 1);
}

#[test]
fn p07_each_pod_has_its_own_interface_and_key_and_a_new_key_makes_a_new_interface() {
    let desired = wishes(vec![(0, 0, 0, 0, [(0, 2)].into()), (1, 1, 1, 1, BTreeMap::new())]);
    let node = FakeBackend::default();
    converge_now(&desired, &keys(0), &node);
    let interfaces = node.node().interfaces;
    let public: BTreeSet<_> = interfaces.values().filter_map(|it| it.public_key).collect();
    assert_eq!((interfaces.len(), public.len()), (2, 2));

    let done = converge_now(&desired, &keys(1), &node);
    assert_eq!(done.changed, 5, "two deletions, two creations, one peer");
    ensure_node_is(&node.node(), &desired, &keys(1));

    let missing = converge_now(&desired, &Keys::new(), &node);
    assert_eq!(missing.faults.len(), 2);
    ensure_node_is(&node.node(), &desired, &keys(1));
}

#[test]
fn what_goes_goes_before_what_comes() {
    let before = wishes(vec![(0, 0, 0, 0, [(0, 2), (1, 3)].into())]);
    let after = wishes(vec![(0, 0, 0, 0, [(1, 2), (2, 3)].into()), (1, 1, 1, 1, [].into())]);
    let node = FakeBackend::default();
    converge_now(&before, &keys(0), &node);
    let steps = plan(&after, &keys(0), &Quotas::new(), &node.node()).steps;
    let changes: Vec<_> = steps.iter().map(|it| &it.change).collect();
    let [Change::RemovePeers { peers, .. }, Change::CreateInterface(_), Change::SetPeers { .. }] =
        changes.as_slice()
    else {
        panic!("{changes:?}");
    };
    assert_eq!(peers, &BTreeSet::from([peer_key(0)]));
}

/// A plan's speed, a throttle, a stop and a switch: each is one step, and no other.
#[test]
fn what_may_pass_changes_alone() {
    let mut desired = wishes(vec![(0, 0, 0, 0, [(0, 2)].into()), (1, 1, 1, 1, [(1, 2)].into())]);
    let node = FakeBackend::default();
    converge_now(&desired, &keys(0), &node);
    let (slow, fast) =
        (Speed::new(100_000, 200_000).unwrap(), Speed::new(500_000, 150_000).unwrap());
    let limit = Quota::new(1_000_000, QuotaEnd::Throttle(slow)).unwrap();
    let id = pod_id(0);
    let pod = desired.get_mut(&id).unwrap();
    pod.devices_meet = true;
    pod.quota = Some(PodQuota { limit, reset_day: 1, carried: Carried::default() });

    let both = Speed::new(100_000, 150_000).unwrap();
    for (speed, quota, expected) in [
        (None, QuotaState::Within, (None, false)),
        (None, QuotaState::Throttled, (Some(slow), false)),
        (Some(fast), QuotaState::Throttled, (Some(both), false)),
        (Some(fast), QuotaState::Stopped, (Some(fast), true)),
        (Some(fast), QuotaState::Within, (Some(fast), false)),
    ] {
        desired.get_mut(&id).unwrap().speed = speed;
        let quotas = Quotas::from([(id, quota)]);
        let steps = plan(&desired, &keys(0), &quotas, &node.node()).steps;
        let [Step { pod: Some(of), change: Change::SetTraffic { traffic, .. } }] = &steps[..]
        else {
            panic!("{steps:?}");
        };
        let wanted = Traffic { devices_meet: true, speed: expected.0, stopped: expected.1 };
        assert_eq!((*of, *traffic), (id, wanted));
        block_on(converge(&desired, &keys(0), &quotas, &node));
        assert_eq!(node.node().interfaces[&interface(0)].traffic, Some(wanted));
        assert!(plan(&desired, &keys(0), &quotas, &node.node()).steps.is_empty());
    }
    assert_eq!(node.touches(&peer_key(0)), 1, "the peers were never touched");
}

/// What another process left has no key: it is not deleted, and whoever creates takes it over.
#[test]
fn an_interface_without_a_key_is_taken_over() {
    let desired = wishes(vec![(0, 0, 0, 0, [(0, 2)].into()), (1, 1, 1, 1, [].into())]);
    let node = FakeBackend::default();
    converge_now(&desired, &keys(0), &node);
    let mut left = node.node();
    for it in left.interfaces.values_mut() {
        it.public_key = None;
        it.peers.clear();
    }
    node.set_node(left);
    let wanted: Wishes = desired.into_iter().take(1).collect();
    let steps = plan(&wanted, &keys(0), &Quotas::new(), &node.node()).steps;
    let changes: Vec<_> = steps.iter().map(|it| &it.change).collect();
    let [
        Change::DeleteInterface { interface: gone },
        Change::CreateInterface(_),
        Change::SetPeers { .. },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}");
    };
    assert_eq!(*gone, interface(1));
    converge_now(&wanted, &keys(0), &node);
    ensure_node_is(&node.node(), &wanted, &keys(0));
}

/// A pod whose limits cannot be set is not made: a fault, and nothing half done.
#[test]
fn p11_a_pod_that_cannot_be_limited_is_a_fault() {
    let desired = wishes(vec![(0, 0, 0, 0, [(0, 2)].into())]);
    let node = FakeBackend::default();
    node.fail_always(Verb::CreateInterface);
    assert_eq!(converge_now(&desired, &keys(0), &node).faults.len(), 1);
    assert_eq!(node.node(), Observed::default());
    assert_eq!(node.calls(Verb::SetPeers), 0);
}
