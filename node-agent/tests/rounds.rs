//! An agent that knows what its node has: a change costs a change, and whatever else happens to the
//! node is still put right.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::time::Duration;

use myrelay_agent::{agent::Pace, backend::fake::Verb, status::Status};
use myrelay_node_protocol::Generation;
use support::{
    eventually,
    machine::Machine,
    pods::{delta, peer_key, pod, state},
    portal::Portal,
};

const NEVER: Duration = Duration::from_secs(3600);

/// A portal and a running node that looks at itself only so often, and has two pods with two
/// devices each.
async fn pair(drift: Duration) -> (Portal, Machine) {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2), (2, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.pace.drift = drift;
    machine.start();
    machine.has(&[(1, 2), (2, 2)]).await;
    applied(&machine, 1).await;
    (portal, machine)
}

async fn applied(machine: &Machine, generation: u64) {
    eventually(&format!("generation {generation} is applied"), || {
        let applied = machine.status().and_then(|it| it.applied);
        applied.is_some_and(|it| it.generation == Generation(generation))
    })
    .await;
}

async fn reported(portal: &Portal, generation: u64) {
    eventually(&format!("generation {generation} is reported"), || {
        let records = portal.records();
        records.observed.last().is_some_and(|it| it.generation == Generation(generation))
    })
    .await;
}

fn take_a_device_away(machine: &Machine) {
    let mut node = machine.backend.node();
    node.interfaces.get_mut(&pod(2, 0).interface).unwrap().peers.pop_first();
    machine.backend.set_node(node);
}

#[tokio::test]
async fn a_change_does_not_read_the_node() {
    let (portal, mut machine) = pair(NEVER).await;
    let looks = machine.backend.calls(Verb::Observe);
    let touched = machine.backend.touches(&peer_key(1, 2));
    portal.push(&delta(1, 2, &[(1, 3)], &[]));
    machine.has(&[(1, 3), (2, 2)]).await;
    portal.push(&delta(2, 3, &[(1, 2)], &[]));
    machine.has(&[(1, 2), (2, 2)]).await;
    portal.push(&delta(3, 4, &[(3, 1)], &[2]));
    machine.has(&[(1, 2), (3, 1)]).await;
    applied(&machine, 4).await;
    assert_eq!(machine.backend.calls(Verb::Observe), looks);
    assert_eq!(machine.backend.touches(&peer_key(1, 2)), touched);
    machine.stop().await;
}

/// However many changes come: each of them could put the look off.
#[tokio::test]
async fn changes_do_not_keep_the_look_away() {
    let (portal, mut machine) = pair(Duration::from_millis(100)).await;
    take_a_device_away(&machine);
    let (mut generation, mut devices) = (1, 2);
    eventually("the device is back", || {
        let node = machine.backend.node();
        let has = |number| node.interfaces[&pod(number, 0).interface].peers.len();
        if has(1) == usize::try_from(devices).unwrap() {
            devices = if devices == 2 { 3 } else { 2 };
            portal.push(&delta(generation, generation + 1, &[(1, devices)], &[]));
            generation += 1;
        }
        has(2) == 2
    })
    .await;
    machine.stop().await;
}

#[tokio::test]
async fn what_the_node_says_of_itself_is_looked_at_at_once() {
    let (_portal, mut machine) = pair(NEVER).await;
    take_a_device_away(&machine);
    machine.backend.change();
    machine.has(&[(1, 2), (2, 2)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn an_interface_that_vanished_unheard_of_is_made_again_by_the_next_change() {
    let (portal, mut machine) = pair(NEVER).await;
    let mut node = machine.backend.node();
    node.interfaces.remove(&pod(1, 0).interface);
    machine.backend.set_node(node);
    portal.push(&delta(1, 2, &[(1, 3)], &[]));
    machine.has(&[(1, 3), (2, 2)]).await;
    applied(&machine, 2).await;
    assert_eq!(machine.status().unwrap().faults, Vec::<String>::new());
    machine.stop().await;
}

#[tokio::test]
async fn an_act_that_fails_again_and_again_is_a_fault_and_ends_with_it() {
    let (portal, mut machine) = pair(NEVER).await;
    machine.backend.fail_always(Verb::SetPeers);
    portal.push(&delta(1, 2, &[(1, 3)], &[]));
    let faulty = |machine: &Machine| {
        let status = machine.status().unwrap();
        status.pods.values().any(|it| it.fault.is_some())
    };
    eventually("the fault is shown", || faulty(&machine)).await;
    machine.backend.heal();
    machine.has(&[(1, 3), (2, 2)]).await;
    eventually("the fault is over", || !faulty(&machine)).await;
    machine.stop().await;
}

/// The disk does not give a key's file away: the round with the same pods tries it again.
#[tokio::test]
async fn a_key_that_cannot_be_deleted_is_a_fault_until_it_can() {
    let (portal, mut machine) = pair(NEVER).await;
    let key = machine.state_dir().join("keys").join(support::pods::pod_id(2).to_string());
    std::fs::remove_file(&key).unwrap();
    std::fs::create_dir(&key).unwrap();
    portal.push(&delta(1, 2, &[], &[2]));
    eventually("the fault is shown", || machine.status().is_some_and(|it| !it.faults.is_empty()))
        .await;
    portal.push(&delta(2, 3, &[(1, 3)], &[]));
    machine.has(&[(1, 3)]).await;
    applied(&machine, 3).await;
    assert_ne!(machine.status().unwrap().faults, Vec::<String>::new());
    std::fs::remove_dir(&key).unwrap();
    eventually("the fault is over", || machine.status().is_some_and(|it| it.faults.is_empty()))
        .await;
    machine.stop().await;
}

#[tokio::test]
async fn what_is_not_gone_is_not_reported_as_gone() {
    let (portal, mut machine) = pair(Pace::default().drift).await;
    reported(&portal, 1).await;
    for (verb, next) in [(Verb::DeleteInterface, 2), (Verb::Observe, 3)] {
        let before = Generation(next - 1);
        machine.backend.fail_always(verb);
        let pods: &[(u32, u32)] = if verb == Verb::Observe { &[(1, 2)] } else { &[] };
        if verb == Verb::Observe {
            // From now on what the node has is not known, and it does not tell.
            machine.backend.change();
            eventually("the fault is shown", || {
                machine.status().is_some_and(|it| !it.faults.is_empty())
            })
            .await;
        }
        portal.want(state(next, pods));
        eventually("the fault is shown", || {
            let wanted = |it: &Status| it.wanted.is_some_and(|it| it.generation.0 == next);
            machine.status().is_some_and(|it| !it.faults.is_empty() && wanted(&it))
        })
        .await;
        assert_eq!(machine.status().unwrap().applied.unwrap().generation, before);
        assert_eq!(portal.records().observed.last().unwrap().generation, before);
        machine.backend.heal();
        machine.has(pods).await;
        reported(&portal, next).await;
    }
    machine.stop().await;
}
