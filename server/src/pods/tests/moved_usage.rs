//! Stories about the usage of pods that move.

use futures::future::join_all;
use myrelay_app::contract::{MovePod, NodeContract, PodContract, UsageContract};
use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{HOUR_MS, UsageRecord, UsageReport};

use super::super::worker::end_overlaps;
use crate::{
    Error,
    desired_state::take_usage,
    testing::{BEGIN, TestNode, World, stories},
};

/// What a node says that a pod received in the hour that began so long after the beginning.
async fn say(
    world: &World,
    node: &TestNode,
    pod: PodId,
    (hour, received): (i64, u64),
) -> Result<(), Error> {
    let record = UsageRecord { pod, hour_ms: BEGIN + hour * HOUR_MS, received, sent: 0 };
    let counter = node.id.to_string().trim_start_matches("node_").to_owned();
    let report = UsageReport { counter, records: vec![record] };
    take_usage(&world.context, node.id, &report).await
}

fn was_not_there(answer: &Result<(), Error>) -> bool {
    matches!(answer, Err(Error::Invalid { field: "records", message })
        if message == "record 0: this node did not serve its pod then")
}

fn to(node: &TestNode, overlap: &str) -> MovePod {
    MovePod { node: node.id.to_string(), overlap: overlap.to_owned() }
}

stories! {
    async fn a_node_tells_of_a_pod_for_as_long_as_it_serves_it_and_no_longer(world) {
        let olga = world.operator("olga").await;
        let mut old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let mut new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        world.clock.advance(100 * HOUR_MS);
        old.report(&world).await;
        new.report(&world).await;
        say(&world, &old, pod, (0, 1)).await.unwrap();
        olga.api().move_pod(&pod.to_string(), to(&new, "hour")).await.unwrap();
        say(&world, &old, pod, (100, 2)).await.unwrap();
        say(&world, &new, pod, (100, 4)).await.expect("both serve it");
        assert!(was_not_there(&say(&world, &new, pod, (50, 1)).await), "before it came");

        world.clock.advance(HOUR_MS);
        end_overlaps(&world.context).await.unwrap();
        world.clock.advance(2 * HOUR_MS);
        say(&world, &old, pod, (103, 8)).await.expect("it was away, and has not heard");
        old.report(&world).await;
        world.clock.advance(7 * HOUR_MS);
        // What waited on its disk, what it read last, and the same again.
        for (hour, received) in [(60, 16), (103, 24), (104, 32), (104, 32)] {
            say(&world, &old, pod, (hour, received)).await.unwrap();
        }
        for hour in [105, 110, 158] {
            assert!(was_not_there(&say(&world, &old, pod, (hour, 1)).await), "{hour}");
        }
        let used = ana.api().get_usage(&pod.to_string()).await.unwrap().usage.summary.used;
        assert_eq!(used, 1 + 2 + 4 + 16 + 24 + 32);

        world.clock.advance(100 * HOUR_MS);
        old.report(&world).await;
        new.report(&world).await;
        olga.api().move_pod(&pod.to_string(), to(&old, "none")).await.unwrap();
        say(&world, &old, pod, (210, 64)).await.expect("it is back");
        say(&world, &old, pod, (102, 128)).await.expect("it was there before, too");
        assert!(was_not_there(&say(&world, &old, pod, (130, 1)).await), "in between it was not");
        new.report(&world).await;
        world.clock.advance(2 * HOUR_MS);
        assert!(was_not_there(&say(&world, &new, pod, (212, 1)).await));
    }

    async fn a_node_whose_clock_is_ahead_tells_its_last_hours(world) {
        let olga = world.operator("olga").await;
        let mut old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        olga.api().move_pod(&pod.to_string(), to(&new, "none")).await.unwrap();
        let mut report = old.observed(&world).await;
        report.clock_ms += 20 * HOUR_MS;
        crate::desired_state::observe(&world.context, old.id, report).await.unwrap();
        say(&world, &old, pod, (20, 1)).await.unwrap();
        assert!(was_not_there(&say(&world, &old, pod, (22, 1)).await));
    }

    async fn a_deleted_pod_moves_nothing_when_its_node_let_go_of_it(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        world.clock.advance(5 * HOUR_MS);
        say(&world, &node, pod, (5, 1)).await.expect("it has not heard");
        node.report(&world).await;
        say(&world, &node, pod, (5, 2)).await.unwrap();
        assert!(was_not_there(&say(&world, &node, pod, (7, 1)).await));
    }

    async fn reports_and_moves_at_once_do_not_hinder_each_other(world) {
        const ROUNDS: u64 = 120;
        let olga = world.operator("olga").await;
        let first = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let second = world.node_in(&olga, "fra 2", "Frankfurt").await;
        let customers = [world.customer("ana").await, world.customer("bob").await];
        let pods = [customers[0].pod("Frankfurt").await, customers[1].pod("Frankfurt").await];
        let [here, there] = [&first, &second];
        let world = &world;
        let moves = pods.map(|pod| {
            let api = olga.api();
            async move {
                for round in 0..ROUNDS {
                    let node = if round % 2 == 0 { here } else { there };
                    api.move_pod(&pod.to_string(), to(node, "week")).await.unwrap();
                }
            }
        });
        // Both nodes have had both pods.
        for pod in pods {
            for node in [there, here] {
                olga.api().move_pod(&pod.to_string(), to(node, "week")).await.unwrap();
            }
        }
        let reports = [here, there, here, there].into_iter().enumerate().map(|(at, node)| {
            async move {
                for round in 1..=ROUNDS {
                    let pod = if at < 2 { pods } else { [pods[1], pods[0]] };
                    for pod in pod {
                        say(world, node, pod, (0, round)).await.unwrap();
                    }
                }
            }
        });
        let ((), ()) = tokio::join!(
            async { join_all(moves).await; },
            async { join_all(reports).await; },
        );
        for (customer, pod) in customers.iter().zip(pods) {
            let usage = customer.api().get_usage(&pod.to_string()).await.unwrap().usage;
            assert_eq!(usage.summary.used, 2 * ROUNDS);
        }
    }
}
