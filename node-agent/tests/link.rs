//! A node and its portal: whatever happens between them, the node has what was wanted last.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::StatusCode;
use myrelay_agent::backend::fake::Verb;
use myrelay_node_protocol::{CheckOutcome, Generation, StateMessage};
use proptest::{prelude::*, test_runner::Config};
use support::{
    authority::{Authority, Presented},
    eventually,
    machine::Machine,
    pods::{delta, heartbeat, peer_key, pod, pod_id, snapshot, state},
    portal::Portal,
};

const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;

/// A portal and a running node that has pod 1 with two devices, of generation 1.
async fn pair() -> (Portal, Machine) {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    machine.has(&[(1, 2)]).await;
    (portal, machine)
}

async fn reported(portal: &Portal, generation: u64) {
    eventually(&format!("generation {generation} is reported"), || {
        let records = portal.records();
        records.observed.last().is_some_and(|it| it.generation == Generation(generation))
    })
    .await;
}

#[tokio::test]
async fn what_is_wanted_is_made_and_reported() {
    let (portal, mut machine) = pair().await;
    reported(&portal, 1).await;
    portal.push(&delta(1, 2, &[(1, 3), (2, 1)], &[]));
    machine.has(&[(1, 3), (2, 1)]).await;
    reported(&portal, 2).await;
    portal.push(&delta(2, 3, &[], &[1]));
    machine.has(&[(2, 1)]).await;
    reported(&portal, 3).await;
    machine.stop().await;

    let records = portal.records();
    let last = records.observed.last().unwrap();
    assert_eq!(last.pods[&pod_id(2)].public_key.unwrap().to_string(), machine.public_key(2));
    assert_eq!(last.pods[&pod_id(2)].fault, None);
    assert_eq!(last.backend, "fake");
    assert!(records.observed.windows(2).all(|it| it[0].sequence < it[1].sequence));
}

#[tokio::test]
async fn an_older_state_is_never_applied() {
    let (portal, mut machine) = pair().await;
    portal.want(state(5, &[(1, 2), (2, 1)]));
    machine.has(&[(1, 2), (2, 1)]).await;
    let touched = machine.backend.touches(&peer_key(1, 2));
    portal.push(&snapshot(state(4, &[])));
    portal.push(&delta(1, 3, &[], &[1, 2]));
    portal.push(&heartbeat(&state(4, &[])));
    eventually("the trouble is shown", || {
        let trouble = machine.status().and_then(|it| it.trouble);
        trouble.is_some_and(|it| it.contains("older"))
    })
    .await;
    portal.push(&delta(5, 6, &[(3, 1)], &[]));
    machine.has(&[(1, 2), (2, 1), (3, 1)]).await;
    assert_eq!(portal.streams_opened(), 1, "the stream goes on");

    portal.set(state(1, &[]));
    portal.hang_up();
    eventually("a new stream is opened", || portal.streams_opened() == 2).await;
    portal.push(&delta(6, 7, &[(4, 1)], &[]));
    machine.has(&[(1, 2), (2, 1), (3, 1), (4, 1)]).await;
    assert_eq!(machine.backend.touches(&peer_key(1, 2)), touched, "who stays is not touched");
    machine.stop().await;
}

#[tokio::test]
async fn a_gap_is_closed_by_everything() {
    let (portal, mut machine) = pair().await;
    portal.set(state(9, &[(1, 2), (4, 4)]));
    portal.push(&delta(8, 9, &[(4, 4)], &[]));
    machine.has(&[(1, 2), (4, 4)]).await;
    let asked = "GET /v1/state?epoch=0&have=0".to_owned();
    assert_eq!(portal.records().requests.iter().filter(|it| **it == asked).count(), 2);
    machine.stop().await;
}

