//! A node over time: certificates come and go, clocks are wrong, the portal is away, and no tunnel
//! is touched.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{collections::BTreeSet, sync::atomic::Ordering, time::Duration};

use myrelay_node_protocol::Generation;
use support::{
    eventually,
    machine::Machine,
    pods::{peer_key, state},
    portal::Portal,
};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// A portal and a running node that has pod 1 with two devices, of generation 1.
async fn pair(node_life: Option<Duration>) -> (Portal, Machine) {
    let portal = Portal::start().await;
    portal.records().node_life = node_life;
    portal.set(state(1, &[(1, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    machine.has(&[(1, 2)]).await;
    (portal, machine)
}

fn renewals(portal: &Portal) -> usize {
    portal.records().requests.iter().filter(|it| *it == "POST /v1/renew").count()
}

#[tokio::test]
async fn five_certificates_one_after_the_other_touch_no_tunnel_and_leave_the_stream_open() {
    let (portal, mut machine) = pair(Some(Duration::from_secs(9))).await;
    let touched = machine.backend.touches(&peer_key(1, 2));
    let key = machine.public_key(1);
    for round in 1..=5 {
        eventually("the next certificate", || round <= renewals(&portal)).await;
        // A change is heard on the stream of the first certificate, and told with the newest.
        let generation = u64::try_from(round).unwrap() + 1;
        portal.want(state(generation, &[(1, 2), (2, u32::try_from(round).unwrap())]));
        eventually("it is applied and told", || {
            let records = portal.records();
            records.observed.last().is_some_and(|it| it.generation == Generation(generation))
        })
        .await;
    }
    machine.stop().await;
    assert_eq!(portal.streams_opened(), 1, "the stream never broke");
    assert_eq!(machine.backend.touches(&peer_key(1, 2)), touched);
    assert_eq!(machine.public_key(1), key);
    let shown: BTreeSet<_> = portal.records().certificates.iter().flatten().cloned().collect();
    assert!(5 <= shown.len(), "{} certificates were shown", shown.len());
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_changes_nothing_and_does_not_make_it_renew_for_ever() {
    for off in [DAY_MS, -DAY_MS] {
        let (portal, mut machine) = pair(Some(Duration::from_secs(24 * 3600))).await;
        let touched = machine.backend.touches(&peer_key(1, 2));
        machine.clock.moved_ms.store(off, Ordering::SeqCst);
        portal.hang_up();
        portal.want(state(2, &[(1, 2), (2, 1)]));
        machine.has(&[(1, 2), (2, 1)]).await;
        if 0 < off {
            eventually("it takes its certificate for an old one", || 0 < renewals(&portal)).await;
        }
        // More than enough looks at the clock for a second renewal.
        for _ in 0..3 {
            let looked = portal.streams_opened();
            portal.hang_up();
            eventually("it dials again", || looked < portal.streams_opened()).await;
        }
        assert!(renewals(&portal) <= 1, "{off}: it was renewed {} times", renewals(&portal));
        let applied = || machine.status()?.applied.map(|it| it.generation);
        eventually("it says what it applied", || applied() == Some(Generation(2))).await;
        assert_eq!(machine.backend.touches(&peer_key(1, 2)), touched, "{off}");
        machine.stop().await;
    }
}

#[tokio::test]
async fn a_certificate_that_ran_out_while_the_portal_was_away_is_renewed_when_it_is_back() {
    let (mut portal, mut machine) = pair(None).await;
    portal.stop().await;
    // The certificate on its disk ends in the year 2100.
    machine.clock.moved_ms.store(80 * 365 * DAY_MS, Ordering::SeqCst);
    portal.set(state(2, &[(1, 1)]));
    assert!(machine.holds(&[(1, 2)]), "it serves on");
    machine.clock.moved_ms.store(70 * 365 * DAY_MS, Ordering::SeqCst);
    portal.start_again().await;
    machine.has(&[(1, 1)]).await;
    eventually("it has the next certificate", || 0 < renewals(&portal)).await;
    machine.stop().await;
}
