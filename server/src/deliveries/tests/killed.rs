//! A portal that ends at every step between a fact and the plugin that hears of it: another one
//! goes on, and each event counts once.

use myrelay_plugin_host::{Answer, KvChange, KvCondition, KvWrite};

use super::{CREATED, LEASE_MS};
use crate::{context::Context, deliveries, jobs, plugins::testing, testing::stories};

/// More steps than any of these take.
const MOST: u64 = 40;
const HOUR_MS: i64 = 3_600_000;

async fn deliver(portal: &Context) {
    while deliveries::round(portal).await.unwrap() {}
}

async fn work(portal: &Context) {
    while jobs::round(portal).await.unwrap() {}
}

/// It remembers one thing more.
fn remembers(number: u64) -> testing::Outcome {
    let write = KvWrite::Put { value: "x".into(), version: 1, expires_at_ms: None };
    let change =
        KvChange { key: format!("k{number}"), condition: KvCondition::Version(None), write };
    testing::with(Ok(Answer::Done), vec![change])
}

stories! {
    async fn an_event_counts_once_whatever_step_the_portal_ends_at(world) {
        world.plugin("dev.example.one", &[CREATED]).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            world.customer(&format!("c{step}")).await;
            world.host.forget();
            // The plugin is asked once or twice, and says the same.
            for _ in 0..2 {
                world.host.answers(move |_| remembers(step));
            }
            let done = world.steps().end_at(step, deliver(&world.context)).await;
            deliver(&next).await;
            world.clock.advance(LEASE_MS);
            deliver(&next).await;
            let expected = i64::try_from(step).unwrap();
            let counted = [
                world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await,
                world.count("SELECT COUNT(*) FROM plugin_kv").await,
                world.count("SELECT writes FROM plugins").await,
                world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle'").await,
            ];
            assert_eq!(counted, [expected; 4], "it ended at step {step}");
            if done.is_some() {
                assert!(4 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_job_counts_once_whatever_step_the_portal_ends_at(world) {
        world.worker("dev.example.one", &[("hourly", "0 * * * *")]).await;
        work(&world.context).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let now = world.context.now();
            world.clock.advance(HOUR_MS - now % HOUR_MS);
            let done = world.steps().end_at(step, work(&world.context)).await;
            work(&next).await;
            world.clock.advance(LEASE_MS);
            work(&next).await;
            let expected = i64::try_from(step).unwrap();
            let counted = world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'run'").await;
            assert_eq!(counted, expected, "it ended at step {step}");
            if done.is_some() {
                assert!(3 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }
}
