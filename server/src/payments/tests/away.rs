//! A payer that rests, is stopped or disabled: nobody calls it, whoever waits is told, and nothing
//! is lost.

use myrelay_app::contract::{BillingContract, InvoiceState, PluginContract, RefundPayment};
use myrelay_plugin_host::Call;

use super::stage::{Stage, event, paid};
use crate::{
    payments::{Taken, tasks},
    testing::stories,
};

/// How long a plugin rests at first, in milliseconds.
const REST_MS: i64 = 30_000;

fn is_call(call: &Call) -> bool {
    !matches!(call, Call::ValidateConfig(_) | Call::Activate { .. })
}

stories! {
    async fn a_report_is_taken_when_its_plugin_is_back(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        let plugin = stage.plugin.to_string();
        let report = async || stage.raw("events", b"{}").await.unwrap();
        let away = |retry_after_s| Taken::Away { retry_after_s };
        let asked = stage.asked(is_call);
        world.tire(stage.plugin).await;
        assert_eq!(report().await, away(30));
        world.clock.advance(REST_MS - 1);
        assert_eq!(report().await, away(1));
        assert_eq!(stage.asked(is_call), asked, "it is left in peace");
        assert_eq!(world.count("SELECT COUNT(*) FROM hook_events").await, 0);
        // The provider comes again: that shows whether the plugin is well.
        world.clock.advance(1);
        let effects = vec![paid("pi_1", &invoice.to_string(), 999)];
        let taken = Taken::Accepted { status: 200, body: String::new() };
        assert_eq!(stage.hook(event("evt_1", effects)).await, taken);
        let shown = ana.api().get_invoice(&invoice.to_string()).await.unwrap();
        assert_eq!(shown.row.state, InvoiceState::Paid);
        world.tire(stage.plugin).await;
        assert_eq!(report().await, away(30), "what went well began anew");

        world.stop(stage.plugin).await;
        let asked = stage.asked(is_call);
        assert_eq!(report().await, away(600));
        world.clock.advance(REST_MS);
        assert_eq!(report().await, away(600), "it waits for an operator");
        stage.olga.api().disable_plugin(&plugin).await.unwrap();
        assert_eq!(report().await, away(600));
        assert_eq!(stage.asked(is_call), asked);
        stage.olga.api().enable_plugin(&plugin).await.unwrap();
        assert_eq!(stage.hook(event("evt_2", Vec::new())).await, taken);
    }

    async fn who_pays_or_gives_back_is_told_that_the_plugin_is_away(world) {
        let stage = Stage::new(&world).await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        stage.pays(&ana, "pi_1").await;
        let payment = stage.olga.api().list_payments(None).await.unwrap().rows[0].id.to_string();
        let begun = bob.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&bob, begun).await;
        let yves = world.customer("yves").await;
        let invoice = yves.api().choose_plan(&stage.plan).await.unwrap();
        let plugin = stage.plugin.to_string();
        let asked = stage.asked(is_call);
        let refused = async |what: &str| {
            let back = RefundPayment { amount: "1".to_owned(), reason: String::new() };
            for refused in [
                stage.try_begin(&yves, invoice).await.map(drop),
                bob.api().check_payment(&begun.to_string()).await,
                stage.olga.api().refund_payment(&payment, back).await,
            ] {
                let error = refused.unwrap_err();
                assert_eq!(error.status(), 503, "{error}");
                assert!(error.to_string().contains(what), "{error}");
            }
        };
        world.tire(stage.plugin).await;
        refused("does not work at the moment: try again in a few minutes").await;
        world.stop(stage.plugin).await;
        refused("is stopped until the people who run this service look at it").await;
        stage.olga.api().disable_plugin(&plugin).await.unwrap();
        refused("the people who run this service have switched it off").await;
        assert_eq!(stage.asked(is_call), asked, "nobody asked it");
        let shown = yves.api().get_invoice(&invoice.to_string()).await.unwrap();
        assert!(shown.checkout.is_none(), "nothing was begun");
        stage.olga.api().enable_plugin(&plugin).await.unwrap();
        stage.begin(&yves, invoice).await;
    }

    async fn who_cancels_is_not_held_up_and_the_provider_is_told_later(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        stage.links(&ana, "ana").await;
        let told = || stage.asked(|it| matches!(it, Call::CancelSubscription { .. }));
        world.tire(stage.plugin).await;
        for _ in 0..2 {
            ana.api().cancel_subscription().await.unwrap();
        }
        assert!(ana.api().billing().await.unwrap().subscription.unwrap().ends);
        tasks::round(&world.context).await.unwrap();
        assert_eq!(told(), 0, "it rests");
        world.clock.advance(10 * 60_000);
        while tasks::round(&world.context).await.unwrap() {}
        assert_eq!(told(), 1);
    }
}
