//! Reports of a provider that are lost: it is asked before anything ends.

use myrelay_app::contract::{BillingContract, SubscriptionState, SubscriptionView};
use myrelay_plugin_host::{
    billing_types::{Effect, Failure},
    types::ErrorKind,
};

use super::stage::{Stage, collected, event, failed};
use crate::{
    context::Caller,
    outbox,
    payments::tasks,
    plugins,
    testing::{Actor, World, stories},
};

const DAY: i64 = 86_400_000;
const SUB: &str = "sub_1";

/// A customer whose paid month is over now, and for whom the provider collects.
async fn due<'a>(world: &'a World, stage: &Stage<'_>) -> (Actor<'a>, i64) {
    let ana = world.customer("ana").await;
    stage.subscribes(&ana, SUB, "pi_1").await;
    let until = held(&ana).await.paid_until.unwrap();
    world.clock.advance(until - world.context.now() - 1);
    round(world).await;
    assert_eq!(stage.asked_about(SUB), 0, "it is paid for");
    world.clock.advance(1);
    (ana, until)
}

async fn held(who: &Actor<'_>) -> SubscriptionView {
    who.api().billing().await.unwrap().subscription.unwrap()
}

async fn state(who: &Actor<'_>) -> SubscriptionState {
    held(who).await.state
}

/// Its paid time is over, and it did not end.
async fn still_served(who: &Actor<'_>) -> bool {
    let view = who.api().billing().await.unwrap();
    !view.unpaid && view.subscription.unwrap().state != SubscriptionState::Ended
}

async fn round(world: &World) {
    while tasks::round(&world.context).await.unwrap() {}
}

async fn told(world: &World, event: &str) -> usize {
    let names = outbox::names(&world.context).await;
    names.iter().filter(|it| *it == event).count()
}

/// Whatever the provider is asked, it does not answer.
fn is_silent(world: &World) {
    for _ in 0..100 {
        world.host.fails(ErrorKind::Unavailable);
    }
}

stories! {
    async fn a_renewal_that_nobody_reported_is_found_when_the_paid_time_is_over(world) {
        let stage = Stage::new(&world).await;
        let (ana, first) = due(&world, &stage).await;
        stage.answers(vec![collected(SUB, "pi_2", None)]);
        round(&world).await;
        assert_eq!(held(&ana).await.paid_until, Some(first + 28 * DAY));
        assert_eq!(state(&ana).await, SubscriptionState::Active);
        // It is reported after all, and answered once more.
        stage.hook(event("late", vec![collected(SUB, "pi_2", None)])).await;
        for _ in 0..5 {
            stage.answers(vec![collected(SUB, "pi_2", None)]);
            world.clock.advance(DAY);
            round(&world).await;
        }
        assert_eq!(stage.asked_about(SUB), 1, "it is paid for");
        assert_eq!(held(&ana).await.paid_until, Some(first + 28 * DAY));
        assert_eq!(world.count("SELECT COUNT(*) FROM payments").await, 2);
        let entries = "SELECT COUNT(*) FROM ledger_entries WHERE kind = 'payment'";
        assert_eq!(world.count(entries).await, 2);
        assert_eq!(told(&world, "subscription.renewed").await, 1);
        assert_eq!(world.count("SELECT CAST(SUM(minor) AS BIGINT) FROM ledger_lines").await, 0);
    }

    async fn what_the_provider_did_not_collect_ends_after_it_said_so(world) {
        let stage = Stage::new(&world).await;
        let (ana, _) = due(&world, &stage).await;
        for day in 1..=3 {
            round(&world).await;
            round(&world).await;
            assert_eq!(stage.asked_about(SUB), day, "once a day");
            assert!(still_served(&ana).await);
            world.clock.advance(DAY);
        }
        round(&world).await;
        assert_eq!(stage.asked_about(SUB), 4, "and once more before it ends");
        assert_eq!(state(&ana).await, SubscriptionState::Ended);
        assert_eq!(told(&world, "subscription.ended").await, 1);
        world.clock.advance(9 * DAY);
        round(&world).await;
        assert_eq!(stage.asked_about(SUB), 4);
    }

    async fn a_portal_that_was_away_asks_before_it_ends_anything(world) {
        let stage = Stage::new(&world).await;
        let (ana, first) = due(&world, &stage).await;
        world.clock.advance(5 * DAY);
        stage.answers(vec![collected(SUB, "pi_2", None)]);
        round(&world).await;
        assert_eq!(held(&ana).await.paid_until, Some(first + 28 * DAY), "no day is given away");
        assert_eq!(told(&world, "subscription.ended").await, 0);
    }

    async fn a_provider_that_does_not_answer_neither_ends_anything_at_once_nor_gives_for_ever(world) {
        let stage = Stage::new(&world).await;
        let (ana, _) = due(&world, &stage).await;
        is_silent(&world);
        for _ in 0..6 {
            round(&world).await;
            assert!(still_served(&ana).await);
            world.clock.advance(DAY);
        }
        assert!(6 <= stage.asked_about(SUB));
        round(&world).await;
        assert_eq!(state(&ana).await, SubscriptionState::Ended);
        assert_eq!(told(&world, "subscription.ended").await, 1);
    }

    async fn a_provider_that_answers_late_is_believed(world) {
        let stage = Stage::new(&world).await;
        let (ana, first) = due(&world, &stage).await;
        is_silent(&world);
        for _ in 0..5 {
            round(&world).await;
            world.clock.advance(DAY);
        }
        assert_eq!(state(&ana).await, SubscriptionState::PastDue);
        world.host.forget();
        stage.answers(vec![collected(SUB, "pi_2", None)]);
        round(&world).await;
        assert_eq!(held(&ana).await.paid_until, Some(first + 28 * DAY));
        assert_eq!(world.count("SELECT COUNT(*) FROM payments").await, 2);
    }

    async fn nobody_is_asked_where_the_plugin_is_gone(world) {
        let stage = Stage::new(&world).await;
        let (ana, _) = due(&world, &stage).await;
        plugins::take_away(&world.context, stage.plugin, true).await.unwrap();
        world.clock.advance(3 * DAY - 1);
        round(&world).await;
        assert_eq!(state(&ana).await, SubscriptionState::PastDue);
        world.clock.advance(1);
        round(&world).await;
        assert_eq!(state(&ana).await, SubscriptionState::Ended);
    }

    async fn a_failure_that_is_answered_each_day_is_told_once(world) {
        let stage = Stage::new(&world).await;
        let (ana, _) = due(&world, &stage).await;
        let Caller::Account(account) = ana.caller else { panic!() };
        let failed = |next: Option<u64>| {
            let (account, next_attempt_at) = (Some(account.to_string()), next);
            let failure = Failure { account, next_attempt_at, ..failed("pi_2", None) };
            vec![Effect::PaymentFailed(failure)]
        };
        stage.hook(event("e1", failed(Some(1)))).await;
        for (next, count) in [(Some(1), 1), (Some(1), 1), (None, 2), (None, 2)] {
            stage.answers(failed(next));
            round(&world).await;
            assert_eq!(told(&world, "payment.failed").await, count, "{next:?}");
            world.clock.advance(DAY);
        }
        assert_eq!(state(&ana).await, SubscriptionState::Ended);
    }
}
