//! Counting: what the portal adds up is what passed, and a quota holds, whatever happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::atomic::Ordering;

use myrelay_domain::limits::{Quota, QuotaEnd, Speed};
use myrelay_node_protocol::{
    Carried, DesiredState, HOUR_MS, PodQuota, QuotaState, period_end_ms, period_start_ms,
};
use support::{
    eventually,
    machine::Machine,
    pods::{pod_id, state},
    portal::Portal,
};

const DAY_MS: i64 = 24 * HOUR_MS;

/// A portal and a running node that has pods 1 and 2.
async fn pair() -> (Portal, Machine) {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2), (2, 1)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    machine.has(&[(1, 2), (2, 1)]).await;
    (portal, machine)
}

async fn adds_up(portal: &Portal, pod: u32, wanted: (u64, u64)) {
    let what = format!("the portal has {wanted:?} of pod {pod}");
    eventually(&what, || wanted <= portal.usage_of(pod_id(pod))).await;
    assert_eq!(portal.usage_of(pod_id(pod)), wanted);
}

/// Waits until nothing is left to report.
async fn all_taken(machine: &Machine) {
    eventually("all of it is taken", || machine.status().is_some_and(|it| it.usage.waiting == 0))
        .await;
}

fn faults(portal: &Portal) -> Vec<String> {
    portal.records().observed.last().map(|it| it.faults.clone()).unwrap_or_default()
}

#[tokio::test]
async fn p46_the_portal_hears_of_pods_and_of_nothing_smaller() {
    let (portal, mut machine) = pair().await;
    machine.pass(1, 1000, 20);
    machine.pass(2, 7, 0);
    adds_up(&portal, 1, (1000, 20)).await;
    adds_up(&portal, 2, (7, 0)).await;
    machine.pass(1, 1, 1);
    adds_up(&portal, 1, (1001, 21)).await;
    machine.stop().await;
    let sent = String::from_utf8_lossy(&portal.records().received).into_owned();
    let reports = sent.split("POST /v1/usage").skip(1);
    let bodies = reports.filter_map(|it| it.split("\r\n\r\n").nth(1));
    let fields = bodies.map(|it| it.split('}').next().unwrap().matches("\":").count());
    assert!(fields.clone().all(|it| it == 6), "counter, records, and four numbers of a pod");
    assert!(0 < fields.count());
}

#[tokio::test]
async fn p46_kills_restarts_and_lost_answers_cost_no_byte_and_count_none_twice() {
    let (portal, mut machine) = pair().await;
    for round in 1..=20_u64 {
        machine.pass(1, 100, 1);
        if round % 3 == 0 {
            adds_up(&portal, 1, (round * 200 - 100, round * 2 - 1)).await;
        }
        portal.records().loses_answers = round % 4 < 2;
        if round % 5 == 0 {
            machine.stop().await;
        } else {
            machine.kill().await;
        }
        // The kernel goes on counting.
        machine.pass(1, 100, 1);
        machine.start();
    }
    portal.records().loses_answers = false;
    adds_up(&portal, 1, (4000, 40)).await;
    machine.stop().await;
    assert_eq!(portal.usage_of(pod_id(1)), (4000, 40));
    let counters: std::collections::BTreeSet<_> =
        portal.records().usage.iter().map(|it| it.counter.clone()).collect();
    assert_eq!(counters.len(), 1, "one folder is one counter");
}

#[tokio::test]
async fn p46_pods_that_go_and_come_are_counted_to_their_last_byte() {
    let (portal, mut machine) = pair().await;
    for round in 1..=5_u64 {
        machine.pass(1, 10, 0);
        portal.want(state(round * 2, &[(2, 1)]));
        machine.has(&[(2, 1)]).await;
        machine.kill().await;
        machine.start();
        portal.want(state(round * 2 + 1, &[(1, 2), (2, 1)]));
        machine.has(&[(1, 2), (2, 1)]).await;
        machine.pass(1, 0, 1);
        adds_up(&portal, 1, (round * 10, round)).await;
    }
    machine.stop().await;
}

