//! The provider's own page: whoever subscribed is led there, and nowhere else.

use myrelay_app::contract::{BillingContract, PluginContract, ProviderPage};
use myrelay_plugin_host::{Answer, Call, billing, types::ErrorKind};

use super::stage::Stage;
use crate::{
    context::Caller,
    plugins::{self, testing},
    testing::{Actor, stories},
};

/// The provider has a page for its customers, or none.
fn has_page(stage: &Stage<'_>, hosted_portal: bool) {
    stage.world.host.able(stage.plugin, move || {
        let able = billing::Capabilities { hosted_portal, ..testing::able() };
        testing::with(Ok(Answer::Capabilities(able)), Vec::new())
    });
}

fn asked(stage: &Stage<'_>) -> usize {
    stage.asked(|it| matches!(it, Call::CustomerPortalUrl { .. }))
}

async fn offered(who: &Actor<'_>) -> Option<ProviderPage> {
    who.api().billing().await.unwrap().provider_page
}

stories! {
    async fn who_subscribed_changes_at_the_provider_how_they_pay(world) {
        let stage = Stage::new(&world).await;
        has_page(&stage, true);
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        stage.links(&ana, "ana").await;
        let page = offered(&ana).await.unwrap();
        assert_eq!((page.name.as_str(), page.hosts), ("Plugin dev.example.pay", vec!["pay.example.org".to_owned()]));
        let Caller::Account(account) = ana.caller else { panic!() };
        let own = format!("https://pay.example.org/portal/{account}");
        for times in 1..=2 {
            assert_eq!(ana.api().provider_page().await.unwrap(), own);
            assert_eq!(asked(&stage), times, "its address is good once");
        }
        let Some(Call::CustomerPortalUrl { account: whom, return_url }) =
            stage.last(|it| matches!(it, Call::CustomerPortalUrl { .. })) else { panic!() };
        assert_eq!((whom.id, return_url.as_str()), (account.to_string(), "https://vpn.example.org/plan"));
        // The address lets in whoever has it: it stands nowhere.
        let calls = stage.olga.api().get_plugin(&stage.plugin.to_string()).await.unwrap().calls;
        let call = calls.iter().find(|it| it.call == "customer-portal-url").unwrap();
        assert_eq!((&call.input, &call.answer, &call.failure), (&None, &None, &None));

        // Who did not subscribe has nothing to change, and sees nobody else's.
        assert_eq!(offered(&bob).await, None);
        let error = bob.api().provider_page().await.unwrap_err();
        assert!(error.status() == 409 && error.to_string().contains("nobody collects"), "{error}");
        stage.pays(&bob, "pi_bob").await;
        assert_eq!(offered(&bob).await, None, "they pay by hand");
        assert_eq!(bob.api().provider_page().await.unwrap_err().status(), 409);
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.provider_page().await.unwrap_err().status(), 401);
        assert!(stage.olga.api().provider_page().await.is_err());
        assert_eq!(asked(&stage), 2);
        // It is there for who has stopped it, and over with the subscription.
        ana.api().cancel_subscription().await.unwrap();
        assert!(offered(&ana).await.is_some());
        stage.olga.api().end_subscription(&account.to_string()).await.unwrap();
        assert_eq!(offered(&ana).await, None);
        assert_eq!(ana.api().provider_page().await.unwrap_err().status(), 409);
    }

    async fn where_there_is_no_page_or_nobody_answers_that_is_said(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        stage.links(&ana, "ana").await;
        let refused = async |status: u16, what: &str| {
            let error = ana.api().provider_page().await.unwrap_err();
            assert_eq!(error.status(), status, "{error}");
            assert!(error.to_string().contains(what), "{error}");
        };
        assert_eq!(offered(&ana).await, None);
        refused(409, "has no page where you can change it").await;
        assert_eq!(asked(&stage), 0);
        has_page(&stage, true);
        world.clock.advance(60_000);
        world.host.fails(ErrorKind::NotFound);
        refused(409, "has no page where you can change it").await;
        world.host.fails(ErrorKind::Unavailable);
        refused(503, "does not work at the moment").await;
        assert_eq!(asked(&stage), 2);
        world.tire(stage.plugin).await;
        assert_eq!(offered(&ana).await, None);
        refused(503, "try again in a few minutes").await;
        world.stop(stage.plugin).await;
        refused(503, "is stopped until").await;
        stage.olga.api().disable_plugin(&stage.plugin.to_string()).await.unwrap();
        refused(503, "have switched it off").await;
        assert_eq!(asked(&stage), 2);
        stage.olga.api().remove_plugin(&stage.plugin.to_string(), true).await.unwrap();
        assert_eq!(offered(&ana).await, None);
        assert!(ana.api().provider_page().await.is_err());
    }

    async fn nobody_is_led_to_a_host_that_was_not_granted(world) {
        let stage = Stage::new(&world).await;
        has_page(&stage, true);
        let ana = world.customer("ana").await;
        stage.links(&ana, "ana").await;
        let failures = async || {
            let found = plugins::get(&world.context, &stage.plugin.to_string()).await.unwrap();
            found.health.failures
        };
        let before = failures().await;
        for (number, url) in (1..).zip([
            "https://evil.example/portal",
            "http://pay.example.org/portal",
            "https://pay.example.org@evil.example/",
            "https://pay.example.org.evil.example/",
        ]) {
            let url = url.to_owned();
            world.host.answers(move |_| testing::with(Ok(Answer::Url(url)), Vec::new()));
            let error = ana.api().provider_page().await.unwrap_err();
            assert_eq!(error.status(), 503, "{error}");
            assert_eq!(failures().await, before + number);
        }
        let calls = stage.olga.api().get_plugin(&stage.plugin.to_string()).await.unwrap().calls;
        let why = calls[3].failure.clone().unwrap();
        assert!(why.contains("customers may not be sent to evil.example"), "{why}");
        let spaced = "https://pay.example.org/a b".to_owned();
        world.host.answers(move |_| testing::with(Ok(Answer::Url(spaced)), Vec::new()));
        assert!(ana.api().provider_page().await.is_err());
        let view = stage.olga.api().get_plugin(&stage.plugin.to_string()).await.unwrap();
        assert_eq!(view.row.state, myrelay_app::contract::PluginState::Resting);
    }
}
