//! Rounds that know what the node has against rounds that look: there is no difference but the look.

use futures::executor::block_on;
use myrelay_domain::ids::PeerId;
use myrelay_node_protocol::QuotaState;
use proptest::{collection, prelude::*};

use super::*;
use crate::{
    backend::fake::{FakeBackend, Verb},
    plan::tests::{Wishes, any_wishes, ensure_node_is, interface, keys, peer_key, pod_id, wishes},
};

fn state(pods: Wishes) -> Arc<DesiredState> {
    Arc::new(DesiredState { pods, ..DesiredState::default() })
}

fn any_quotas() -> impl Strategy<Value = Quotas> {
    let quota = prop_oneof![
        Just(QuotaState::Within),
        Just(QuotaState::Throttled),
        Just(QuotaState::Stopped)
    ];
    collection::btree_map((0u128..5).prop_map(pod_id), quota, 0..3)
}

/// The next state is most often made of the one before.
fn any_history() -> impl Strategy<Value = Vec<(Wishes, Quotas, u8)>> {
    let turn = (any_wishes(), any::<[bool; 5]>(), any_quotas(), 0u8..8);
    collection::vec(turn, 1..6).prop_map(|turns| {
        let mut before = Wishes::new();
        let history = turns.into_iter().map(|(wanted, stays, quotas, salt)| {
            let kept = before
                .iter()
                .filter(|(id, _)| (0..5).any(|it| pod_id(it as u128) == **id && stays[it]));
            let mut next = DesiredState::default();
            let pods = kept.map(|(id, pod)| (*id, pod.clone())).chain(wanted);
            for (id, pod) in pods.collect::<Vec<_>>() {
                let mut with = next.clone();
                with.pods.insert(id, pod);
                if with.ensure_sound().is_ok() {
                    next = with;
                }
            }
            before = next.pods;
            // Keys seldom change.
            (before.clone(), quotas, salt / 7)
        });
        history.collect()
    })
}

/// Steps in words; a private key has none, so its public half stands beside.
fn in_words(plan: &Plan) -> Vec<String> {
    let key = |change: &Change| match change {
        Change::CreateInterface(spec) | Change::SetInterface(spec) => {
            spec.private_key.public_key().ok()
        }
        _ => None,
    };
    plan.steps.iter().map(|it| format!("{it:?} {:?}", key(&it.change))).collect()
}

/// What is known of the node is true.
fn ensure_known_is_true(rounds: &Rounds, salt: u8, node: &FakeBackend) {
    let Some(met) = &rounds.met else { return };
    let left = plan::plan(&met.state.pods, &keys(salt), &met.quotas, &node.node());
    assert_eq!(in_words(&left), Vec::<String>::new());
}

#[derive(Clone, Debug)]
enum Event {
    Want(Wishes, Quotas),
    /// One of the next acts fails, or all of that kind until the next event heals them.
    Fail(usize, bool),
    Heal,
    /// Somebody changes the node by hand, in one of several ways.
    Drift(u8),
    /// The node says that it changed, or the time is over.
    Look,
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (any_wishes(), any_quotas()).prop_map(|(pods, quotas)| Event::Want(pods, quotas)),
        2 => (0..Verb::ALL.len(), any::<bool>()).prop_map(|(verb, all)| Event::Fail(verb, all)),
        1 => Just(Event::Heal),
        1 => (0u8..5).prop_map(Event::Drift),
        1 => Just(Event::Look),
    ]
}

fn drift(node: &FakeBackend, way: u8) {
    let mut drifted = node.node();
    if way == 0 {
        drifted.interfaces.pop_first();
    }
    for it in drifted.interfaces.values_mut() {
        match way {
            1 => it.up = false,
            2 => drop(it.peers.pop_first()),
            3 => drop(it.peers.insert(peer_key(99), BTreeSet::new())),
            _ => it.traffic = None,
        }
    }
    node.set_node(drifted);
}

proptest! {
    #[test]
    fn what_is_known_leads_to_the_same_steps_as_a_look(history in any_history()) {
        let (known, looked) = (FakeBackend::default(), FakeBackend::default());
        let mut rounds = Rounds::default();
        for (pods, quotas, salt) in history {
            let keys = keys(salt);
            if let Some(met) = &rounds.met {
                let by_look = plan::plan(&pods, &keys, &quotas, &known.node());
                prop_assert_eq!(in_words(&met.plan(&pods, &keys, &quotas)), in_words(&by_look));
            }
            let state = state(pods);
            let done = block_on(rounds.converge(&state, &keys, &quotas, &known));
            let same = block_on(plan::converge(&state.pods, &keys, &quotas, &looked));
            prop_assert_eq!(&done.faults, &BTreeMap::new());
            prop_assert_eq!(done.changed, same.changed);
            prop_assert_eq!(known.node(), looked.node());
            for key in 0..8 {
                prop_assert_eq!(known.touches(&peer_key(key)), looked.touches(&peer_key(key)));
            }
        }
        prop_assert_eq!(known.calls(Verb::Observe), 1);
    }

    #[test]
    fn whatever_fails_or_drifts_what_is_known_is_true_and_all_is_repaired(
        events in collection::vec(any_event(), 1..16), last in any_wishes(),
    ) {
        let node = FakeBackend::default();
        let mut rounds = Rounds::default();
        let mut drifted = false;
        for event in events {
            match event {
                Event::Fail(verb, true) => node.fail_always(Verb::ALL[verb]),
                Event::Fail(verb, false) => node.fail_once(Verb::ALL[verb]),
                Event::Heal => node.heal(),
                Event::Drift(way) => {
                    drift(&node, way);
                    drifted = true;
                }
                Event::Look => {
                    rounds.forget();
                    drifted = false;
                }
                Event::Want(pods, quotas) => {
                    block_on(rounds.converge(&state(pods), &keys(0), &quotas, &node));
                }
            }
            if !drifted {
                ensure_known_is_true(&rounds, 0, &node);
            }
        }
        node.heal();
        if drifted {
            rounds.forget();
        }
        block_on(rounds.converge(&state(last.clone()), &keys(0), &Quotas::new(), &node));
        ensure_node_is(&node.node(), &last, &keys(0));
    }
}