#[tokio::test]
async fn p46_a_reboot_starts_at_zero_and_adds_to_what_was() {
    let (portal, mut machine) = pair().await;
    machine.pass(1, 500, 500);
    machine.stop().await;
    let mut machine = machine.rebooted();
    machine.start();
    machine.has(&[(1, 2), (2, 1)]).await;
    // More than before, on an interface with the same name and index.
    machine.pass(1, 600, 700);
    adds_up(&portal, 1, (1100, 1200)).await;
    machine.stop().await;
}

#[tokio::test]
async fn p46_what_the_portal_missed_while_it_was_away_waits_on_the_disk() {
    let (mut portal, mut machine) = pair().await;
    machine.pass(1, 1, 0);
    adds_up(&portal, 1, (1, 0)).await;
    portal.stop().await;
    for hours in 1..=30 {
        machine.clock.moved_ms.store(hours * HOUR_MS, Ordering::SeqCst);
        machine.pass(1, 10, 10);
        let kept = usize::try_from(hours).unwrap();
        eventually("it is on the disk", || {
            machine.status().is_some_and(|it| kept <= it.usage.waiting)
        })
        .await;
    }
    machine.kill().await;
    machine.start();
    portal.start_again().await;
    adds_up(&portal, 1, (301, 300)).await;
    all_taken(&machine).await;
    machine.stop().await;
    let records = portal.records();
    let hours = records.usage.iter().flat_map(|it| &it.records).map(|it| it.hour_ms);
    assert!(30 <= hours.collect::<std::collections::BTreeSet<_>>().len(), "hour by hour");
}

#[tokio::test]
async fn p46_a_clock_that_is_a_day_off_costs_no_byte() {
    let (portal, mut machine) = pair().await;
    for (round, days) in [1, -1, 0, 2, -2, 0].into_iter().enumerate() {
        machine.clock.moved_ms.store(days * DAY_MS, Ordering::SeqCst);
        machine.pass(1, 100, 0);
        let sum = 100 * (u64::try_from(round).unwrap() + 1);
        adds_up(&portal, 1, (sum, 0)).await;
    }
    machine.stop().await;
}

