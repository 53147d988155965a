//! A provider that collects by itself takes some hours for it: until then nothing ran out.

use myrelay_app::contract::{BillingContract, SubscriptionState};
use myrelay_domain::ids::InvoiceId;
use myrelay_plugin_host::{
    Call,
    billing_types::{Effect, Failure},
};

use super::stage::{Stage, collected, event, failed};
use crate::{
    context::Caller,
    outbox,
    payments::tasks,
    testing::{Actor, World, stories},
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const SUB: &str = "sub_1";

/// What was told of the end, in order.
async fn told(world: &World) -> Vec<String> {
    let ends = ["subscription.past_due", "payment.failed", "subscription.ended"];
    let names = outbox::names(&world.context).await;
    names.into_iter().filter(|it| ends.contains(&it.as_str())).collect()
}

async fn state(who: &Actor<'_>) -> SubscriptionState {
    who.api().billing().await.unwrap().subscription.unwrap().state
}

async fn round(world: &World) {
    while tasks::round(&world.context).await.unwrap() {}
}

/// Time goes by to so long after the end of what is paid, and the portal looks at the last moment.
async fn until(world: &World, end: i64, after: i64) {
    world.clock.advance(end + after - world.context.now());
    round(world).await;
}

/// A customer for whom the provider collects, and the end of what is paid.
async fn subscribed<'a>(world: &'a World, stage: &Stage<'_>) -> (Actor<'a>, i64) {
    let ana = world.customer("ana").await;
    stage.subscribes(&ana, SUB, "pi_1").await;
    let held = ana.api().billing().await.unwrap().subscription.unwrap();
    (ana, held.paid_until.unwrap())
}

/// A payment for this account failed.
fn told_failed(who: &Actor<'_>, id: &str, invoice: Option<InvoiceId>) -> Vec<Effect> {
    let Caller::Account(account) = who.caller else { panic!() };
    let account = Some(account.to_string());
    vec![Effect::PaymentFailed(Failure { account, ..failed(id, invoice) })]
}

