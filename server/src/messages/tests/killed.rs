//! A portal that ends at every step between a fact and the message that tells of it: another one
//! goes on, and each channel has it once, or again under the id that it had.

use myrelay_app::contract::{
    AccountContract, ChannelContract, ChannelState, MessageKind, MessageState, PluginContract,
};
use myrelay_plugin_host::{Call, CallRequest, notifier::Permanent, types::ErrorKind};

use super::{HOUR_MS, MAIL, account, channel, fact, round};
use crate::{
    context::Context,
    deliveries::LEASE_MS,
    plugins::testing::{self, Outcome},
    testing::{World, api, stories},
};

/// More steps than any of these take.
const MOST: u64 = 40;

const SUSPENDED: &str = "account.suspended";
const RESUMED: &str = "account.resumed";

async fn carry(portal: &Context) {
    while round(portal).await.unwrap() {}
}

/// Another portal goes on: now, and once nobody holds what the first one had taken.
async fn go_on(world: &World, next: &Context) {
    carry(next).await;
    world.clock.advance(LEASE_MS);
    carry(next).await;
}

/// Whoever is to carry a message answers so, however often it is asked.
fn answers(world: &World, answer: impl Fn(&CallRequest) -> Outcome + Clone + Send + 'static) {
    for _ in 0..MOST {
        world.host.carries(answer.clone());
    }
}

/// In which tries a message was to be carried to an address, and under which ids.
fn tries(world: &World, to: &str, template: &str) -> Vec<(String, u32)> {
    let is = |it: &&CallRequest| match &it.call {
        Call::Deliver { to: there, message } => there.address == to && message.template == template,
        _ => false,
    };
    let heard = world.host.heard();
    heard.iter().filter(is).map(|it| (it.delivery_id.clone(), it.attempt)).collect()
}

/// The id under which the provider knows a message, and in which tries it got it, none of them twice.
fn known_as(world: &World, to: &str, template: &str) -> (String, Vec<u32>) {
    let (mut ids, tries): (Vec<_>, Vec<_>) = tries(world, to, template).into_iter().unzip();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{template} to {to}: {ids:?}");
    assert!(tries.is_sorted_by(|one, next| one < next), "{tries:?}");
    (ids.remove(0), tries)
}

async fn count(world: &World, sql: &'static str, expected: u64) {
    assert_eq!(world.count(sql).await, i64::try_from(expected).unwrap(), "{sql}");
}