/// Two pods with two devices each, and the rounds that made them.
fn two_pods() -> (FakeBackend, Rounds, Wishes) {
    let pods =
        wishes(vec![(0, 0, 0, 0, [(0, 2), (1, 3)].into()), (1, 1, 1, 1, [(2, 2), (3, 3)].into())]);
    let (node, mut rounds) = (FakeBackend::default(), Rounds::default());
    round(&mut rounds, &pods, &node);
    (node, rounds, pods)
}

fn round(rounds: &mut Rounds, pods: &Wishes, node: &FakeBackend) -> Converged {
    block_on(rounds.converge(&state(pods.clone()), &keys(0), &Quotas::new(), node))
}

fn without_first_device(pods: &Wishes, number: u128) -> Wishes {
    let mut pods = pods.clone();
    pods.get_mut(&pod_id(number)).unwrap().peers.pop_first();
    pods
}

#[test]
fn a_device_that_goes_is_one_act() {
    let (node, mut rounds, pods) = two_pods();
    let fewer = without_first_device(&pods, 0);
    assert!(rounds.only_devices_differ(&state(fewer.clone())));
    let done = round(&mut rounds, &fewer, &node);
    assert_eq!((done.changed, done.looked), (1, false));
    assert_eq!((node.calls(Verb::Observe), node.calls(Verb::EnsureForwarding)), (1, 1));
    assert_eq!((node.touches(&peer_key(0)), node.touches(&peer_key(1))), (2, 1));
    ensure_node_is(&node.node(), &fewer, &keys(0));
}

#[test]
fn a_device_that_is_removed_and_added_again_is_left_as_it_is() {
    let (node, mut rounds, mut pods) = two_pods();
    let peers = &mut pods.get_mut(&pod_id(0)).unwrap().peers;
    let (_, device) = peers.pop_first().unwrap();
    peers.insert(PeerId::from(uuid::Uuid::from_u128(77)), device);
    assert_eq!(round(&mut rounds, &pods, &node).changed, 0);
    assert_eq!(node.touches(&peer_key(0)), 1);
}

#[test]
fn a_pod_that_goes_takes_its_walls_along() {
    let (node, mut rounds, mut pods) = two_pods();
    pods.pop_first();
    assert!(!rounds.only_devices_differ(&state(pods.clone())));
    assert!(!round(&mut rounds, &pods, &node).looked);
    assert_eq!((node.calls(Verb::Observe), node.calls(Verb::EnsureForwarding)), (1, 2));
    ensure_node_is(&node.node(), &pods, &keys(0));
}

/// Nobody said that it vanished: the act fails, and the same round looks.
#[test]
fn an_interface_that_vanished_is_made_again_in_the_same_round() {
    let (node, mut rounds, pods) = two_pods();
    let mut drifted = node.node();
    drifted.interfaces.remove(&interface(0));
    node.set_node(drifted);
    let fewer = without_first_device(&pods, 0);
    let done = round(&mut rounds, &fewer, &node);
    assert_eq!((done.faults, done.looked), (BTreeMap::new(), true));
    ensure_node_is(&node.node(), &fewer, &keys(0));
    assert_eq!(node.touches(&peer_key(2)), 1, "the other pod was not touched");
}

#[test]
fn an_act_that_fails_is_tried_again_at_once_and_then_by_the_next_round() {
    let (node, mut rounds, pods) = two_pods();
    node.fail_once(Verb::RemovePeers);
    let fewer = without_first_device(&pods, 0);
    let done = round(&mut rounds, &fewer, &node);
    assert_eq!((done.faults, done.looked), (BTreeMap::new(), true));

    node.fail_always(Verb::RemovePeers);
    let fewest = without_first_device(&fewer, 1);
    let done = round(&mut rounds, &fewest, &node);
    assert_eq!(done.faults.keys().collect::<Vec<_>>(), [&pod_id(1)]);
    node.heal();
    let done = round(&mut rounds, &fewest, &node);
    assert_eq!((done.faults, done.looked), (BTreeMap::new(), true));
    ensure_node_is(&node.node(), &fewest, &keys(0));
}

/// Somebody gives a device to a pod by hand, and takes another away: whoever looks repairs it.
#[test]
fn what_somebody_changed_by_hand_is_repaired_by_the_next_look() {
    let (node, mut rounds, pods) = two_pods();
    drift(&node, 2);
    drift(&node, 3);
    assert!(!round(&mut rounds, &pods, &node).looked);
    rounds.forget();
    assert!(round(&mut rounds, &pods, &node).looked);
    ensure_node_is(&node.node(), &pods, &keys(0));
}
