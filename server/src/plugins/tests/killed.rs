//! A portal that ends at every step of a plugin's coming, changing and going: another one finds
//! nothing half done, or does the other half.

use myrelay_app::contract::{PluginContract, PluginState};
use myrelay_plugin_host::{Answer, Call, KvCondition, types::ErrorKind};

use super::{
    life::{ONE, heard, next, version},
    put, state,
};
use crate::{
    Error,
    context::Context,
    deliveries,
    plugins::{Input, find, get, install, install::reactivate, readiness, take_away, testing},
    testing::{World, api, stories},
};

/// More steps than any of these take.
const MOST: u64 = 60;
const EVENTS: [&str; 1] = ["account.created.v1"];

fn times_told(world: &World) -> usize {
    world.host.heard().iter().filter(|it| matches!(it.call, Call::Activate { .. })).count()
}

async fn deliver(portal: &Context) {
    while deliveries::round(portal).await.unwrap() {}
}

/// Its secret is gone, without which it cannot make itself ready.
async fn loses_its_secret(world: &World) {
    let mut tx = world.context.database.write().await.unwrap();
    sqlx::query("DELETE FROM plugin_secrets").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

stories! {
    async fn another_version_is_ready_or_was_none_whatever_step_the_portal_ends_at(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let other = world.another_portal().await;
        for step in 1..MOST {
            let number = format!("2.{step}.0");
            world.host.forget();
            let portal = world.mortal_portal().await;
            let done = world.steps().end_at(step, install(&portal, next(&number))).await;
            // Nobody is told by two while the one that began may still be at it.
            let before = times_told(&world);
            readiness::finish(&other).await.unwrap();
            assert_eq!(times_told(&world), before, "it ended at step {step}");
            world.clock.advance(readiness::PATIENCE_MS);
            readiness::finish(&other).await.unwrap();
            let is_there = version(&olga, &id).await == number;
            assert_eq!(0 < times_told(&world), is_there, "it ended at step {step}");
            assert_eq!(state(&olga, &id).await, PluginState::Enabled, "it ended at step {step}");
            // And that was all.
            let told = times_told(&world);
            world.clock.advance(readiness::PATIENCE_MS);
            readiness::finish(&other).await.unwrap();
            assert_eq!(times_told(&world), told, "it ended at step {step}");
            if let Some(done) = done {
                done.unwrap().1.unwrap();
                assert!(is_there && told == 1 && 10 < step, "{step} steps, told {told} times");
                return;
            }
            install(&other, next(&number)).await.unwrap().1.unwrap();
            assert_eq!(version(&olga, &id).await, number);
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_version_that_came_meanwhile_is_not_stopped_for_the_one_before(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let before = get(&world.context, &id).await.unwrap();
        install(&world.context, next("2.0.0")).await.unwrap().1.unwrap();
        let told = reactivate(&world.context, &before).await.unwrap();
        assert!(matches!(told, Err(Error::Busy { .. })), "{told:?}");
        assert_eq!(version(&olga, &id).await, "2.0.0");
        assert_eq!(state(&olga, &id).await, PluginState::Enabled);
    }

    async fn what_cannot_make_itself_ready_is_stopped_though_the_portal_ended(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let other = world.another_portal().await;
        for step in 1..MOST {
            let number = format!("2.{step}.0");
            loses_its_secret(&world).await;
            let portal = world.mortal_portal().await;
            let done = world.steps().end_at(step, install(&portal, next(&number))).await;
            world.clock.advance(readiness::PATIENCE_MS);
            readiness::finish(&other).await.unwrap();
            let is_there = version(&olga, &id).await == number;
            let view = olga.api().get_plugin(&id).await.unwrap();
            let expected = if is_there { PluginState::Stopped } else { PluginState::Enabled };
            assert_eq!(view.row.state, expected, "it ended at step {step}");
            let says_why = view.why.is_some_and(|it| it.contains("did not make itself ready"));
            assert_eq!(says_why, is_there, "it ended at step {step}");
            if let Some(done) = done {
                assert!(done.unwrap().1.is_err() && is_there && 10 < step, "{step} steps");
                return;
            }
            let secrets = testing::input(ONE, &EVENTS).secrets;
            let input = Input { secrets, ..next(&number) };
            install(&other, input).await.unwrap().1.unwrap();
            assert_eq!(state(&olga, &id).await, PluginState::Enabled);
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_plugin_comes_and_goes_as_a_whole_whatever_step_the_portal_ends_at(world) {
        let olga = world.operator("olga").await;
        let other = world.another_portal().await;
        let (mut came, mut went) = (false, false);
        for step in 1..MOST {
            let name = format!("dev.example.p{step}");
            let portal = world.mortal_portal().await;
            let input = || testing::input(&name, &EVENTS);
            let done = world.steps().end_at(step, install(&portal, input())).await;
            came |= done.is_some();
            world.clock.advance(readiness::PATIENCE_MS);
            readiness::finish(&other).await.unwrap();
            let found = find(&other, &name).await.unwrap().map(|it| it.id);
            let (id, ready) = install(&other, input()).await.unwrap();
            ready.unwrap();
            assert!(found.is_none_or(|it| it == id), "it ended at step {step}");
            // Where it was there already, nobody had enabled it.
            olga.api().enable_plugin(&id.to_string()).await.unwrap();
            assert_eq!(state(&olga, &id.to_string()).await, PluginState::Enabled);

            let portal = world.mortal_portal().await;
            let done = world.steps().end_at(step, take_away(&portal, id, false)).await;
            went |= done.is_some();
            let gone = take_away(&other, id, false).await;
            assert!(matches!(gone, Ok(()) | Err(Error::NotFound(_))), "step {step}: {gone:?}");
            assert_eq!(world.count("SELECT COUNT(*) FROM plugins").await, 0, "step {step}");
            assert_eq!(world.count("SELECT COUNT(*) FROM plugin_secrets").await, 0, "step {step}");
            if came && went {
                assert!(5 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn what_is_called_once_more_counts_nowhere_whatever_step_the_portal_ends_at(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let call = olga.api().get_plugin(&id).await.unwrap().calls[0].id.to_string();
        let other = world.another_portal().await;
        for step in 1..MOST {
            let number = format!("2.{step}.0");
            world.host.forget();
            let again = world.host.replayed().len();
            for _ in 0..MOST {
                let change = put("k", "x", 1, KvCondition::Any);
                world.host.replays(move |_| testing::with(Ok(Answer::Done), vec![change]));
            }
            let portal = world.mortal_portal().await;
            let works = async {
                api(&portal, olga.caller).try_call(&id, &call).await.unwrap();
                install(&portal, next(&number)).await
            };
            let done = world.steps().end_at(step, works).await;
            world.clock.advance(readiness::PATIENCE_MS);
            readiness::finish(&other).await.unwrap();
            let counted = [
                world.count("SELECT COUNT(*) FROM plugin_kv").await,
                world.count("SELECT writes FROM plugins").await,
                world.count("SELECT COUNT(*) FROM plugin_calls WHERE call = 'events.handle'").await,
                world.count("SELECT COUNT(*) FROM deliveries").await,
            ];
            assert_eq!(counted, [0, 0, 1, 1], "it ended at step {step}");
            if let Some(done) = done {
                done.unwrap().1.unwrap();
                assert_eq!(world.host.replayed().len(), again + 3, "by hand, and on both versions");
                assert!(12 < step, "{step} steps");
                return;
            }
            // It is tried again as if it never had been.
            let trial = api(&other, olga.caller).try_call(&id, &call).await.unwrap();
            assert_eq!(trial.would, ["Remember k (1 bytes)"], "it ended at step {step}");
            install(&other, next(&number)).await.unwrap().1.unwrap();
        }
        panic!("it takes more than {MOST} steps");
    }
    async fn what_waits_is_tried_once_when_asked_whatever_step_the_portal_ends_at(world) {
        let olga = world.operator("olga").await;
        let id = heard(&world).await;
        let other = world.another_portal().await;
        for step in 1..MOST {
            world.host.fails(ErrorKind::Unavailable);
            world.customer(&format!("c{step}")).await;
            deliver(&other).await;
            assert_eq!(state(&olga, &id).await, PluginState::Failing, "before step {step}");
            let portal = world.mortal_portal().await;
            let asks = async { api(&portal, olga.caller).enable_plugin(&id).await };
            let done = world.steps().end_at(step, asks).await;
            deliver(&other).await;
            let waits = olga.api().get_plugin(&id).await.unwrap().row.waiting;
            assert!(waits == 0 || done.is_none() && waits == 1, "it ended at step {step}");
            // Whoever asks again is not told that there is nothing to do.
            api(&other, olga.caller).enable_plugin(&id).await.unwrap();
            deliver(&other).await;
            let row = olga.api().get_plugin(&id).await.unwrap().row;
            assert_eq!((row.state, row.waiting), (PluginState::Enabled, 0), "step {step}");
            let expected = i64::try_from(step).unwrap() + 1;
            let went_well = "SELECT COUNT(*) FROM plugin_calls \
                             WHERE call = 'events.handle' AND failure IS NULL";
            let counted = [
                world.count("SELECT COUNT(*) FROM deliveries WHERE delivered_at IS NOT NULL").await,
                world.count(went_well).await,
            ];
            assert_eq!(counted, [expected; 2], "it ended at step {step}");
            if let Some(done) = done {
                done.unwrap();
                assert!(8 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }
}
