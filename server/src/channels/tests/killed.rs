//! A portal that ends at every step of a channel's coming, changing and going: nothing is half done,
//! and doing it again works.

use myrelay_app::contract::{
    AccountContract, AddChannel, ChannelContract, ChannelState, MessageKind,
};
use myrelay_domain::ids::{ChannelId, InstallationId};
use myrelay_plugin_host::types::ErrorKind;

use super::{CHAT, MAIL, field, not_found, verified};
use crate::{
    channels::unsubscribe_url,
    context::{Caller, Context},
    messages, outbox,
    plugins::testing,
    testing::{World, api, stories},
};

/// More steps than any of these take.
const MOST: u64 = 60;
const HOUR_MS: i64 = 3_600_000;

fn input(plugin: InstallationId, address: &str) -> AddChannel {
    AddChannel { plugin: plugin.to_string(), address: address.to_owned() }
}

/// The code that arrived last, if one did.
fn code(world: &World) -> Option<String> {
    let mut all = world.host.messages();
    all.retain(|it| it.1.template == "channel.code");
    let data: serde_json::Value = serde_json::from_str(&all.pop()?.1.data).unwrap();
    Some(data["code"].as_str().unwrap().to_owned())
}

/// What a customer does with a channel from its code to its end, and somebody else meanwhile: of
/// that, a message is on its way when the channel goes.
async fn live(world: &World, portal: &Context, (ana, olga): (Caller, Caller), id: ChannelId) {
    let Caller::Account(account) = ana else { panic!("a customer") };
    let (ana, olga) = (api(portal, ana), api(portal, olga));
    let link = unsubscribe_url(portal, id, MessageKind::Usage).unwrap();
    let (_, link) = link.rsplit_once('/').unwrap();
    let (text, kinds) = (id.to_string(), vec![MessageKind::Usage, MessageKind::Service]);
    let done = async {
        ana.send_code(&text).await?;
        ana.verify_channel(&text, &code(world).unwrap()).await?;
        ana.set_kinds(&text, kinds).await?;
        api(portal, Caller::Visitor).unsubscribe(link).await?;
        olga.suspend_account(&account.to_string()).await?;
        for _ in 0..MOST {
            world.host.carries(|_| testing::failed(ErrorKind::RateLimited, None));
        }
        messages::round(portal).await.unwrap();
        ana.remove_channel(&text).await
    };
    let done = done.await;
    assert!(done == Ok(()) || done == Err(not_found()), "{done:?}");
}

/// How far a channel came on that way.
async fn came(portal: &Context, ana: Caller, id: ChannelId) -> usize {
    let found = api(portal, ana).get_channel(&id.to_string()).await;
    let Ok(view) = found else { return 4 };
    match (view.row.state, view.row.kinds.as_slice()) {
        (ChannelState::Unverified, [_, _, _]) => 0,
        (ChannelState::Verified, [_, _, _]) => 1,
        (ChannelState::Verified, [MessageKind::Usage, MessageKind::Service]) => 2,
        (ChannelState::Verified, [MessageKind::Service]) => 3,
        other => panic!("{other:?}"),
    }
}