stories! {
    async fn what_is_collected_an_hour_late_never_ran_out(world) {
        let stage = Stage::new(&world).await;
        let (ana, end) = subscribed(&world, &stage).await;
        for minutes in [0, 5, 30, 60] {
            until(&world, end, minutes * 60_000).await;
            let view = ana.api().billing().await.unwrap();
            let held = view.subscription.unwrap();
            assert_eq!(held.state, SubscriptionState::Active, "{minutes} minutes");
            // Whoever pays by hand now would pay twice.
            assert_eq!((held.can_renew, view.unpaid), (false, false), "{minutes} minutes");
        }
        let refused = ana.api().renew_subscription().await.unwrap_err();
        assert!(refused.to_string().contains("is collected by itself"), "{refused}");
        stage.hook(event("e2", vec![collected(SUB, "pi_2", None)])).await;
        for day in 0..27 {
            until(&world, end, day * DAY + 2 * HOUR).await;
            assert_eq!(state(&ana).await, SubscriptionState::Active, "day {day}");
        }
        assert_eq!(told(&world).await, [""; 0]);
        // The next period is waited for as this one was.
        let end = ana.api().billing().await.unwrap().subscription.unwrap().paid_until.unwrap();
        until(&world, end, 3 * HOUR - 1).await;
        assert_eq!(told(&world).await, [""; 0]);
        until(&world, end, 3 * HOUR).await;
        assert_eq!(told(&world).await, ["subscription.past_due"]);
    }

    async fn nobody_is_told_before_their_provider_was_asked_however_many_there_are(world) {
        let stage = Stage::new(&world).await;
        let mut end = 0;
        for number in 0..25 {
            let who = world.customer(&format!("c{number}")).await;
            stage.subscribes(&who, &format!("sub_{number}"), &format!("pi_{number}")).await;
            let held = who.api().billing().await.unwrap().subscription.unwrap();
            end = held.paid_until.unwrap();
        }
        // The portal was away for the night.
        world.clock.advance(end + 12 * HOUR - world.context.now());
        let asked = || stage.asked(|it| matches!(it, Call::Reconcile(_)));
        let before = asked();
        while tasks::round(&world.context).await.unwrap() {
            assert_eq!(told(&world).await.len(), asked() - before, "who was asked, and nobody else");
        }
        assert_eq!((told(&world).await.len(), asked() - before), (25, 25));
    }

    async fn what_is_not_collected_ran_out_after_three_hours_and_ends_when_it_always_did(world) {
        let stage = Stage::new(&world).await;
        let (ana, end) = subscribed(&world, &stage).await;
        until(&world, end, 0).await;
        until(&world, end, 3 * HOUR - 1).await;
        assert_eq!((state(&ana).await, told(&world).await), (SubscriptionState::Active, Vec::new()));
        assert_eq!(stage.asked_about(SUB), 1);
        until(&world, end, 3 * HOUR).await;
        assert_eq!(stage.asked_about(SUB), 2, "before anybody is told");
        for _ in 0..2 {
            assert_eq!(state(&ana).await, SubscriptionState::PastDue);
            assert_eq!(told(&world).await, ["subscription.past_due"]);
            round(&world).await;
        }
        let held = ana.api().billing().await.unwrap().subscription.unwrap();
        assert_eq!((held.can_renew, held.stops_at), (true, Some(end + 3 * DAY)));
        until(&world, end, 3 * DAY - 1).await;
        assert_eq!(state(&ana).await, SubscriptionState::PastDue);
        until(&world, end, 3 * DAY).await;
        assert_eq!(state(&ana).await, SubscriptionState::Ended);
        assert!(ana.api().billing().await.unwrap().unpaid);
        assert_eq!(told(&world).await, ["subscription.past_due", "subscription.ended"]);
    }

    async fn a_renewal_that_nobody_reported_is_found_before_anybody_is_told(world) {
        let stage = Stage::new(&world).await;
        let (ana, end) = subscribed(&world, &stage).await;
        until(&world, end, 0).await;
        // It was collected an hour later, and the report was lost.
        stage.answers(vec![collected(SUB, "pi_2", None)]);
        until(&world, end, 3 * HOUR).await;
        assert_eq!(stage.asked_about(SUB), 2);
        assert_eq!((state(&ana).await, told(&world).await), (SubscriptionState::Active, Vec::new()));
        // So it is where the portal was away all the while.
        let end = ana.api().billing().await.unwrap().subscription.unwrap().paid_until.unwrap();
        stage.answers(vec![collected(SUB, "pi_3", None)]);
        until(&world, end, 20 * HOUR).await;
        assert_eq!((state(&ana).await, told(&world).await), (SubscriptionState::Active, Vec::new()));
    }

    async fn a_payment_that_fails_meanwhile_is_told_at_once_and_not_waited_for(world) {
        let stage = Stage::new(&world).await;
        let (ana, end) = subscribed(&world, &stage).await;
        // One that failed while it was paid for says nothing of its end.
        stage.hook(event("e2", told_failed(&ana, "pi_0", None))).await;
        until(&world, end, HOUR).await;
        assert_eq!(state(&ana).await, SubscriptionState::Active);
        assert_eq!(told(&world).await, ["payment.failed"]);
        for report in ["e3", "e4"] {
            stage.hook(event(report, told_failed(&ana, "pi_2", None))).await;
            round(&world).await;
            assert_eq!(told(&world).await[1..], ["payment.failed", "subscription.past_due"]);
        }
        let held = ana.api().billing().await.unwrap().subscription.unwrap();
        assert_eq!((held.state, held.can_renew), (SubscriptionState::PastDue, true));
        assert_eq!(held.stops_at, Some(end + 3 * DAY), "no hour later or sooner");
        until(&world, end, 4 * HOUR).await;
        assert_eq!(told(&world).await.len(), 3, "it was told");
        // The card works after all.
        stage.hook(event("e5", vec![collected(SUB, "pi_2", None)])).await;
        assert_eq!(state(&ana).await, SubscriptionState::Active);
    }

    async fn a_payment_for_another_plan_that_fails_says_nothing_of_the_one_that_runs(world) {
        let stage = Stage::new(&world).await;
        let (ana, end) = subscribed(&world, &stage).await;
        let larger = stage.larger().await;
        until(&world, end, HOUR).await;
        let invoice = ana.api().choose_plan(&larger).await.unwrap();
        stage.begin(&ana, invoice).await;
        stage.hook(event("e2", told_failed(&ana, "pi_2", Some(invoice)))).await;
        round(&world).await;
        assert_eq!(told(&world).await, ["payment.failed"]);
    }

    async fn who_stopped_renewing_is_told_at_once_and_so_is_who_pays_by_hand(world) {
        let stage = Stage::new(&world).await;
        let (ana, end) = subscribed(&world, &stage).await;
        ana.api().cancel_subscription().await.unwrap();
        until(&world, end, 0).await;
        assert_eq!(stage.asked(|it| matches!(it, Call::CancelSubscription { .. })), 1);
        assert_eq!(state(&ana).await, SubscriptionState::PastDue);
        assert_eq!(told(&world).await, ["subscription.past_due"]);
        let bob = world.customer("bob").await;
        stage.pays(&bob, "pi_bob").await;
        let end = bob.api().billing().await.unwrap().subscription.unwrap().paid_until.unwrap();
        until(&world, end, -1).await;
        let before = told(&world).await.len();
        assert_eq!(state(&bob).await, SubscriptionState::Active);
        until(&world, end, 0).await;
        assert_eq!(state(&bob).await, SubscriptionState::PastDue);
        assert_eq!(told(&world).await[before..], ["subscription.past_due"]);
    }
}
