//! A portal that ends at every step of putting on its way again what was given up: each order of an
//! operator is done or is not, and each event and message counts once.

use myrelay_app::contract::{PluginContract, PortalError};
use myrelay_plugin_host::{
    Answer, Call, CallRequest, KvChange, KvCondition, KvWrite, types::ErrorKind,
};

use super::{HOUR_MS, channel, fact, hears_and_carries, round};
use crate::{
    context::{Caller, Context},
    deliveries,
    plugins::testing::{self, Outcome},
    testing::{Actor, World, api, stories},
};

/// More steps than this takes.
const MOST: u64 = 60;

async fn carry(portal: &Context) {
    while round(portal).await.unwrap() {}
    while deliveries::round(portal).await.unwrap() {}
}

async fn dead(portal: &Context, olga: Caller, plugin: &str) -> Vec<String> {
    let view = api(portal, olga).get_plugin(plugin).await.unwrap();
    view.dead.into_iter().map(|it| it.id.to_string()).collect()
}

/// Three messages and three events about somebody, which were given up in turn.
async fn give_up(world: &World, ana: &Actor<'_>) {
    for _ in 0..3 {
        world.host.carries(|_| testing::failed(ErrorKind::Denied, None));
        world.host.fails(ErrorKind::Denied);
        fact(world, ana, "account.resumed", "{}").await;
        carry(&world.context).await;
    }
}

/// One of them, from a point on, and all.
async fn replay(portal: &Context, olga: Caller, plugin: &str, all: &[String]) {
    let olga = api(portal, olga);
    let missing = Err(PortalError::NotFound { what: "delivery".to_owned() });
    for done in [
        olga.replay_deliveries(plugin, Some(&all[3])).await,
        olga.replay_deliveries_from(plugin, &all[4]).await,
        olga.replay_deliveries(plugin, None).await,
    ] {
        // What goes already is not given up any more.
        assert!(done == Ok(()) || done == missing, "{done:?}");
    }
}

/// It remembers the event; another time, it remembers it anew.
fn remembers(asked: &CallRequest) -> Outcome {
    let Call::Event(event) = &asked.call else { panic!("an event") };
    let write = KvWrite::Put { value: b"x".to_vec(), version: 1, expires_at_ms: None };
    let change = KvChange { key: event.id.clone(), condition: KvCondition::Any, write };
    testing::with(Ok(Answer::Done), vec![change])
}

stories! {
    async fn what_goes_again_counts_once_whatever_step_the_portal_ends_at(world) {
        let plugin = hears_and_carries(&world).await;
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        channel(&ana, plugin, "a@example.org").await;
        let (next, plugin) = (world.another_portal().await, plugin.to_string());
        for step in 1..MOST {
            world.host.forget();
            give_up(&world, &ana).await;
            let all = dead(&next, olga.caller, &plugin).await;
            assert_eq!(all.len(), 6);
            world.host.forget();
            for _ in 0..MOST {
                world.host.answers(remembers);
            }
            let works = async {
                replay(&world.context, olga.caller, &plugin, &all).await;
                carry(&world.context).await;
            };
            let done = world.steps().end_at(step, works).await;
            // Each order was carried out, or is still to be given: none is half done.
            let left = dead(&next, olga.caller, &plugin).await;
            let without_one = [&all[..3], &all[4..]].concat();
            let whole = [all.clone(), without_one, all[..3].to_vec(), Vec::new()];
            assert!(whole.contains(&left), "step {step}: {left:?} of {all:?}");
            // The operator had no answer, and gives them again.
            replay(&next, olga.caller, &plugin, &all).await;
            carry(&next).await;
            world.clock.advance(HOUR_MS);
            carry(&next).await;
            assert_eq!(dead(&next, olga.caller, &plugin).await, [""; 0], "step {step}");
            let heard = world.host.heard();
            for id in &all {
                let tries = heard.iter().filter(|it| it.delivery_id == *id).map(|it| it.attempt);
                let tries: Vec<_> = tries.collect();
                assert!([&[1][..], &[2], &[1, 2]].contains(&&tries[..]), "step {step}: {tries:?}");
                assert!(done.is_none() || tries == [1]);
            }
            let expected = 3 * i64::try_from(step).unwrap();
            let counted = [
                world.count("SELECT COUNT(*) FROM plugin_kv").await,
                world.count("SELECT writes FROM plugins").await,
                world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await,
                world.count("SELECT COUNT(*) FROM messages WHERE delivered_at IS NOT NULL").await,
                world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle' \
                    AND failure IS NULL").await,
                world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'deliver' \
                    AND about = 'account.resumed.v1' AND failure IS NULL").await,
            ];
            assert_eq!(counted, [expected; 6], "it ended at step {step}");
            if done.is_some() {
                assert!(12 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }
}
