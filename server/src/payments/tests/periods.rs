//! Periods: they run out, are renewed, collected by a provider, and end.

use myrelay_app::contract::{
    BillingContract, PeerContract, PodContract, PodState, SubscriptionState,
};
use myrelay_plugin_host::{
    Call,
    billing_types::{Effect, Payment},
};

use super::stage::{Stage, event, paid, payment, refund};
use crate::{
    context::Caller,
    desired_state, outbox,
    payments::tasks,
    testing::{TestNode, World, stories},
};

const DAY: i64 = 86_400_000;

/// How many devices a node is to serve.
async fn served(world: &World, node: &TestNode) -> usize {
    let state = desired_state::snapshot(&world.context, node.id).await.unwrap();
    state.pods.values().map(|it| it.peers.len()).sum()
}

stories! {
    async fn what_is_not_paid_for_rests_and_comes_back_as_it_was(world) {
        let stage = Stage::new(&world).await;
        let mut node = world.node(&stage.olga, "Berlin").await;
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        let pod = ana.pod("Berlin").await;
        node.report(&world).await;
        let before = ana.device(pod, 1).await;
        assert_eq!(served(&world, &node).await, 1);
        let view = async || ana.api().billing().await.unwrap();
        let state = async || view().await.subscription.unwrap().state;
        assert_eq!(ana.api().renew_subscription().await.unwrap_err().status(), 409, "too early");

        world.clock.advance(30 * DAY);
        tasks::round(&world.context).await.unwrap();
        tasks::round(&world.context).await.unwrap();
        let names = outbox::names(&world.context).await;
        let told = names.iter().filter(|it| *it == "subscription.expiring").count();
        assert_eq!(told, 1, "once");
        world.clock.advance(DAY);
        tasks::round(&world.context).await.unwrap();
        assert_eq!(state().await, SubscriptionState::PastDue);
        assert_eq!(served(&world, &node).await, 1, "there are three days more");
        world.clock.advance(3 * DAY);
        tasks::round(&world.context).await.unwrap();
        assert_eq!(state().await, SubscriptionState::Ended);
        assert!(view().await.unpaid);
        let pods = ana.api().home().await.unwrap().pods;
        assert_eq!(pods[0].state, PodState::Unpaid);
        assert_eq!(served(&world, &node).await, 0);
        let names = outbox::names(&world.context).await;
        for name in ["subscription.past_due", "subscription.ended"] {
            assert_eq!(names.iter().filter(|it| *it == name).count(), 1, "{name}");
        }
        // They can sign in, and pay.
        stage.pays(&ana, "pi_2").await;
        assert_eq!(state().await, SubscriptionState::Active);
        assert_eq!(served(&world, &node).await, 1);
        let after = ana.api().get_peer(&before.peer.id.to_string()).await.unwrap();
        assert_eq!(after.config, before.config, "nobody needs another configuration");
    }

    async fn a_period_that_is_paid_early_begins_where_the_last_one_ends(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        let until = async || ana.api().billing().await.unwrap().subscription.unwrap().paid_until;
        let first = until().await.unwrap();
        assert_eq!(first, crate::testing::BEGIN + 31 * DAY);
        world.clock.advance(20 * DAY);
        let invoice = stage.pays(&ana, "pi_2").await;
        assert_eq!(until().await.unwrap(), first + 28 * DAY, "the 1st of March");
        let period = ana.api().get_invoice(&invoice.to_string()).await.unwrap().period;
        assert_eq!(period, Some((first, first + 28 * DAY)));
    }

    async fn a_provider_that_collects_is_told_when_nobody_wants_it_any_more(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let Caller::Account(account) = ana.caller else { panic!() };
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        let collected = |id: &str, invoice: Option<String>| {
            vec![Effect::PaymentSucceeded(Payment {
                invoice,
                account: Some(account.to_string()),
                subscription: Some("sub_1".to_owned()),
                ..payment(id, 999)
            })]
        };
        stage.hook(event("e1", collected("pi_1", Some(invoice.to_string())))).await;
        let held = async || ana.api().billing().await.unwrap().subscription.unwrap();
        assert_eq!(held().await.renews_by.as_deref(), Some("Plugin dev.example.pay"));
        let first = held().await.paid_until.unwrap();
        world.clock.advance(31 * DAY);
        stage.hook(event("e2", collected("pi_2", None))).await;
        assert_eq!(held().await.paid_until, Some(first + 28 * DAY));
        assert_eq!(ana.api().billing().await.unwrap().invoices.len(), 2);

        ana.api().cancel_subscription().await.unwrap();
        ana.api().cancel_subscription().await.unwrap();
        assert!(held().await.ends);
        while tasks::round(&world.context).await.unwrap() {}
        let cancels = |it: &Call| matches!(it, Call::CancelSubscription { .. });
        assert_eq!(stage.asked(cancels), 1);
        let Some(Call::CancelSubscription { subscription, at_period_end }) = stage.last(cancels)
        else { panic!() };
        assert_eq!((&*subscription, at_period_end), ("sub_1", true));
        // It is over, and something comes all the same: it is not lost.
        world.clock.advance(40 * DAY);
        tasks::round(&world.context).await.unwrap();
        assert_eq!(held().await.state, SubscriptionState::Ended);
        stage.hook(event("e3", collected("pi_3", None))).await;
        let credit = ana.api().billing().await.unwrap().credit;
        assert_eq!(credit.iter().map(ToString::to_string).collect::<Vec<_>>(), ["9.99 EUR"]);
        // It pays for what is chosen next.
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        assert_eq!(ana.api().get_invoice(&invoice.to_string()).await.unwrap().due.minor, 0);
        stage.begin(&ana, invoice).await;
        assert_eq!(held().await.state, SubscriptionState::Active);
        assert!(ana.api().billing().await.unwrap().credit.is_empty());
    }

    async fn a_payment_that_goes_back_whole_ends_what_it_paid(world) {
        let stage = Stage::new(&world).await;
        let mut node = world.node(&stage.olga, "Berlin").await;
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        let pod = ana.pod("Berlin").await;
        node.report(&world).await;
        ana.device(pod, 1).await;
        stage.hook(event("e1", vec![refund("re_1", "pi_1", 998)])).await;
        assert_eq!(served(&world, &node).await, 1, "it is not all of it");
        stage.hook(event("e2", vec![refund("re_2", "pi_1", 1)])).await;
        assert_eq!(served(&world, &node).await, 0);
        let view = ana.api().billing().await.unwrap();
        let held = view.subscription.unwrap();
        let told = (held.state, held.paid_until);
        assert_eq!(told, (SubscriptionState::Ended, Some(world.context.now())), "not a day later");
        assert!(view.unpaid && view.credit.is_empty());
    }

    async fn another_plan_takes_the_place_when_it_is_paid(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        assert_eq!(ana.api().choose_plan(&stage.plan).await.unwrap_err().status(), 409);
        let larger = stage.larger().await;
        let invoice = ana.api().choose_plan(&larger).await.unwrap();
        stage.begin(&ana, invoice).await;
        let plan = async || ana.api().billing().await.unwrap().plan;
        assert_eq!(plan().await, "Large");
        let effects = vec![paid("pi_2", &invoice.to_string(), 1999)];
        stage.hook(event("e2", effects)).await;
        assert_eq!(plan().await, "Larger");
        let live = "SELECT COUNT(*) FROM subscriptions WHERE ended_at IS NULL";
        assert_eq!(world.count(live).await, 1);
    }

    async fn a_payment_that_came_twice_goes_back_without_harm(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = stage.pays(&ana, "pi_1").await.to_string();
        stage.hook(event("e1", vec![paid("pi_2", &invoice, 999)])).await;
        let view = async || ana.api().billing().await.unwrap();
        assert_eq!(view().await.credit.len(), 1);
        stage.hook(event("e2", vec![refund("re_1", "pi_2", 999)])).await;
        let state = view().await.subscription.unwrap().state;
        assert_eq!((state, view().await.credit.len()), (SubscriptionState::Active, 0));
        stage.hook(event("e3", vec![refund("re_2", "pi_1", 999)])).await;
        assert_eq!(view().await.subscription.unwrap().state, SubscriptionState::Ended);
    }

    async fn credit_pays_for_the_next_period_before_anything_stops(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = stage.pays(&ana, "pi_1").await.to_string();
        stage.hook(event("e1", vec![paid("pi_2", &invoice, 999)])).await;
        world.clock.advance(35 * DAY);
        tasks::round(&world.context).await.unwrap();
        let view = ana.api().billing().await.unwrap();
        let held = view.subscription.unwrap();
        assert_eq!((held.state, view.credit.len()), (SubscriptionState::Active, 0));
        // It was overdue: the period that is paid begins now.
        assert!(world.context.now() + 27 * DAY < held.paid_until.unwrap());
        // What was paid with that credit ends when it goes back.
        stage.hook(event("e2", vec![refund("re_1", "pi_2", 999)])).await;
        let view = ana.api().billing().await.unwrap();
        assert!(view.credit.is_empty() && view.unpaid);
    }

    async fn a_provider_that_collects_for_what_is_over_is_told(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        world.clock.advance(31 * DAY);
        tasks::round(&world.context).await.unwrap();
        assert!(ana.api().billing().await.unwrap().subscription.is_none(), "it was never paid for");
        let late = Payment {
            invoice: Some(invoice.to_string()),
            subscription: Some("sub_1".to_owned()),
            ..payment("pi_1", 999)
        };
        stage.hook(event("e1", vec![Effect::PaymentSucceeded(late)])).await;
        while tasks::round(&world.context).await.unwrap() {}
        let cancels = |it: &Call| matches!(it, Call::CancelSubscription { at_period_end, .. } if !at_period_end);
        assert_eq!(stage.asked(cancels), 1);
        assert_eq!(ana.api().billing().await.unwrap().credit.len(), 1, "and nothing is lost");
    }
}