stories! {
    async fn a_message_has_one_id_and_counts_once_whatever_step_the_portal_ends_at(world) {
        let mail = world.carrier(MAIL).await;
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        let addresses = ["a@example.org", "b@example.org"];
        for address in addresses {
            channel(&ana, mail, address).await;
        }
        let (next, account) = (world.another_portal().await, account(&ana));
        for step in 1..MOST {
            world.host.forget();
            let works = async {
                olga.api().suspend_account(&account).await.unwrap();
                carry(&world.context).await;
            };
            let done = world.steps().end_at(step, works).await;
            // The operator had no answer, and does it again.
            api(&next, olga.caller).suspend_account(&account).await.unwrap();
            carry(&next).await;
            let twice = addresses.iter().any(|it| 1 < tries(&world, it, SUSPENDED).len());
            assert!(!twice, "step {step}: the first one may still be at it");
            go_on(&world, &next).await;
            let rows = api(&next, ana.caller).notifications().await.unwrap().messages;
            for address in addresses {
                let (id, tries) = known_as(&world, address, SUSPENDED);
                let row = rows.iter().find(|it| it.id.to_string() == id).unwrap();
                assert_eq!(row.state, MessageState::Delivered, "it ended at step {step}");
                // Twice at most: nobody knows what became of the first.
                assert!(tries.len() <= 2 && (done.is_none() || tries == [1]), "{tries:?}");
            }
            count(&world, "SELECT COUNT(*) FROM outbox WHERE kind = 'account.suspended'", step).await;
            count(&world, "SELECT COUNT(*) FROM messages JOIN outbox ON outbox.id = event_id \
                WHERE outbox.kind = 'account.suspended'", 2 * step).await;
            count(&world, "SELECT COUNT(*) FROM plugin_calls WHERE call = 'deliver' \
                AND about = 'account.suspended.v1'", 2 * step).await;
            if done.is_some() {
                assert!(8 < step, "{step} steps");
                return;
            }
            api(&next, olga.caller).resume_account(&account).await.unwrap();
            carry(&next).await;
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_refusal_ends_its_channel_and_no_other_whatever_step_the_portal_ends_at(world) {
        let mail = world.carrier(MAIL).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let ana = world.customer(&format!("ana{step}")).await;
            let (gone, here) = (format!("gone{step}@example.org"), format!("here{step}@example.org"));
            let refuses = channel(&ana, mail, &gone).await.to_string();
            let takes = channel(&ana, mail, &here).await.to_string();
            world.host.forget();
            let nobody = gone.clone();
            answers(&world, move |it| match &it.call {
                Call::Deliver { to, .. } if to.address == nobody => {
                    testing::rejected(Permanent::Unreachable("it bounced".to_owned()))
                }
                _ => testing::carried(),
            });
            for kind in [SUSPENDED, RESUMED] {
                fact(&world, &ana, kind, "{}").await;
            }
            let done = world.steps().end_at(step, carry(&world.context)).await;
            go_on(&world, &next).await;
            let ana = api(&next, ana.caller);
            let state = async |id: &str| ana.get_channel(id).await.unwrap().row.state;
            let states = (state(&refuses).await, state(&takes).await);
            assert_eq!(states, (ChannelState::Unreachable, ChannelState::Verified), "step {step}");
            assert!(tries(&world, &gone, RESUMED).is_empty(), "nothing more goes there");
            let mut delivered = [known_as(&world, &here, SUSPENDED).0, known_as(&world, &here, RESUMED).0];
            known_as(&world, &gone, SUSPENDED);
            let mut rows = ana.notifications().await.unwrap().messages;
            rows.retain(|it| it.kind == MessageKind::Service);
            let of = |state: MessageState| rows.iter().filter(move |it| it.state == state);
            let mut arrived: Vec<_> = of(MessageState::Delivered).map(|it| it.id.to_string()).collect();
            arrived.sort();
            delivered.sort();
            assert_eq!(arrived, delivered, "it ended at step {step}");
            assert_eq!(of(MessageState::Dropped).count(), 2, "it ended at step {step}");
            count(&world, "SELECT COUNT(*) FROM messages WHERE failure = 'nobody is reached there'",
                2 * step).await;
            count(&world, "SELECT COUNT(*) FROM plugin_calls WHERE call = 'deliver' \
                AND about LIKE 'account.%'", 3 * step).await;
            if done.is_some() {
                assert!(8 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn what_was_not_taken_comes_in_time_whatever_step_the_portal_ends_at(world) {
        let mail = world.carrier(MAIL).await;
        let ana = world.customer("ana").await;
        channel(&ana, mail, "a@example.org").await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            world.host.forget();
            answers(&world, |it| match it.attempt {
                1 => testing::failed(ErrorKind::Unavailable, None),
                _ => testing::carried(),
            });
            fact(&world, &ana, RESUMED, "{}").await;
            let works = async {
                carry(&world.context).await;
                world.clock.advance(7_000);
                carry(&world.context).await;
            };
            let done = world.steps().end_at(step, works).await;
            go_on(&world, &next).await;
            let (_, tries) = known_as(&world, "a@example.org", RESUMED);
            assert!(2 <= tries[tries.len() - 1] && tries.len() <= 3, "step {step}: {tries:?}");
            let rows = api(&next, ana.caller).notifications().await.unwrap().messages;
            assert_eq!(rows[0].state, MessageState::Delivered, "it ended at step {step}");
            count(&world, "SELECT COUNT(*) FROM messages WHERE delivered_at IS NOT NULL", step).await;
            count(&world, "SELECT COUNT(*) FROM plugin_calls WHERE call = 'deliver' \
                AND about = 'account.resumed.v1' AND failure IS NULL", step).await;
            if done.is_some() {
                assert!(8 < step && tries == [1, 2], "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn what_may_have_arrived_is_given_up_once_whatever_step_the_portal_ends_at(world) {
        let mail = world.carrier(MAIL).await;
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        channel(&ana, mail, "a@example.org").await;
        let (next, mail) = (world.another_portal().await, mail.to_string());
        for step in 1..MOST {
            world.host.forget();
            answers(&world, |_| testing::failed(ErrorKind::Indeterminate, None));
            fact(&world, &ana, RESUMED, "{}").await;
            let done = world.steps().end_at(step, carry(&world.context)).await;
            go_on(&world, &next).await;
            world.clock.advance(HOUR_MS);
            carry(&next).await;
            let (id, tries) = known_as(&world, "a@example.org", RESUMED);
            assert!(tries.len() <= 2, "step {step}: {tries:?}");
            let dead = api(&next, olga.caller).get_plugin(&mail).await.unwrap().dead;
            let dead: Vec<_> = dead.iter().map(|it| it.id.to_string()).collect();
            assert_eq!(dead, [id], "it ended at step {step}");
            count(&world, "SELECT COUNT(*) FROM plugin_calls WHERE call = 'deliver' \
                AND failure IS NOT NULL", step).await;
            if done.is_some() {
                assert!(4 < step, "{step} steps");
                return;
            }
            // What an operator says is to go again goes.
            world.host.forget();
            api(&next, olga.caller).replay_deliveries(&mail, None).await.unwrap();
            carry(&next).await;
            assert_eq!(known_as(&world, "a@example.org", RESUMED).0, dead[0]);
        }
        panic!("it takes more than {MOST} steps");
    }
}
