//! What a node takes in: never older, never half, and the same whatever way it came.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use myrelay_domain::{
    addresses::{AddressPlan, PodRange},
    ids::{PeerId, PodId},
    keys::PublicKey,
};
use myrelay_node_protocol::{
    Apply, Delta, DesiredPeer, DesiredPod, DesiredState, Epoch, Generation, ObservedState,
    PodFault, StateError, StateMessage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn pod_id(number: u32) -> PodId {
    format!("pod_{number:032x}").parse().unwrap()
}

fn peer_id(number: u32) -> PeerId {
    format!("peer_{number:032x}").parse().unwrap()
}

fn range(number: u32) -> PodRange {
    let v4 = "10.0.0.0/8".parse().unwrap();
    let plan = AddressPlan::new(v4, AddressPlan::v6_site([1, 2, 3, 4, 5])).unwrap();
    plan.pod_range(number).unwrap()
}

fn peer(pod: u32, device: u8) -> DesiredPeer {
    let mut key = [0x55; 32];
    key[0] = device;
    key[1] = u8::try_from(pod).unwrap();
    DesiredPeer {
        public_key: PublicKey::from_bytes(key).unwrap(),
        addresses: range(pod).device(u32::from(device)).unwrap(),
    }
}

/// A pod with the devices whose bits are set.
fn pod(number: u32, devices: u8) -> DesiredPod {
    let devices = (0..8).filter(|bit| devices & (1 << bit) != 0);
    DesiredPod::new(
        format!("wg-pod{number}").parse().unwrap(),
        20_000 + u16::try_from(number).unwrap(),
        range(number),
        devices.map(|bit| (peer_id(bit), peer(number, 2 + u8::try_from(bit).unwrap()))).collect(),
    )
}

fn state(generation: u64, pods: &[(u32, u8)]) -> DesiredState {
    DesiredState {
        epoch: Epoch(1),
        generation: Generation(generation),
        resolver: None,
        pods: pods
            .iter()
            .map(|(number, devices)| (pod_id(*number), pod(*number, *devices)))
            .collect(),
    }
}

/// Everything a node once was: index is generation. An edit sets a pod's devices, or removes it.
struct History {
    states: Vec<DesiredState>,
    touched: Vec<u32>,
}

impl History {
    fn of(edits: &[(u32, Option<u8>)]) -> Self {
        let mut states = vec![state(0, &[])];
        for (number, edit) in edits {
            let mut next = states.last().unwrap().clone();
            next.generation.0 += 1;
            match edit {
                Some(devices) => drop(next.pods.insert(pod_id(*number), pod(*number, *devices))),
                None => drop(next.pods.remove(&pod_id(*number))),
            }
            states.push(next);
        }
        Self { states, touched: edits.iter().map(|(number, _)| *number).collect() }
    }

    fn delta(&self, after: usize, to: usize) -> Delta {
        let touched: BTreeSet<u32> = self.touched[after..to].iter().copied().collect();
        let (mut pods, mut removed) = (BTreeMap::new(), Vec::new());
        for number in touched {
            match self.states[to].pods.get(&pod_id(number)) {
                Some(pod) => drop(pods.insert(pod_id(number), pod.clone())),
                None => removed.push(pod_id(number)),
            }
        }
        let (after, generation) = (self.states[after].generation, self.states[to].generation);
        Delta { epoch: Epoch(1), after, generation, resolver: None, pods, removed }
    }
}

fn edits() -> impl Strategy<Value = Vec<(u32, Option<u8>)>> {
    prop::collection::vec((0..5u32, prop::option::weighted(0.7, any::<u8>())), 1..12)
}

proptest! {
    #[test]
    fn a_chain_of_deltas_is_the_snapshot(edits in edits(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let history = History::of(&edits);
        let mut stops: BTreeSet<usize> = cuts.iter().map(|it| it.index(edits.len() + 1)).collect();
        stops.insert(edits.len());
        let (mut have, mut at) = (history.states[0].clone(), 0);
        for stop in stops {
            have.advance(history.delta(at, stop)).unwrap();
            prop_assert_eq!(&have, &history.states[stop]);
            at = stop;
        }
        let mut whole = history.states[0].clone();
        whole.replace(history.states[edits.len()].clone()).unwrap();
        prop_assert_eq!(have.digest(), whole.digest());
        prop_assert_eq!(have, whole);
    }

    #[test]
    fn any_order_and_repetition_of_deliveries_never_goes_backwards(
        edits in edits(),
        deliveries in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 0..40),
    ) {
        let history = History::of(&edits);
        let mut have = history.states[0].clone();
        for (one, other, whole) in deliveries {
            let ends = (one.index(edits.len() + 1), other.index(edits.len() + 1));
            let (after, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
            let before = have.clone();
            let taken = if whole {
                have.replace(history.states[to].clone())
            } else {
                have.advance(history.delta(after, to))
            };
            prop_assert!(before.version() <= have.version());
            if taken.is_err() {
                prop_assert_eq!(&have, &before, "nothing of a refused message is applied");
            }
            let generation = usize::try_from(have.generation.0).unwrap();
            prop_assert_eq!(&have, &history.states[generation], "what is applied once was wanted");
        }
        have.replace(history.states[edits.len()].clone()).unwrap();
        prop_assert_eq!(&have, &history.states[edits.len()]);
    }

    #[test]
    fn what_is_sent_reads_back(edits in edits()) {
        let history = History::of(&edits);
        let last = history.states.last().unwrap().clone();
        let heartbeat = StateMessage::Heartbeat {
            epoch: last.epoch,
            generation: last.generation,
            digest: last.digest(),
        };
        let delta = StateMessage::Delta { delta: history.delta(0, edits.len()) };
        for message in [StateMessage::Snapshot { state: last }, delta, heartbeat] {
            let line = serde_json::to_string(&message).unwrap();
            prop_assert!(!line.contains('\n'), "one line per message");
            prop_assert_eq!(serde_json::from_str::<StateMessage>(&line).unwrap(), message);
        }
    }

    #[test]
    fn noise_is_refused_without_harm(noise in "\\PC{0,80}") {
        prop_assert!(serde_json::from_str::<StateMessage>(&noise).is_err());
    }
}

#[test]
fn an_older_state_is_refused_and_says_so() {
    let mut have = state(5, &[(1, 1)]);
    let before = have.clone();
    let older = have.replace(state(4, &[])).unwrap_err();
    assert!(matches!(older, StateError::Older { .. }));
    assert!(older.to_string().contains("older"));
    let lower_epoch = DesiredState { epoch: Epoch(0), generation: Generation(9), ..state(0, &[]) };
    assert!(matches!(have.replace(lower_epoch), Err(StateError::Older { .. })));
    assert_eq!(have, before);

    let higher_epoch = DesiredState { epoch: Epoch(2), ..state(1, &[]) };
    assert_eq!(have.replace(higher_epoch.clone()), Ok(Apply::Newer));
    assert_eq!(have.replace(higher_epoch), Ok(Apply::Same));
}

#[test]
fn a_delta_with_a_gap_or_of_another_epoch_is_refused() {
    let mut have = state(5, &[(1, 1)]);
    let before = have.clone();
    let empty = |epoch, after, generation| Delta {
        epoch: Epoch(epoch),
        after: Generation(after),
        generation: Generation(generation),
        resolver: None,
        pods: BTreeMap::new(),
        removed: Vec::new(),
    };
    assert!(matches!(have.advance(empty(1, 6, 7)), Err(StateError::Gap { .. })));
    assert!(matches!(have.advance(empty(2, 5, 6)), Err(StateError::Gap { .. })));
    assert!(matches!(have.advance(empty(1, 3, 4)), Err(StateError::Older { .. })));
    assert_eq!(have.advance(empty(1, 4, 5)), Ok(Apply::Same));
    assert_eq!(have, before);
    assert_eq!(have.advance(empty(1, 3, 6)), Ok(Apply::Newer), "it overlaps and goes further");
}

#[test]
fn a_state_that_does_not_hold_together_is_refused_with_the_reason() {
    let faulty = |change: fn(&mut DesiredPod)| {
        let mut got = state(6, &[(1, 3), (2, 3)]);
        change(got.pods.get_mut(&pod_id(2)).unwrap());
        let mut have = state(5, &[]);
        let error = have.replace(got).unwrap_err();
        assert_eq!(have, state(5, &[]));
        match error {
            StateError::Malformed { fault, .. } => fault,
            other => panic!("{other}"),
        }
    };
    let taken = faulty(|it| it.interface = pod(1, 0).interface);
    assert!(matches!(taken, PodFault::InterfaceTaken(_)));
    assert_eq!(faulty(|it| it.port = 20_001), PodFault::Port(20_001));
    assert_eq!(faulty(|it| it.port = 22), PodFault::Port(22));
    let overlap = faulty(|it| *it = DesiredPod { range: range(1), ..pod(2, 0) });
    assert!(matches!(overlap, PodFault::Overlap(_)));
    let wide = faulty(|it| {
        it.peers.clear();
        it.range.v4 = "10.0.0.0/8".parse().unwrap();
    });
    assert!(matches!(wide, PodFault::Overlap(_)));
    let v6 = faulty(|it| {
        it.peers.clear();
        it.range.v6 = range(1).v6;
    });
    assert!(matches!(v6, PodFault::Overlap6(_)));
    let outside =
        faulty(|it| it.peers.get_mut(&peer_id(0)).unwrap().addresses = peer(1, 2).addresses);
    assert_eq!(outside, PodFault::Outside(peer_id(0)));
    let same_key =
        faulty(|it| it.peers.get_mut(&peer_id(1)).unwrap().public_key = peer(2, 2).public_key);
    assert_eq!(same_key, PodFault::Twice(peer_id(1)));
    let same_address =
        faulty(|it| it.peers.get_mut(&peer_id(1)).unwrap().addresses = peer(2, 2).addresses);
    assert_eq!(same_address, PodFault::Twice(peer_id(1)));
}

#[test]
fn an_unknown_field_is_refused_everywhere() {
    fn refuses_more(message: &Value, at: &[&str]) {
        let mut more = message.clone();
        let place = at.iter().fold(&mut more, |value, key| &mut value[*key]);
        assert!(place.is_object(), "{at:?}");
        place["private_key"] = json!("x");
        assert!(serde_json::from_value::<StateMessage>(more).is_err(), "{at:?}");
    }
    let snapshot =
        serde_json::to_value(StateMessage::Snapshot { state: state(1, &[(1, 1)]) }).unwrap();
    let (pod, peer) = (pod_id(1).to_string(), peer_id(0).to_string());
    refuses_more(&snapshot, &[]);
    refuses_more(&snapshot, &["state"]);
    refuses_more(&snapshot, &["state", "pods", &pod]);
    refuses_more(&snapshot, &["state", "pods", &pod, "peers", &peer]);
    let delta = History::of(&[(1, Some(1))]).delta(0, 1);
    let delta = serde_json::to_value(StateMessage::Delta { delta }).unwrap();
    refuses_more(&delta, &["delta"]);
    let observed = json!({
        "epoch": 1, "generation": 2, "boot_id": "b", "sequence": 3, "agent_version": "0.1.0",
        "backend": "kernel", "clock_ms": 4, "faults": [], "foreign": [],
        "hardening": { "fail2ban": { "verdict": "ok", "detail": "" } },
        "pods": { (pod.clone()): { "public_key": null, "fault": null, "quota": "within" } },
    });
    assert!(serde_json::from_value::<ObservedState>(observed.clone()).is_ok());
    let mut more = observed.clone();
    more["client_address"] = json!("192.0.2.1");
    assert!(serde_json::from_value::<ObservedState>(more).is_err());
    let mut more = observed;
    more["pods"][&pod]["last_handshake_ms"] = json!(1);
    assert!(serde_json::from_value::<ObservedState>(more).is_err());
}

/// A state that an agent of before wrote to its disk has no limits in it, and still serves.
#[test]
fn a_state_without_limits_is_one_without_limits() {
    let mut old = serde_json::to_value(state(1, &[(1, 1)])).unwrap();
    old.as_object_mut().unwrap().remove("resolver");
    for field in ["devices_meet", "speed", "quota"] {
        old["pods"][pod_id(1).to_string()].as_object_mut().unwrap().remove(field);
    }
    assert_eq!(serde_json::from_value::<DesiredState>(old).unwrap(), state(1, &[(1, 1)]));
}