stories! {
    async fn a_channel_is_there_as_a_whole_whatever_step_the_portal_ends_at(world) {
        let mail = world.carrier(MAIL).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let ana = world.customer(&format!("ana{step}")).await;
            let address = format!("ana{step}@example.org");
            world.host.forget();
            let done = world.steps().end_at(step, ana.api().add_channel(input(mail, &address))).await;
            let early = code(&world);
            let ana = api(&next, ana.caller);
            let there = ana.notifications().await.unwrap().channels.len();
            assert_eq!(there, usize::from(done.is_some()), "it ended at step {step}");
            // The customer had no answer, and adds it again.
            let again = ana.add_channel(input(mail, &address)).await;
            let id = match &done {
                None => again.unwrap().to_string(),
                Some(first) => {
                    assert_eq!(field(again), "address", "it is there");
                    first.as_ref().unwrap().to_string()
                }
            };
            if let Some(early) = early.filter(|_| done.is_none()) {
                let refused = ana.verify_channel(&id, &early).await;
                assert_eq!(field(refused), "code", "it was for one that never came");
            }
            ana.verify_channel(&id, &world.host.code()).await.unwrap();
            let channels = ana.notifications().await.unwrap().channels;
            let states: Vec<_> = channels.iter().map(|it| (it.address.as_deref(), it.state)).collect();
            assert_eq!(states, [(Some(address.as_str()), ChannelState::Verified)], "step {step}");
            assert_eq!(verified(&world).await, usize::try_from(step).unwrap());
            if done.is_some() {
                assert!(7 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_link_leads_to_the_channel_that_is_there_whatever_step_the_portal_ends_at(world) {
        let chat = world.carrier(CHAT).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let ana = world.customer(&format!("ana{step}")).await;
            world.host.forget();
            let works = async {
                let id = ana.api().add_channel(input(chat, "")).await.unwrap().to_string();
                ana.api().send_code(&id).await.unwrap();
                ana.api().verify_channel(&id, &world.host.code()).await.unwrap();
            };
            let done = world.steps().end_at(step, works).await;
            let ana = api(&next, ana.caller);
            let there = ana.notifications().await.unwrap().channels;
            if there.is_empty() {
                ana.add_channel(input(chat, "")).await.unwrap();
            }
            let row = ana.notifications().await.unwrap().channels.remove(0);
            let id = row.id.to_string();
            if row.state == ChannelState::Unverified {
                let link = ana.get_channel(&id).await.unwrap().guide.unwrap().link.unwrap();
                // What arrived before may be good or not; a code that comes after it is.
                ana.send_code(&id).await.unwrap();
                let (to, _) = world.host.messages().pop().unwrap();
                assert!(link.ends_with(&format!("?{to}")), "it ended at step {step}");
                ana.verify_channel(&id, &world.host.code()).await.unwrap();
            }
            let states: Vec<_> =
                ana.notifications().await.unwrap().channels.iter().map(|it| it.state).collect();
            assert_eq!(states, [ChannelState::Verified], "it ended at step {step}");
            assert_eq!(verified(&world).await, usize::try_from(step).unwrap());
            if done.is_some() {
                assert!(10 < step && row.state == ChannelState::Verified, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_channel_changes_and_goes_as_a_whole_whatever_step_the_portal_ends_at(world) {
        let mail = world.carrier(MAIL).await;
        let olga = world.operator("olga").await;
        let next = world.another_portal().await;
        let mut before = 0;
        for step in 1..MOST {
            let ana = world.customer(&format!("ana{step}")).await;
            let address = format!("ana{step}@example.org");
            world.host.forget();
            let id = ana.api().add_channel(input(mail, &address)).await.unwrap();
            let callers = (ana.caller, olga.caller);
            let done = world.steps().end_at(step, live(&world, &world.context, callers, id)).await;
            let now = came(&next, ana.caller, id).await;
            assert!(before <= now && now <= before + 1, "step {step}: {before}, then {now}");
            before = now;
            // Who had no answer does it again.
            live(&world, &next, callers, id).await;
            assert_eq!(came(&next, ana.caller, id).await, 4, "it ended at step {step}");
            let expected = usize::try_from(step).unwrap();
            let names = outbox::names(&world.context).await;
            let count = |name: &str| names.iter().filter(|it| *it == name).count();
            let counted = [count("channel.verified"), count("account.suspended"), count("channel.removed")];
            assert_eq!(counted, [expected; 3], "it ended at step {step}");
            // What was on its way went along.
            assert_eq!(world.count("SELECT COUNT(*) FROM messages").await, 0, "step {step}");
            let heard = world.host.messages().len();
            world.clock.advance(2 * HOUR_MS);
            while messages::round(&next).await.unwrap() {}
            assert_eq!(world.host.messages().len(), heard, "it ended at step {step}");
            if done.is_some() {
                assert!(now == 4 && 12 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }
}
