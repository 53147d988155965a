//! Usage, told as stories on both engines.

use myrelay_app::contract::{
    AddPlan, CreatePod, MovePod, NodeContract, PlanContract, PodContract, UsageContract,
};
use myrelay_domain::{
    ids::{NodeId, PodId},
    limits::QuotaEnd,
};
use myrelay_node_protocol::{Carried, HOUR_MS, PodQuota, UsageRecord, UsageReport};

use super::{DAYS_KEPT_MS, HOURS_KEPT_MS, prune};
use crate::{
    Error,
    context::Caller,
    desired_state::{self, take_usage},
    outbox,
    testing::{Actor, BEGIN, World, stories},
};

const DAY_MS: i64 = 24 * HOUR_MS;
const GB: u64 = 1_000_000_000;

fn counter(number: u8) -> String {
    format!("{number:032x}")
}

/// What a pod moved in the hour that began so long after the stories' beginning.
fn record(pod: PodId, hour: i64, received: u64, sent: u64) -> UsageRecord {
    UsageRecord { pod, hour_ms: BEGIN + hour * HOUR_MS, received, sent }
}

async fn say(world: &World, node: NodeId, records: &[UsageRecord]) -> Result<(), Error> {
    say_as(world, node, 1, records).await
}

async fn say_as(
    world: &World,
    node: NodeId,
    number: u8,
    records: &[UsageRecord],
) -> Result<(), Error> {
    let report = UsageReport { counter: counter(number), records: records.to_vec() };
    take_usage(&world.context, node, &report).await
}

/// Bytes from and to the devices over all days that are shown, and over all hours.
async fn sums(actor: &Actor<'_>, pod: PodId) -> [u64; 4] {
    let usage = actor.api().get_usage(&pod.to_string()).await.unwrap().usage;
    assert_eq!((usage.hours.len(), usage.days.len()), (48, 62));
    let (days, hours) = (usage.days.iter(), usage.hours.iter());
    [
        days.clone().map(|it| it.up).sum(),
        days.map(|it| it.down).sum(),
        hours.clone().map(|it| it.up).sum(),
        hours.map(|it| it.down).sum(),
    ]
}

/// Gives an account a plan of 10 GB in each location.
async fn give_quota(operator: &Actor<'_>, account: &Actor<'_>) {
    let input = AddPlan {
        name: "Ten".to_owned(),
        pods: "3".to_owned(),
        devices_per_pod: "5".to_owned(),
        speed_down: "100".to_owned(),
        speed_up: "50".to_owned(),
        quota: "10".to_owned(),
        then: "throttle".to_owned(),
        throttle: "2".to_owned(),
        ..AddPlan::default()
    };
    let known = operator.api().list_plans().await.unwrap();
    if known.iter().all(|it| it.name != "Ten") {
        operator.api().add_plan(input).await.unwrap();
    }
    let plans = operator.api().list_plans().await.unwrap();
    let ten = plans.iter().find(|it| it.name == "Ten").unwrap();
    let Caller::Account(id) = account.caller else { panic!("an account") };
    operator.api().change_plan(&id.to_string(), &ten.id.to_string()).await.unwrap();
}

/// What a node is told of a pod's quota.
async fn quota(world: &World, node: NodeId, pod: PodId) -> PodQuota {
    let state = desired_state::snapshot(&world.context, node).await.unwrap();
    state.pods[&pod].quota.unwrap()
}

async fn events(world: &World, kind: &str) -> usize {
    outbox::names(&world.context).await.iter().filter(|it| *it == kind).count()
}

fn refused(result: Result<(), Error>) -> String {
    match result {
        Err(Error::Invalid { field, message }) => format!("{field}: {message}"),
        other => panic!("it was to be refused: {other:?}"),
    }
}

