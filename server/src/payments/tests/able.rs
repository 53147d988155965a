//! What payers can do: they are asked rarely and side by side, and one that hangs or fails hides no
//! other.

use std::time::Duration;

use myrelay_app::contract::{BillingContract, PayerAway, PluginContract, PluginState};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{Answer, Failure, LimitName, types::ErrorKind};

use super::stage::{Stage, event, refund};
use crate::{
    plugins::{
        self, Input,
        testing::{self, FAILURES, Outcome},
    },
    testing::stories,
};

/// How long a plugin rests at first, in milliseconds.
const REST_MS: i64 = 30_000;

/// The host ended its call.
fn too_slow() -> Outcome {
    let detail = "2 s by the clock".to_owned();
    testing::with(Err(Failure::Limit { name: LimitName::Wall, detail }), Vec::new())
}

async fn failures(stage: &Stage<'_>, plugin: InstallationId) -> u32 {
    let found = plugins::get(&stage.world.context, &plugin.to_string()).await.unwrap();
    found.health.failures
}

stories! {
    async fn a_payer_that_hangs_hides_no_other_and_rests_when_it_fails_on(world) {
        let stage = Stage::new(&world).await;
        let slow = world.payer("dev.example.slow").await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap().to_string();
        let methods = async || {
            let view = ana.api().get_invoice(&invoice).await.unwrap();
            (view.methods.iter().map(|it| it.id).collect::<Vec<_>>(), view.away)
        };
        world.host.able(slow, too_slow);
        let held = world.host.holds(slow);
        assert_eq!(methods().await, (vec![stage.plugin], None));
        // Whoever looks meanwhile asks no second time.
        assert_eq!(methods().await, (vec![stage.plugin], None));
        assert_eq!((world.host.asked_able(slow), failures(&stage, slow).await), (1, 0));
        // The question goes on when nobody waits for it, and what it comes to counts.
        drop(held);
        let counted = async {
            while failures(&stage, slow).await == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), counted).await.expect("it counts");
        for number in 2..=FAILURES {
            assert_eq!(methods().await, (vec![stage.plugin], None));
            assert_eq!(failures(&stage, slow).await, number);
        }
        let view = stage.olga.api().get_plugin(&slow.to_string()).await.unwrap();
        assert_eq!(view.row.state, PluginState::Resting);
        let failed = view.calls.iter().filter(|it| it.call == "get-capabilities");
        let said: Vec<_> = failed.filter_map(|it| it.failure.as_deref()).collect();
        let often = usize::try_from(FAILURES).unwrap();
        assert_eq!(said, vec!["limit Wall: 2 s by the clock"; often]);
        // It rests: nobody asks it.
        assert_eq!(methods().await, (vec![stage.plugin], None));
        assert_eq!(world.host.asked_able(slow), often);

        // Nothing is left, and the page says why: this one is back before long.
        stage.olga.api().disable_plugin(&stage.plugin.to_string()).await.unwrap();
        assert_eq!(methods().await, (Vec::new(), Some(PayerAway::Silent)));
        // After its rest it is asked, and says what it can.
        world.clock.advance(REST_MS);
        world.host.able(slow, || testing::with(Ok(Answer::Capabilities(testing::able())), Vec::new()));
        assert_eq!(methods().await, (vec![slow], None));
        assert_eq!(failures(&stage, slow).await, FAILURES, "that says nothing of its provider");
    }

    async fn who_finds_no_way_to_pay_reads_whether_that_is_a_matter_of_minutes(world) {
        let stage = Stage::new(&world).await;
        let olga = stage.olga.api();
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap().to_string();
        let sees = async || {
            let view = ana.api().get_invoice(&invoice).await.unwrap();
            (view.methods.len(), view.away)
        };
        let (one, other) = (stage.plugin, world.payer("dev.example.other").await);
        assert_eq!(sees().await, (2, None));
        // One of two is enough to pay, whatever became of the other.
        world.stop(other).await;
        assert_eq!(sees().await, (1, None));
        world.tire(one).await;
        assert_eq!(sees().await, (0, Some(PayerAway::Silent)), "that one is back before long");
        olga.disable_plugin(&one.to_string()).await.unwrap();
        assert_eq!(sees().await, (0, Some(PayerAway::Stopped)));
        world.clock.advance(REST_MS);
        assert_eq!(sees().await, (0, Some(PayerAway::Stopped)), "it waits for an operator");
        olga.disable_plugin(&other.to_string()).await.unwrap();
        assert_eq!(sees().await, (0, Some(PayerAway::Disabled)));
        for plugin in [one, other] {
            plugins::take_away(&world.context, plugin, true).await.unwrap();
        }
        assert_eq!(sees().await, (0, None), "nobody set one up");
    }

    async fn operators_read_which_plugin_gives_nothing_back_now(world) {
        let stage = Stage::new(&world).await;
        let olga = stage.olga.api();
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        let payment = olga.list_payments(None).await.unwrap().rows[0].id.to_string();
        let sees = async || {
            let row = olga.get_payment(&payment).await.unwrap();
            (row.can_refund, row.away)
        };
        let plugin = stage.plugin;
        assert_eq!(sees().await, (true, None));
        world.tire(plugin).await;
        assert_eq!(sees().await, (false, Some((plugin, PayerAway::Silent))));
        world.stop(plugin).await;
        assert_eq!(sees().await, (false, Some((plugin, PayerAway::Stopped))));
        olga.disable_plugin(&plugin.to_string()).await.unwrap();
        assert_eq!(sees().await, (false, Some((plugin, PayerAway::Disabled))));
        olga.enable_plugin(&plugin.to_string()).await.unwrap();
        assert_eq!(sees().await, (true, None));
        // Where all of it went back, nobody asks.
        stage.hook(event("e1", vec![refund("re_1", "pi_1", 999)])).await;
        world.stop(plugin).await;
        assert_eq!(sees().await, (false, None));
        plugins::take_away(&world.context, plugin, true).await.unwrap();
        assert_eq!(sees().await, (false, None));
    }

    async fn what_a_payer_can_do_is_asked_once_a_minute(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        let asked = || world.host.asked_able(stage.plugin);
        assert_eq!(asked(), 1, "to begin the checkout");
        let olga = stage.olga.api();
        let bob = world.customer("bob").await;
        let invoice = bob.api().choose_plan(&stage.plan).await.unwrap();
        for _ in 0..2 {
            assert_eq!(bob.api().get_invoice(&invoice.to_string()).await.unwrap().methods.len(), 1);
            assert!(olga.list_payments(None).await.unwrap().rows[0].can_refund);
        }
        stage.begin(&bob, invoice).await;
        assert_eq!(asked(), 1);
        world.clock.advance(60_000);
        assert!(olga.list_payments(None).await.unwrap().rows[0].can_refund);
        assert!(olga.list_payments(None).await.unwrap().rows[0].can_refund);
        assert_eq!(asked(), 2);
        // Another version may be able to do something else.
        let next = testing::payer("dev.example.pay");
        let manifest = next.manifest.replace("1.2.3", "2.0.0");
        let next = Input { manifest, secrets: Default::default(), ..next };
        plugins::install(&world.context, next).await.unwrap().1.unwrap();
        world.host.able(stage.plugin, || testing::failed(ErrorKind::Unavailable, None));
        let row = &olga.list_payments(None).await.unwrap().rows[0];
        let away = Some((stage.plugin, PayerAway::Silent));
        assert_eq!((row.can_refund, row.away, asked()), (false, away, 3));
        // A failure is not remembered as an answer.
        olga.list_payments(None).await.unwrap();
        assert_eq!(asked(), 4);
        let said = || testing::with(Ok(Answer::Done), Vec::new());
        world.host.able(stage.plugin, said);
        assert_eq!(olga.list_payments(None).await.unwrap().rows[0].away, away, "it is no answer");
        assert_eq!(failures(&stage, stage.plugin).await, 3);
    }
}