#[tokio::test]
async fn a_missed_message_shows_at_the_next_heartbeat() {
    let (portal, mut machine) = pair().await;
    let missed = state(2, &[(1, 2), (2, 2)]);
    portal.set(missed.clone());
    portal.push(&heartbeat(&missed));
    machine.has(&[(1, 2), (2, 2)]).await;

    let differs = state(2, &[(1, 2), (2, 3)]);
    portal.set(differs.clone());
    portal.push(&heartbeat(&differs));
    machine.has(&[(1, 2), (2, 3)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_state_that_does_not_hold_together_changes_nothing() {
    let (portal, mut machine) = pair().await;
    let mut wrong = state(2, &[(1, 2), (2, 2)]);
    wrong.pods.get_mut(&pod_id(2)).unwrap().port = pod(1, 0).port;
    portal.want(wrong);
    eventually("it dials again and again", || 3 < portal.streams_opened()).await;
    assert!(machine.holds(&[(1, 2)]));
    portal.want(state(3, &[(1, 2), (2, 2)]));
    machine.has(&[(1, 2), (2, 2)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn nonsense_ends_the_stream_and_nothing_else() {
    let (portal, mut machine) = pair().await;
    let unknown = "{\"kind\":\"heartbeat\",\"colour\":1}\n".to_owned();
    for nonsense in ["\n".to_owned(), "{}\n".to_owned(), unknown, "\u{0}\u{0}\n".to_owned()] {
        let before = portal.streams_opened();
        portal.push_raw(nonsense);
        eventually("it dials again", || before < portal.streams_opened()).await;
    }
    assert!(machine.holds(&[(1, 2)]));
    machine.stop().await;
}

#[tokio::test]
async fn a_silent_portal_is_dialed_again() {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.pace.silence = Duration::from_millis(50);
    machine.start();
    eventually("it dials again", || 3 < portal.streams_opened()).await;
    machine.has(&[(1, 2)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_node_serves_without_its_portal_and_after_a_reboot() {
    let (mut portal, mut machine) = pair().await;
    portal.stop().await;
    machine.stop().await;
    let mut machine = machine.rebooted();
    assert!(machine.holds(&[]));
    machine.start();
    machine.has(&[(1, 2)]).await;

    portal.set(state(2, &[(1, 1)]));
    portal.start_again().await;
    machine.has(&[(1, 1)]).await;
    reported(&portal, 2).await;
    let asked = portal.records().requests.clone();
    assert!(asked.contains(&"GET /v1/state?epoch=1&have=1".to_owned()), "{asked:?}");
    machine.stop().await;
}

#[tokio::test]
async fn changes_are_remembered_over_a_reboot() {
    let (mut portal, mut machine) = pair().await;
    portal.push(&delta(1, 2, &[(2, 1)], &[]));
    portal.push(&delta(2, 3, &[(2, 2), (3, 1)], &[1]));
    machine.has(&[(2, 2), (3, 1)]).await;
    portal.stop().await;
    machine.kill().await;
    let mut machine = machine.rebooted();
    machine.start();
    machine.has(&[(2, 2), (3, 1)]).await;

    portal.set(state(4, &[(3, 1)]));
    portal.start_again().await;
    machine.has(&[(3, 1)]).await;
    let asked = portal.records().requests.clone();
    assert!(asked.contains(&"GET /v1/state?epoch=1&have=3".to_owned()), "{asked:?}");
    machine.stop().await;
}

#[tokio::test]
async fn stopping_leaves_the_tunnels_and_starting_does_not_touch_them() {
    let (portal, mut machine) = pair().await;
    let (node, touched) = (machine.backend.node(), machine.backend.touches(&peer_key(1, 2)));
    machine.stop().await;
    assert_eq!(machine.backend.node(), node);
    machine.start();
    portal.want(state(2, &[(1, 2), (2, 1)]));
    machine.has(&[(1, 2), (2, 1)]).await;
    assert_eq!(machine.backend.touches(&peer_key(1, 2)), touched);
    machine.stop().await;
}

#[tokio::test]
async fn a_damaged_memory_waits_for_the_portal_and_drops_no_tunnel() {
    let (mut portal, mut machine) = pair().await;
    portal.stop().await;
    machine.stop().await;
    let file = machine.state_dir().join("state.json");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();

    let key = machine.public_key(1);
    machine.start();
    eventually("it says that it knows nothing", || {
        machine.status().is_some_and(|it| it.wanted.is_none() && it.trouble.is_some())
    })
    .await;
    assert!(machine.holds(&[(1, 2)]), "what is there stays");
    assert!(machine.state_dir().join("state.json.corrupt-1").exists());
    portal.set(state(2, &[(1, 2), (2, 1)]));
    portal.start_again().await;
    machine.has(&[(1, 2), (2, 1)]).await;
    assert_eq!(machine.public_key(1), key, "and so does its key");
    machine.stop().await;
}

#[tokio::test]
async fn what_somebody_else_changed_is_repaired() {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2), (2, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.pace.drift = Duration::from_millis(20);
    machine.start();
    machine.has(&[(1, 2), (2, 2)]).await;
    let mut node = machine.backend.node();
    node.interfaces.remove(&pod(1, 0).interface);
    node.interfaces.get_mut(&pod(2, 0).interface).unwrap().peers.clear();
    machine.backend.set_node(node);
    machine.has(&[(1, 2), (2, 2)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_pod_that_fails_is_reported_and_stops_no_other() {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2), (2, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.pace.drift = Duration::from_millis(20);
    machine.backend.fail_on(&pod(1, 0).interface);
    machine.start();
    machine.has(&[(2, 2)]).await;
    let fault = |portal: &Portal| {
        let records = portal.records();
        records.observed.last().map(|it| it.pods[&pod_id(1)].fault.is_some())
    };
    eventually("the fault is reported", || fault(&portal) == Some(true)).await;
    machine.backend.heal();
    machine.has(&[(1, 2), (2, 2)]).await;
    eventually("the fault is over", || fault(&portal) == Some(false)).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_node_that_forwards_nothing_says_so_of_every_pod() {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2), (2, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.pace.drift = Duration::from_millis(20);
    machine.backend.fail_always(Verb::EnsureForwarding);
    machine.start();
    machine.has(&[(1, 2), (2, 2)]).await;
    let faults = |portal: &Portal| {
        let records = portal.records();
        let last = records.observed.last().map(|it| it.pods.clone()).unwrap_or_default();
        last.into_values().map(|it| it.fault.is_some()).collect::<Vec<_>>()
    };
    eventually("both pods have the fault", || faults(&portal) == [true, true]).await;
    machine.backend.heal();
    eventually("the fault is over", || faults(&portal) == [false, false]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_device_is_connected_or_not_when_its_owner_asks() {
    let (portal, mut machine) = pair().await;
    let interface = pod(1, 0).interface;
    let age = Duration::from_secs(179);
    machine.backend.set_handshake_age(&interface, &peer_key(1, 2), age);
    machine.backend.set_handshake_age(&interface, &peer_key(1, 3), Duration::from_secs(180));
    let ask = |request: &str, number, device| StateMessage::Check {
        request: request.to_owned(),
        pod: pod_id(number),
        public_key: peer_key(number, device),
    };
    portal.push(&ask("live", 1, 2));
    portal.push(&ask("old", 1, 3));
    portal.push(&ask("no device", 1, 4));
    portal.push(&ask("no pod", 2, 2));
    eventually("all are answered", || portal.records().answers.len() == 4).await;
    let outcomes = |request: &str| {
        let records = portal.records();
        records.answers.iter().find(|it| it.request == request).unwrap().outcome
    };
    assert_eq!(outcomes("live"), CheckOutcome::Connected);
    assert_eq!(outcomes("old"), CheckOutcome::NotConnected);
    assert_eq!(outcomes("no device"), CheckOutcome::UnknownPeer);
    assert_eq!(outcomes("no pod"), CheckOutcome::UnknownPeer);

    machine.backend.fail_once(Verb::HandshakeAge);
    portal.push(&ask("fails", 1, 2));
    portal.push(&ask("after", 1, 2));
    eventually("the next is answered", || portal.records().answers.len() == 5).await;
    machine.stop().await;
}

#[tokio::test]
async fn the_certificate_is_renewed_with_a_new_key_and_no_gap_in_the_stream() {
    let portal = Portal::start().await;
    portal.records().node_years = (2020, 2040);
    portal.set(state(1, &[(1, 1)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    reported(&portal, 1).await;
    let identity = || std::fs::read(machine.state_dir().join("identity.json")).unwrap();
    let before = identity();
    portal.records().node_years = (2020, 2100);
    machine.clock.moved_ms.store(10 * YEAR_MS, Ordering::SeqCst);
    eventually("it is renewed", || identity() != before).await;
    portal.want(state(2, &[(1, 2)]));
    reported(&portal, 2).await;
    let after = identity();
    machine.stop().await;

    assert_eq!(portal.streams_opened(), 1);
    let renewals = portal.records().requests.iter().filter(|it| *it == "POST /v1/renew").count();
    assert_eq!(renewals, 1);
    let certificates: BTreeSet<Vec<u8>> =
        portal.records().certificates.iter().flatten().cloned().collect();
    assert_eq!(certificates.len(), 2, "reports come with the new certificate");
    let key = |file: &[u8]| {
        let file: serde_json::Value = serde_json::from_slice(file).unwrap();
        file["key_pem"].clone()
    };
    assert_ne!(key(&before), key(&after));

    machine.start();
    eventually("it dials with the new one", || portal.streams_opened() == 2).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_retired_node_drops_its_pods_and_may_be_taken_back() {
    let (portal, mut machine) = pair().await;
    portal.records().refusal = Some((StatusCode::GONE, "node_retired"));
    portal.hang_up();
    machine.has(&[]).await;
    eventually("it says so", || machine.status().is_some_and(|it| it.retired)).await;
    portal.records().refusal = None;
    portal.set(state(2, &[(1, 1)]));
    machine.has(&[(1, 1)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_refused_node_serves_on() {
    let (portal, mut machine) = pair().await;
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::GONE] {
        portal.records().refusal = Some((status, "quarantined"));
        portal.hang_up();
        let before = portal.streams_opened();
        eventually("it dials again", || before + 2 < portal.streams_opened()).await;
        assert!(machine.holds(&[(1, 2)]), "{status}");
    }
    portal.records().refusal = None;
    portal.set(state(2, &[(1, 1)]));
    machine.has(&[(1, 1)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_applied() {
    let (portal, mut machine) = pair().await;
    let in_the_way = machine.state_dir().join("state.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    portal.want(state(2, &[(1, 1), (2, 1)]));
    eventually("it tries again and again", || 3 < portal.streams_opened()).await;
    assert!(machine.holds(&[(1, 2)]));
    std::fs::remove_dir(&in_the_way).unwrap();
    machine.has(&[(1, 1), (2, 1)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn p15_a_node_speaks_to_nobody_but_its_own_portal() {
    let (mut portal, mut machine) = pair().await;
    let own = portal.authority.clone();
    let right = Presented::default();
    let impostor = (Arc::new(Authority::new()), right.clone());
    let wrong = Presented::wrong().map(|it| (own.clone(), it));
    for (authority, presented) in wrong.into_iter().chain([impostor]) {
        portal.stop().await;
        portal.authority = authority;
        portal.records().received.clear();
        portal.records().handshakes = 0;
        portal.start_again_presenting(&presented).await;
        eventually("it came and left", || 2 < portal.records().handshakes).await;
        assert!(portal.records().received.is_empty());
        assert!(machine.holds(&[(1, 2)]));
    }
    portal.stop().await;
    portal.authority = own;
    portal.set(state(2, &[(1, 1)]));
    portal.start_again_presenting(&right).await;
    machine.has(&[(1, 1)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_node_whose_certificate_is_over_serves_on_and_says_what_to_do() {
    let (portal, mut machine) = pair().await;
    machine.stop().await;
    portal.records().node_years = (2020, 2021);
    machine.join(&portal, portal.invite_again(), true).await.unwrap();
    portal.set(state(2, &[]));
    machine.start();
    eventually("the trouble is shown", || {
        let trouble = machine.status().and_then(|it| it.trouble);
        trouble.is_some_and(|it| it.contains("CertificateExpired") && it.contains("--again"))
    })
    .await;
    assert!(machine.holds(&[(1, 2)]));
    machine.stop().await;
}

/// What a portal could send, in any order.
#[derive(Clone, Debug)]
enum Delivery {
    Snapshot(u64),
    Delta(u64, u64),
    Heartbeat(u64),
    HangUp,
}

/// Generation g has pods 1 to 3 with that many devices.
fn history(generation: u64) -> Vec<(u32, u32)> {
    let generation = u32::try_from(generation).unwrap();
    let devices = |pod: u32| (generation * (pod + 1)) % 4;
    (1..4).map(|pod| (pod, devices(pod))).filter(|(_, devices)| *devices != 0).collect()
}

fn delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        (1..8u64).prop_map(Delivery::Snapshot),
        (1..8u64, 1..8u64).prop_map(|(one, other)| Delivery::Delta(one.min(other), one.max(other))),
        (1..8u64).prop_map(Delivery::Heartbeat),
        Just(Delivery::HangUp),
    ]
}

proptest! {
    #![proptest_config(Config { cases: 12, failure_persistence: None, ..Config::default() })]
    #[test]
    fn any_order_and_repetition_of_deliveries_ends_at_what_is_wanted(
        deliveries in prop::collection::vec(delivery(), 0..20),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (portal, mut machine) = pair().await;
            let at = |generation| state(generation, &history(generation));
            portal.set(at(7));
            for delivery in deliveries {
                match delivery {
                    Delivery::Snapshot(generation) => portal.push(&snapshot(at(generation))),
                    Delivery::Delta(after, to) => {
                        let gone: Vec<u32> = (1..4)
                            .filter(|pod| history(to).iter().all(|(it, _)| it != pod))
                            .collect();
                        portal.push(&delta(after, to, &history(to), &gone));
                    }
                    Delivery::Heartbeat(generation) => portal.push(&heartbeat(&at(generation))),
                    Delivery::HangUp => portal.hang_up(),
                }
            }
            portal.want(at(8));
            machine.has(&history(8)).await;
            reported(&portal, 8).await;
            machine.stop().await;
        });
    }
}