#[tokio::test]
async fn p46_a_full_disk_is_told_and_loses_nothing() {
    let (portal, mut machine) = pair().await;
    machine.pass(1, 5, 5);
    adds_up(&portal, 1, (5, 5)).await;
    all_taken(&machine).await;
    let in_the_way = machine.state_dir().join("usage.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    machine.pass(1, 70, 0);
    eventually("the operator hears of it", || {
        faults(&portal).iter().any(|it| it.contains("cannot be kept on the disk"))
    })
    .await;
    assert_eq!(portal.usage_of(pod_id(1)), (5, 5), "what is not on the disk is not reported");
    machine.kill().await;
    machine.pass(1, 0, 800);
    machine.start();
    std::fs::remove_dir(&in_the_way).unwrap();
    adds_up(&portal, 1, (75, 805)).await;
    eventually("all is well again", || faults(&portal).is_empty()).await;
    machine.stop().await;
}

#[tokio::test]
async fn p46_a_damaged_file_is_kept_aside_and_nothing_is_counted_twice() {
    let (portal, mut machine) = pair().await;
    machine.pass(1, 900, 0);
    adds_up(&portal, 1, (900, 0)).await;
    machine.stop().await;
    let file = machine.state_dir().join("usage.json");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 2;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    machine.start();
    eventually("the operator hears of it", || {
        faults(&portal).iter().any(|it| it.contains("usage.json.corrupt-1"))
    })
    .await;
    machine.pass(1, 0, 30);
    adds_up(&portal, 1, (900, 30)).await;
    std::fs::remove_file(machine.state_dir().join("usage.json.corrupt-1")).unwrap();
    machine.stop().await;
    machine.start();
    eventually("it has looked", || faults(&portal).is_empty()).await;
    machine.stop().await;
}

#[tokio::test]
async fn what_the_portal_refuses_holds_up_nothing_else() {
    let (portal, mut machine) = pair().await;
    portal.records().unwanted.insert(pod_id(1));
    machine.pass(1, 40, 0);
    machine.pass(2, 0, 60);
    adds_up(&portal, 2, (0, 60)).await;
    eventually("the operator hears of it", || {
        faults(&portal).iter().any(|it| it.contains("pod_unknown"))
    })
    .await;
    machine.pass(2, 0, 1);
    adds_up(&portal, 2, (0, 61)).await;
    eventually("it is counted", || machine.status().unwrap().usage.refused == 1).await;
    machine.stop().await;
    portal.records().unwanted.clear();
    machine.start();
    adds_up(&portal, 1, (40, 0)).await;
    machine.stop().await;
}

/// The state of [`pair`], with a quota for pod 1.
fn limited(generation: u64, bytes: u64, then: QuotaEnd, carried: Carried) -> DesiredState {
    let mut state = state(generation, &[(1, 2), (2, 1)]);
    let quota = PodQuota { limit: Quota { bytes, then }, reset_day: 1, carried };
    state.pods.get_mut(&pod_id(1)).unwrap().quota = Some(quota);
    state
}

async fn is_told(portal: &Portal, wanted: QuotaState) {
    eventually(&format!("pod 1 is told to be {wanted:?}"), || {
        let records = portal.records();
        records.observed.last().is_some_and(|it| it.pods[&pod_id(1)].quota == wanted)
    })
    .await;
}

fn quota(machine: &Machine) -> Option<QuotaState> {
    machine.status().and_then(|it| Some(it.pods.get(&pod_id(1))?.quota))
}

#[tokio::test]
async fn a_quota_stops_or_throttles_and_a_larger_one_frees() {
    let (portal, mut machine) = pair().await;
    let none = Carried::default();
    portal.want(limited(2, 1000, QuotaEnd::Stop, none));
    machine.pass(1, 600, 399);
    adds_up(&portal, 1, (600, 399)).await;
    is_told(&portal, QuotaState::Within).await;
    machine.pass(1, 1, 0);
    is_told(&portal, QuotaState::Stopped).await;
    portal.want(limited(3, 1001, QuotaEnd::Stop, none));
    is_told(&portal, QuotaState::Within).await;
    let slow = QuotaEnd::Throttle(Speed::new(64_000, 64_000).unwrap());
    portal.want(limited(4, 1000, slow, none));
    is_told(&portal, QuotaState::Throttled).await;
    portal.want(state(5, &[(1, 2), (2, 1)]));
    is_told(&portal, QuotaState::Within).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_quota_holds_without_the_portal_over_a_restart_and_ends_with_its_month() {
    let (mut portal, mut machine) = pair().await;
    let now_ms = {
        use myrelay_agent::system::System;
        machine.clock.now_ms()
    };
    let carried = Carried { period_ms: period_start_ms(now_ms, 1), bytes: 900 };
    portal.want(limited(2, 1000, QuotaEnd::Stop, carried));
    is_told(&portal, QuotaState::Within).await;
    portal.stop().await;
    machine.pass(1, 100, 0);
    eventually("it stops", || quota(&machine) == Some(QuotaState::Stopped)).await;
    machine.kill().await;
    // Nothing is read from the node any more, and the quota holds all the same.
    machine.backend.fail_always(myrelay_agent::backend::fake::Verb::Counters);
    machine.start();
    eventually("the fault is told", || {
        let status = machine.status().unwrap();
        status.faults.iter().any(|it| it.contains("cannot be counted"))
    })
    .await;
    assert_eq!(quota(&machine), Some(QuotaState::Stopped));
    machine.backend.heal();

    let to_the_end = period_end_ms(now_ms, 1) - now_ms;
    machine.clock.moved_ms.store(to_the_end, Ordering::SeqCst);
    eventually("a new month began", || quota(&machine) == Some(QuotaState::Within)).await;
    // 999 of the new month; the old one does not count.
    machine.pass(1, 0, 999);
    machine.clock.moved_ms.store(to_the_end + HOUR_MS, Ordering::SeqCst);
    portal.start_again().await;
    adds_up(&portal, 1, (100, 999)).await;
    assert_eq!(quota(&machine), Some(QuotaState::Within));
    machine.pass(1, 1, 0);
    is_told(&portal, QuotaState::Stopped).await;
    machine.stop().await;
}