stories! {
    async fn what_a_node_says_twice_late_and_out_of_order_counts_once(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        world.clock.advance(5 * HOUR_MS);
        say(&world, node.id, &[record(pod, 3, 100, 1000)]).await.unwrap();
        say(&world, node.id, &[record(pod, 3, 100, 1000)]).await.unwrap();
        assert_eq!(sums(&ana, pod).await, [100, 1000, 100, 1000]);
        // What came first arrives last.
        say(&world, node.id, &[record(pod, 3, 60, 900), record(pod, 2, 7, 0)]).await.unwrap();
        assert_eq!(sums(&ana, pod).await, [107, 1000, 107, 1000]);
        // One direction of an older report may be larger: each stands for itself.
        let both = [record(pod, 3, 90, 2000), record(pod, 3, 150, 1500)];
        say(&world, node.id, &both).await.unwrap();
        assert_eq!(sums(&ana, pod).await, [157, 2000, 157, 2000]);
        // Another counter counts on.
        say_as(&world, node.id, 2, &[record(pod, 3, 5, 5)]).await.unwrap();
        assert_eq!(sums(&ana, pod).await, [162, 2005, 162, 2005]);
        let days = world.count("SELECT CAST(SUM(received + sent) AS BIGINT) FROM usage_days").await;
        let hours =
            world.count("SELECT CAST(SUM(received + sent) AS BIGINT) FROM usage_hours").await;
        assert_eq!((days, hours), (2167, 2167), "days are made of the hours");
    }

    async fn two_reports_at_once_count_once(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        let records = [record(pod, 0, 100, 1000)];
        let twice = (say(&world, node.id, &records), say(&world, node.id, &records));
        let (first, second) = tokio::join!(twice.0, twice.1);
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(sums(&ana, pod).await, [100, 1000, 100, 1000]);
    }

    async fn a_node_speaks_for_its_own_pods_only(world) {
        let olga = world.operator("olga").await;
        let berlin = world.node(&olga, "Berlin").await;
        let paris = world.node(&olga, "Paris").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        let own = ana.pod("Paris").await;
        let mixed = [record(own, 0, 1, 1), record(pod, 0, 5, 5)];
        let why = refused(say(&world, paris.id, &mixed).await);
        assert_eq!(why, "records: record 1: its pod is another node's");
        assert_eq!(sums(&ana, own).await, [0; 4], "none of it counts");
        assert_eq!(events(&world, "node.usage_refused").await, 1);
        refused(say(&world, paris.id, &mixed).await);
        assert_eq!(events(&world, "node.usage_refused").await, 1, "told once a day");
        let node = olga.api().get_node(&paris.id.to_string()).await.unwrap();
        assert!(node.usage.refusal.unwrap().reason.contains("another node's"));

        let nobodys: PodId = world.context.new_id();
        let mixed = [record(nobodys, 0, 5, 5), record(pod, 0, 3, 4)];
        say(&world, berlin.id, &mixed).await.unwrap();
        assert_eq!(sums(&ana, pod).await, [3, 4, 3, 4], "the rest counts");
        let seen = olga.api().get_node(&berlin.id.to_string()).await.unwrap().usage;
        assert!(seen.refusal.unwrap().reason.contains("unknown pods"));
        let hour = seen.hours.last().unwrap();
        assert_eq!((hour.at, hour.up, hour.down), (BEGIN, 3, 4));
    }

    async fn what_cannot_be_true_is_refused_with_a_reason(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        let half = UsageRecord { hour_ms: BEGIN + HOUR_MS / 2, ..record(pod, 0, 1, 1) };
        let too_much = 200_000_000_000 / 8 * 3600;
        let nearly = 60_000_000_000 / 8 * 3600;
        for (records, why) in [
            (vec![half], "full hour"),
            (vec![UsageRecord { hour_ms: -HOUR_MS, ..half }], "full hour"),
            (vec![record(pod, 0, too_much, 0)], "no pod moves that much"),
            (vec![record(pod, 0, 0, u64::MAX)], "no pod moves that much"),
            (vec![record(pod, 0, 1, 1); 2001], "at most 2000"),
        ] {
            let message = refused(say(&world, node.id, &records).await);
            assert!(message.contains(why), "{message}");
        }
        for name in [String::new(), "x".repeat(32), "A".repeat(32), "a".repeat(33)] {
            let report = UsageReport { counter: name, records: Vec::new() };
            refused(take_usage(&world.context, node.id, &report).await);
        }
        say_as(&world, node.id, 1, &[record(pod, 0, nearly, 0)]).await.unwrap();
        let why = refused(say_as(&world, node.id, 2, &[record(pod, 0, nearly, 0)]).await);
        assert!(why.contains("other counters"), "{why}");
        for number in 2..=8 {
            say_as(&world, node.id, number, &[record(pod, 0, 1, 1)]).await.unwrap();
        }
        let why = refused(say_as(&world, node.id, 9, &[record(pod, 0, 1, 1)]).await);
        assert!(why.contains("8 times a day"), "{why}");
        world.clock.advance(DAY_MS + 1);
        say_as(&world, node.id, 9, &[record(pod, 0, 1, 1)]).await.unwrap();
        assert_eq!(sums(&ana, pod).await[0], nearly + 8);
    }

    async fn an_hour_that_is_too_far_away_is_left_out(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        world.clock.advance(960 * HOUR_MS);
        let hours = [0, 1008, -1, 1009];
        let records: Vec<_> = hours.iter().map(|it| record(pod, *it, 1, 0)).collect();
        say(&world, node.id, &records).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM usage_hours").await, 2);
        // A node whose clock is a day ahead is seen when its hours come.
        assert_eq!(sums(&ana, pod).await, [1, 0, 0, 0]);
        world.clock.advance(48 * HOUR_MS);
        assert_eq!(sums(&ana, pod).await, [2, 0, 1, 0]);
    }

    async fn a_quota_is_told_at_80_and_100_percent_once_a_month(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        give_quota(&olga, &ana).await;
        say(&world, node.id, &[record(pod, 0, 3 * GB, 5 * GB - 1)]).await.unwrap();
        assert_eq!(events(&world, "usage.quota_80").await, 0);
        say(&world, node.id, &[record(pod, 0, 3 * GB, 5 * GB)]).await.unwrap();
        assert_eq!(events(&world, "usage.quota_80").await, 1, "exactly at 80 percent");
        say(&world, node.id, &[record(pod, 1, GB, GB - 1)]).await.unwrap();
        assert_eq!(events(&world, "usage.quota_100").await, 0);
        let summary = ana.api().get_pod(&pod.to_string()).await.unwrap().usage;
        assert_eq!((summary.used, summary.used_up()), (10 * GB - 1, None));
        say(&world, node.id, &[record(pod, 1, GB, GB)]).await.unwrap();
        say(&world, node.id, &[record(pod, 2, GB, GB)]).await.unwrap();
        assert_eq!(events(&world, "usage.quota_80").await, 1);
        assert_eq!(events(&world, "usage.quota_100").await, 1);
        let summary = ana.api().get_pod(&pod.to_string()).await.unwrap().usage;
        assert!(matches!(summary.used_up(), Some(QuotaEnd::Throttle(slow)) if slow.down == 2_000_000));

        // She signed up on the first: the last hour of January counts for January …
        world.clock.advance(30 * DAY_MS + 23 * HOUR_MS);
        let last = 31 * 24 - 1;
        say(&world, node.id, &[record(pod, last, GB, 0)]).await.unwrap();
        assert_eq!(ana.api().get_pod(&pod.to_string()).await.unwrap().usage.used, 13 * GB);
        // … and the next for February, in which nothing is told before it is reached.
        world.clock.advance(HOUR_MS);
        let summary = ana.api().get_pod(&pod.to_string()).await.unwrap().usage;
        assert_eq!((summary.used, summary.used_up()), (0, None));
        assert_eq!(summary.resets_at, BEGIN + 59 * DAY_MS, "the first of March");
        say(&world, node.id, &[record(pod, last, 2 * GB, 0)]).await.unwrap();
        say(&world, node.id, &[record(pod, last + 1, GB, 0)]).await.unwrap();
        assert_eq!(ana.api().get_pod(&pod.to_string()).await.unwrap().usage.used, GB);
        assert_eq!(events(&world, "usage.quota_80").await, 1);
        say(&world, node.id, &[record(pod, last + 2, 9 * GB, 0)]).await.unwrap();
        assert_eq!(events(&world, "usage.quota_80").await, 2);
        assert_eq!(events(&world, "usage.quota_100").await, 2);
    }

    async fn a_quota_outlives_its_pod(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        give_quota(&olga, &ana).await;
        let pod = ana.pod("Berlin").await;
        let january = |bytes| Carried { period_ms: BEGIN, bytes };
        assert_eq!(quota(&world, node.id, pod).await.carried.bytes, 0);
        say(&world, node.id, &[record(pod, 0, GB, 0)]).await.unwrap();
        assert_eq!(quota(&world, node.id, pod).await.carried.bytes, 0, "its node counts it");
        let facts = quota(&world, node.id, pod).await;
        assert_eq!((facts.limit.bytes, facts.reset_day), (10 * GB, 1));

        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        let next = ana.pod("Berlin").await;
        assert_eq!(quota(&world, node.id, next).await.carried, january(GB));
        // The tombstone is buried, and then the last bytes of the pod come.
        node.report(&world).await;
        let before = desired_state::snapshot(&world.context, node.id).await.unwrap();
        say(&world, node.id, &[record(pod, 0, GB, GB)]).await.unwrap();
        let after = desired_state::snapshot(&world.context, node.id).await.unwrap();
        assert_eq!(after.pods[&next].quota.unwrap().carried, january(2 * GB));
        assert!(before.generation < after.generation, "the node is told");
        say(&world, node.id, &[record(pod, 0, GB, GB)]).await.unwrap();
        say(&world, node.id, &[record(next, 0, GB, GB)]).await.unwrap();
        let same = desired_state::snapshot(&world.context, node.id).await.unwrap();
        assert_eq!(same, after, "what the node counts itself changes nothing for it");
        let summary = ana.api().get_pod(&next.to_string()).await.unwrap().usage;
        assert_eq!(summary.used, 4 * GB);
        // A pod in another location starts with nothing, and so does another month.
        world.node(&olga, "Paris").await;
        let other = ana.pod("Paris").await;
        let facts = ana.api().get_pod(&other.to_string()).await.unwrap();
        assert_eq!(facts.usage.used, 0);
        world.clock.advance(31 * DAY_MS);
        ana.api().delete_pod(&next.to_string()).await.unwrap();
        let last = ana.pod("Berlin").await;
        assert_eq!(quota(&world, node.id, last).await.carried.bytes, 0);
    }

    async fn a_quota_moves_with_its_pod(world) {
        let olga = world.operator("olga").await;
        let first = world.node(&olga, "Berlin").await;
        let second = world.node_in(&olga, "Berlin 2", "Berlin").await;
        let ana = world.customer("ana").await;
        give_quota(&olga, &ana).await;
        let location = world.location("Berlin").await.to_string();
        let pod = ana.api().create_pod(CreatePod { location }).await.unwrap();
        let on_first = olga.api().get_node(&first.id.to_string()).await.unwrap().pods.len() == 1;
        let (from, to) = if on_first { (first.id, second.id) } else { (second.id, first.id) };
        say(&world, from, &[record(pod, 0, GB, 0)]).await.unwrap();
        let go = |node: NodeId| MovePod { node: node.to_string(), overlap: "week".to_owned() };
        olga.api().move_pod(&pod.to_string(), go(to)).await.unwrap();
        assert_eq!(quota(&world, to, pod).await.carried.bytes, GB);
        assert_eq!(quota(&world, from, pod).await.carried.bytes, 0, "it counted that itself");
        // While both serve it, the new one hears what the old one counts.
        say(&world, from, &[record(pod, 0, 2 * GB, 0)]).await.unwrap();
        say_as(&world, to, 2, &[record(pod, 0, 3 * GB, 0)]).await.unwrap();
        assert_eq!(quota(&world, to, pod).await.carried.bytes, 2 * GB);
        // Back again: the first goes on from what it counted and what the second did.
        olga.api().move_pod(&pod.to_string(), go(from)).await.unwrap();
        assert_eq!(quota(&world, from, pod).await.carried.bytes, 3 * GB);
        assert_eq!(sums(&ana, pod).await[0], 5 * GB);
    }

    async fn a_node_that_forgot_is_told_what_it_counted(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        give_quota(&olga, &ana).await;
        let pod = ana.pod("Berlin").await;
        say_as(&world, node.id, 1, &[record(pod, 0, GB, 0)]).await.unwrap();
        // Another name alone is no loss: the agent takes one when a clock was set back.
        say_as(&world, node.id, 2, &[record(pod, 0, GB, 0)]).await.unwrap();
        assert_eq!(quota(&world, node.id, pod).await.carried.bytes, 0);
        world.clock.advance(HOUR_MS);
        world.rejoin(&olga, node.id).await;
        say_as(&world, node.id, 3, &[record(pod, 1, 0, GB)]).await.unwrap();
        assert_eq!(quota(&world, node.id, pod).await.carried.bytes, 2 * GB);
        // It comes back with its old folder after all.
        say_as(&world, node.id, 1, &[]).await.unwrap();
        assert_eq!(quota(&world, node.id, pod).await.carried.bytes, GB);
    }

    async fn a_node_that_joined_with_its_folder_forgot_nothing(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        give_quota(&olga, &ana).await;
        let pod = ana.pod("Berlin").await;
        say_as(&world, node.id, 1, &[record(pod, 0, GB, 0)]).await.unwrap();
        world.clock.advance(HOUR_MS);
        world.rejoin(&olga, node.id).await;
        say_as(&world, node.id, 1, &[record(pod, 1, GB, 0)]).await.unwrap();
        world.clock.advance(HOUR_MS);
        // Its clock was set back to an hour that it had told: it counts that under another name.
        say_as(&world, node.id, 2, &[record(pod, 0, GB, 0)]).await.unwrap();
        assert_eq!(quota(&world, node.id, pod).await.carried.bytes, 0, "it knows all of it");
        assert_eq!(sums(&ana, pod).await[0], 3 * GB);
    }

    async fn with_a_folder_all_its_counters_are_back_and_those_since_are_not_in_it(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        give_quota(&olga, &ana).await;
        let pod = ana.pod("Berlin").await;
        say_as(&world, node.id, 1, &[record(pod, 0, 4 * GB, 0)]).await.unwrap();
        say_as(&world, node.id, 2, &[record(pod, 0, 2 * GB, 0)]).await.unwrap();
        let carried = async || quota(&world, node.id, pod).await.carried.bytes;
        world.clock.advance(HOUR_MS);
        world.rejoin(&olga, node.id).await;
        say_as(&world, node.id, 3, &[record(pod, 1, GB, 0)]).await.unwrap();
        assert_eq!(carried().await, 6 * GB);
        // Back with the first folder, which counts under its second name; and with the other again.
        for _ in 0..2 {
            world.clock.advance(HOUR_MS);
            world.rejoin(&olga, node.id).await;
            say_as(&world, node.id, 2, &[record(pod, 0, 2 * GB, 0)]).await.unwrap();
            assert_eq!(carried().await, GB, "what the other folder counted");
            world.clock.advance(HOUR_MS);
            world.rejoin(&olga, node.id).await;
            say_as(&world, node.id, 3, &[record(pod, 1, GB, 0)]).await.unwrap();
            assert_eq!(carried().await, 6 * GB);
        }
        assert_eq!(sums(&ana, pod).await[0], 7 * GB);
    }

    async fn a_machine_that_becomes_another_node_tells_its_hours_once(world) {
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        let first = world.node(&olga, "Berlin").await;
        give_quota(&olga, &ana).await;
        let pod = ana.pod("Berlin").await;
        say_as(&world, first.id, 1, &[record(pod, 0, GB, 10)]).await.unwrap();
        let second = world.node_in(&olga, "Berlin 2", "Berlin").await;
        let go = MovePod { node: second.id.to_string(), overlap: "none".to_owned() };
        olga.api().move_pod(&pod.to_string(), go).await.unwrap();
        assert_eq!(quota(&world, second.id, pod).await.carried.bytes, GB + 10);
        // The machine came along with its folder: the hour goes on where it was.
        for _ in 0..2 {
            say_as(&world, second.id, 1, &[record(pod, 0, 3 * GB, 5)]).await.unwrap();
        }
        assert_eq!(sums(&ana, pod).await, [3 * GB, 10, 3 * GB, 10]);
        assert_eq!(quota(&world, second.id, pod).await.carried.bytes, 0, "it knows all of it");
    }

    async fn a_plan_reaches_the_nodes_at_once(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        let before = desired_state::snapshot(&world.context, node.id).await.unwrap();
        assert_eq!((before.pods[&pod].speed, before.pods[&pod].quota), (None, None));
        give_quota(&olga, &ana).await;
        let after = desired_state::snapshot(&world.context, node.id).await.unwrap();
        assert!(before.generation < after.generation);
        assert_eq!(after.pods[&pod].speed.unwrap().up, 50_000_000);
        give_quota(&olga, &ana).await;
        let again = desired_state::snapshot(&world.context, node.id).await.unwrap();
        assert_eq!(again, after, "the same plan again changes nothing");
        assert_eq!(events(&world, "account.plan_changed").await, 1);
    }

    async fn what_is_old_is_forgotten(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Berlin").await;
        say(&world, node.id, &[record(pod, 0, 1, 1), record(pod, 1, 1, 1)]).await.unwrap();
        world.clock.advance(HOURS_KEPT_MS + 1);
        prune(&world.context).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM usage_hours").await, 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM usage_days").await, 1);
        world.clock.advance(DAYS_KEPT_MS - HOURS_KEPT_MS);
        prune(&world.context).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM usage_days").await, 0);
        assert_eq!(world.count("SELECT COUNT(*) FROM usage_placements").await, 1, "it stands");
        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        prune(&world.context).await.unwrap();
        assert_eq!(world.count("SELECT COUNT(*) FROM usage_placements").await, 0);
    }

    async fn usage_is_its_owners_and_the_operators(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Berlin").await;
        let ana = world.customer("ana").await;
        let bob = world.customer("bob").await;
        let pod = ana.pod("Berlin").await;
        say(&world, node.id, &[record(pod, 0, 1, 2)]).await.unwrap();
        assert_eq!(bob.api().get_usage(&pod.to_string()).await.unwrap_err().status(), 404);
        assert_eq!(olga.api().get_usage(&pod.to_string()).await.unwrap_err().status(), 403);
        let Caller::Account(account) = ana.caller else { panic!("an account") };
        let account = account.to_string();
        assert_eq!(ana.api().account_usage(&account).await.unwrap_err().status(), 403);
        let usage = olga.api().account_usage(&account).await.unwrap();
        assert_eq!((usage.len(), usage[0].location.as_str()), (1, "Berlin"));
        assert_eq!((usage[0].summary.used, usage[0].days.len()), (3, 62));
    }
}
