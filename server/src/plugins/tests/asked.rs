//! Stories about plugins that are asked how they are.

use myrelay_app::contract::{PluginContract, PluginSaidView, PluginState, PortalError};
use myrelay_plugin_host::{Answer, Failure, lifecycle::HealthReport, types::ErrorKind};
use myrelay_plugin_package::Package;

use super::{
    life::{ONE, next},
    state,
};
use crate::{
    deliveries,
    plugins::{install, revoke, testing},
    testing::{Actor, World, stories},
};

const CREATED: &str = "account.created.v1";

async fn said(olga: &Actor<'_>, id: &str) -> Option<PluginSaidView> {
    olga.api().get_plugin(id).await.unwrap().health.said
}

/// What it said last: whether it is well, and its words.
async fn words(olga: &Actor<'_>, id: &str) -> (bool, String) {
    let said = said(olga, id).await.unwrap();
    (said.well, said.words)
}

/// The next time that it is asked, it says so.
fn says(world: &World, ok: bool, detail: &str) {
    let report = HealthReport { ok, detail: detail.to_owned() };
    world.host.answers(|_| testing::with(Ok(Answer::Health(report)), Vec::new()));
}

stories! {
    async fn a_plugin_says_how_it_is_and_its_page_keeps_the_last_answer(world) {
        let olga = world.operator("olga").await;
        let id = world.plugin(ONE, &[CREATED]).await.to_string();
        assert_eq!(said(&olga, &id).await, None);
        olga.api().ask_plugin(&id).await.unwrap();
        let at = world.context.now();
        let connected = "connected to api.example.org".to_owned();
        assert_eq!(said(&olga, &id).await, Some(PluginSaidView { well: true, words: connected, at }));
        let view = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!((view.calls[0].call.as_str(), &view.calls[0].failure), ("health", &None));
        assert!(view.calls[0].answer.as_ref().unwrap().contains("connected to"));
        assert_eq!(view.health.calls, 3, "it counts as any other");

        world.clock.advance(60_000);
        says(&world, false, "the key was\nwithdrawn");
        olga.api().ask_plugin(&id).await.unwrap();
        let other = world.another_portal().await;
        let view = deliveries::get_plugin(&other, olga.caller, &id).await.unwrap();
        let words = "the key was withdrawn".to_owned();
        let not_well = PluginSaidView { well: false, words, at: at + 60_000 };
        assert_eq!(view.health.said, Some(not_well), "whichever portal shows it");
        assert_eq!(view.row.state, PluginState::Enabled, "it answered, and nothing failed");
        says(&world, true, &"long ".repeat(1000));
        olga.api().ask_plugin(&id).await.unwrap();
        assert_eq!(said(&olga, &id).await.unwrap().words.len(), 500);

        // Another version did not say that.
        install(&world.context, next("2.0.0")).await.unwrap().1.unwrap();
        assert_eq!(said(&olga, &id).await, None);
    }

    async fn what_keeps_it_from_an_answer_is_an_answer_too_and_counts(world) {
        let olga = world.operator("olga").await;
        let id = world.plugin(ONE, &[CREATED]).await.to_string();
        world.host.answers(|_| {
            let (what, backtrace) = ("a panic".to_owned(), "0: health".to_owned());
            testing::with(Err(Failure::Trap { what, backtrace }), Vec::new())
        });
        olga.api().ask_plugin(&id).await.unwrap();
        assert_eq!(words(&olga, &id).await, (false, "it broke: a panic".to_owned()));
        assert_eq!(state(&olga, &id).await, PluginState::Failing);
        let calls = olga.api().get_plugin(&id).await.unwrap().calls;
        assert_eq!(calls[0].backtrace.as_deref(), Some("0: health"));
        // One that is not well takes nothing of that back, and one that is well does.
        says(&world, false, "no answer");
        olga.api().ask_plugin(&id).await.unwrap();
        assert_eq!(state(&olga, &id).await, PluginState::Failing);
        world.host.fails(ErrorKind::Unavailable);
        olga.api().ask_plugin(&id).await.unwrap();
        assert_eq!(words(&olga, &id).await, (false, "unavailable: the provider said so".to_owned()));
        world.host.answers(|_| testing::done());
        olga.api().ask_plugin(&id).await.unwrap();
        assert_eq!(words(&olga, &id).await, (false, "it answered something else".to_owned()));
        olga.api().ask_plugin(&id).await.unwrap();
        assert_eq!(state(&olga, &id).await, PluginState::Enabled);

        // What did not run says nothing.
        let before = said(&olga, &id).await;
        world.host.answers(|_| testing::with(Err(Failure::Busy("64 wait".to_owned())), Vec::new()));
        let error = olga.api().ask_plugin(&id).await.unwrap_err();
        let why = "busy: 64 wait".to_owned();
        assert_eq!(error, PortalError::Unavailable { message: why.clone() });
        assert_eq!(said(&olga, &id).await, before);
        let calls = olga.api().get_plugin(&id).await.unwrap().calls;
        assert_eq!(calls[0].failure, Some(why), "and the run log has it");
    }

    async fn one_that_is_stopped_is_asked_and_one_that_is_disabled_or_revoked_is_not(world) {
        let olga = world.operator("olga").await;
        let id = world.plugin(ONE, &[CREATED]).await.to_string();
        world.host.fails(ErrorKind::InvalidConfig);
        world.customer("ana").await;
        deliveries::round(&world.context).await.unwrap();
        assert_eq!(state(&olga, &id).await, PluginState::Stopped);
        olga.api().ask_plugin(&id).await.unwrap();
        assert!(words(&olga, &id).await.0, "who lets it go on wants to know before");
        let tired = world.plugin("dev.example.two", &[CREATED]).await;
        world.tire(tired).await;
        let tired = tired.to_string();
        olga.api().ask_plugin(&tired).await.unwrap();
        assert!(words(&olga, &tired).await.0 && state(&olga, &tired).await == PluginState::Resting);
        assert_eq!(state(&olga, &id).await, PluginState::Stopped, "to ask lets nothing go on");

        let before = said(&olga, &id).await;
        let heard = world.host.heard().len();
        olga.api().disable_plugin(&id).await.unwrap();
        let refused = async |why: &str| {
            let error = olga.api().ask_plugin(&id).await.unwrap_err();
            let PortalError::Invalid { field, message } = error else { panic!("{error:?}") };
            assert!(field == "plugin" && message.contains(why), "{message}");
        };
        refused("it is disabled").await;
        olga.api().enable_plugin(&id).await.unwrap();
        let called = world.host.heard().len();
        let digest = Package::digest(&testing::input(ONE, &[CREATED]).component);
        revoke(&world.context, &digest, "it was stolen").await.unwrap();
        refused("it was stolen").await;
        assert_eq!((world.host.heard().len(), called), (called, heard + 2), "nobody asked it");
        assert_eq!(said(&olga, &id).await, before);
    }

    async fn nobody_but_an_operator_asks_and_an_unknown_plugin_does_not_answer(world) {
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        let id = world.plugin(ONE, &[CREATED]).await.to_string();
        let heard = world.host.heard().len();
        assert_eq!(ana.api().ask_plugin(&id).await, Err(PortalError::NotAllowed));
        let missing = PortalError::NotFound { what: "plugin".to_owned() };
        for unknown in ["", "inst_0", "inst_00000000000000000000000000000000"] {
            assert_eq!(olga.api().ask_plugin(unknown).await, Err(missing.clone()));
        }
        assert_eq!(world.host.heard().len(), heard);
    }
}
