//! A portal that ends at every step of what has to do with money: another one goes on, and each
//! thing counts once.

use std::net::IpAddr;

use myrelay_app::contract::{BillingContract, PortalError, RefundPayment};
use myrelay_plugin_host::Call;

use super::stage::{Stage, collected, event, paid, refund};
use crate::{
    context::{Caller, Context},
    payments::{Hook, Taken, receive, tasks},
    testing::{Actor, World, api, stories},
};

/// More steps than any of these take.
const MOST: u64 = 40;
const MONTH_MS: i64 = 31 * 86_400_000;

async fn report(portal: &Context, stage: &Stage<'_>) -> crate::Result<Taken> {
    let hook = Hook {
        path: "events".to_owned(),
        query: String::new(),
        headers: Vec::new(),
        body: b"{}".to_vec(),
        ip: IpAddr::from([192, 0, 2, 1]),
    };
    receive(portal, stage.token(), hook).await
}

/// The provider's next two reports are this one: it comes again, since nobody took it.
fn twice(world: &World, id: &str, effect: &myrelay_plugin_host::billing_types::Effect) {
    for _ in 0..2 {
        let outcome = event(id, vec![effect.clone()]);
        world.host.answers(move |_| outcome);
    }
}

async fn count(world: &World, sql: &'static str, expected: u64) {
    assert_eq!(world.count(sql).await, i64::try_from(expected).unwrap(), "{sql}");
    assert_eq!(
        world.count("SELECT CAST(COALESCE(SUM(minor), 0) AS BIGINT) FROM ledger_lines").await,
        0
    );
}

/// A customer who was sent to a checkout and comes back.
async fn at_the_checkout<'a>(
    world: &'a World,
    stage: &Stage<'_>,
    number: u64,
) -> (Actor<'a>, String) {
    world.host.forget();
    let who = world.customer(&format!("c{number}")).await;
    let invoice = who.api().choose_plan(&stage.plan).await.unwrap();
    stage.begin(&who, invoice).await;
    (who, invoice.to_string())
}

/// A customer for whom the provider collects, as it is called there.
async fn subscribed<'a>(world: &'a World, stage: &Stage<'_>, name: &str) -> (Actor<'a>, String) {
    let (who, subscription) = (world.customer(name).await, format!("sub_{name}"));
    stage.subscribes(&who, &subscription, &format!("pi_{name}")).await;
    world.host.forget();
    (who, subscription)
}

/// Some time after what is paid for is over.
async fn wait_over(world: &World, who: &Actor<'_>, after_ms: i64) {
    let held = who.api().billing().await.unwrap().subscription.unwrap();
    world.clock.advance(held.paid_until.unwrap() - world.context.now() + after_ms);
}

/// Another portal goes on, once nobody holds what the first one had taken.
async fn go_on(world: &World, next: &Context) {
    world.clock.advance(10 * 60_000);
    while tasks::round(next).await.unwrap() {}
    count(world, "SELECT COUNT(*) FROM provider_tasks", 0).await;
}

/// That a provider was told to end a subscription, now or later, by requests that it takes for one.
fn told_once(world: &World, id: &str, later: bool) {
    let heard = world.host.heard();
    let mut told: Vec<_> = heard
        .iter()
        .filter_map(|it| match &it.call {
            Call::CancelSubscription { subscription, at_period_end } if subscription == id => {
                assert_eq!(*at_period_end, later, "{id}");
                Some(it.delivery_id.clone())
            }
            _ => None,
        })
        .collect();
    told.dedup();
    assert_eq!(told.len(), 1, "{id}: {told:?}");
}

stories! {
    async fn a_report_counts_once_whatever_step_the_portal_ends_at(world) {
        let stage = Stage::new(&world).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let (who, invoice) = at_the_checkout(&world, &stage, step).await;
            twice(&world, &format!("evt_{step}"), &paid(&format!("pi_{step}"), &invoice, 999));
            let done = world.steps().end_at(step, report(&world.context, &stage)).await;
            // It was not answered: the provider sends it again, to whoever is there.
            let taken = Taken::Accepted { status: 200, body: String::new() };
            assert_eq!(report(&next, &stage).await.unwrap(), taken);
            count(&world, "SELECT COUNT(*) FROM payments", step).await;
            count(&world, "SELECT COUNT(*) FROM ledger_entries WHERE kind = 'payment'", step).await;
            count(&world, "SELECT COUNT(*) FROM subscriptions WHERE began_at IS NOT NULL", step).await;
            assert!(!api(&next, who.caller).billing().await.unwrap().unpaid);
            if let Some(done) = done {
                assert_eq!(done.unwrap(), taken);
                assert!(3 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_checkout_is_one_whatever_step_the_portal_ends_at(world) {
        let stage = Stage::new(&world).await;
        let next = world.another_portal().await;
        let plugin = stage.plugin.to_string();
        for step in 1..MOST {
            let who = world.customer(&format!("c{step}")).await;
            let invoice = who.api().choose_plan(&stage.plan).await.unwrap().to_string();
            world.host.forget();
            let portal = api(&world.mortal_portal().await, who.caller);
            let done = world.steps().end_at(step, portal.begin_checkout(&invoice, &plugin)).await;
            // The customer presses the button once more.
            api(&next, who.caller).begin_checkout(&invoice, &plugin).await.unwrap();
            let heard = world.host.heard();
            let mut references: Vec<_> = heard.iter().filter_map(|it| match &it.call {
                Call::BeginCheckout(it) => Some(it.client_reference.clone()),
                _ => None,
            }).collect();
            references.dedup();
            assert_eq!(references.len(), 1, "step {step}: the provider makes one of it");
            count(&world, "SELECT COUNT(*) FROM checkouts WHERE provider_id IS NOT NULL", step).await;
            if done.is_some() {
                assert!(3 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_refund_goes_back_once_whatever_step_the_portal_ends_at(world) {
        let stage = Stage::new(&world).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let (_, invoice) = at_the_checkout(&world, &stage, step).await;
            let id = format!("pi_{step}");
            stage.hook(event(&format!("evt_{step}"), vec![paid(&id, &invoice, 999)])).await;
            let payments = stage.olga.api().list_payments(None).await.unwrap().rows;
            let fresh = payments.iter().find(|it| it.refunded.minor == 0);
            let payment = fresh.unwrap().id.to_string();
            let input = || RefundPayment { amount: "9.99".to_owned(), reason: String::new() };
            // What the plugin says of it is the same in every try: the provider knows it by its key.
            for _ in 0..2 {
                stage.answers(vec![refund(&format!("re_{step}"), &id, 999)]);
            }
            let portal = api(&world.mortal_portal().await, stage.olga.caller);
            let done = world.steps().end_at(step, portal.refund_payment(&payment, input())).await;
            let again = api(&next, stage.olga.caller).refund_payment(&payment, input()).await;
            let is_over = |it: &PortalError| matches!(it, PortalError::Invalid { field, .. } if field == "amount");
            assert!(again.as_ref().err().is_none_or(is_over), "{again:?}");
            count(&world, "SELECT COUNT(*) FROM refunds", step).await;
            count(&world, "SELECT COUNT(*) FROM ledger_entries WHERE kind = 'refund'", step).await;
            if done.is_some() {
                assert!(2 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn what_is_not_paid_ends_once_whatever_step_the_portal_ends_at(world) {
        let stage = Stage::new(&world).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let who = world.customer(&format!("c{step}")).await;
            world.host.forget();
            stage.pays(&who, &format!("pi_{step}")).await;
            world.clock.advance(2 * MONTH_MS);
            let done = world.steps().end_at(step, tasks::round(&world.context)).await;
            world.clock.advance(10 * 60_000);
            tasks::round(&next).await.unwrap();
            count(&world, "SELECT COUNT(*) FROM subscriptions WHERE ended_at IS NOT NULL", step).await;
            count(&world, "SELECT COUNT(*) FROM outbox WHERE kind = 'subscription.ended'", step).await;
            count(&world, "SELECT COUNT(*) FROM outbox WHERE kind = 'subscription.past_due'", step).await;
            if done.is_some() {
                assert!(3 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_renewal_that_is_asked_about_counts_once_whatever_step_the_portal_ends_at(world) {
        let stage = Stage::new(&world).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let (who, subscription) = subscribed(&world, &stage, &format!("c{step}")).await;
            wait_over(&world, &who, 0).await;
            // The provider says the same to whoever asks.
            for _ in 0..3 {
                stage.answers(vec![collected(&subscription, &format!("pi_{step}"), None)]);
            }
            let done = world.steps().end_at(step, tasks::round(&world.context)).await;
            go_on(&world, &next).await;
            assert!(0 < stage.asked_about(&subscription));
            count(&world, "SELECT COUNT(*) FROM payments", 2 * step).await;
            count(&world, "SELECT COUNT(*) FROM ledger_entries WHERE kind = 'payment'", 2 * step).await;
            count(&world, "SELECT COUNT(*) FROM outbox WHERE kind = 'subscription.renewed'", step).await;
            count(&world, "SELECT COUNT(*) FROM subscriptions WHERE ended_at IS NULL", 1).await;
            assert!(!api(&next, who.caller).billing().await.unwrap().unpaid);
            let Caller::Account(account) = who.caller else { panic!() };
            world.host.forget();
            stage.olga.api().end_subscription(&account.to_string()).await.unwrap();
            go_on(&world, &next).await;
            if done.is_some() {
                assert!(5 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn what_was_not_collected_ends_once_whatever_step_the_portal_ends_at(world) {
        let stage = Stage::new(&world).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let (who, subscription) = subscribed(&world, &stage, &format!("c{step}")).await;
            wait_over(&world, &who, 3 * 86_400_000).await;
            let done = world.steps().end_at(step, tasks::round(&world.context)).await;
            go_on(&world, &next).await;
            assert!(0 < stage.asked_about(&subscription));
            told_once(&world, &subscription, false);
            count(&world, "SELECT COUNT(*) FROM subscriptions WHERE ended_at IS NOT NULL", step).await;
            count(&world, "SELECT COUNT(*) FROM outbox WHERE kind = 'subscription.ended'", step).await;
            count(&world, "SELECT COUNT(*) FROM outbox WHERE kind = 'subscription.past_due'", step).await;
            if done.is_some() {
                assert!(6 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }

    async fn a_provider_is_told_of_an_end_once_whatever_step_the_portal_ends_at(world) {
        let stage = Stage::new(&world).await;
        let next = world.another_portal().await;
        for step in 1..MOST {
            let (ana, now) = subscribed(&world, &stage, &format!("ana{step}")).await;
            let (bob, later) = subscribed(&world, &stage, &format!("bob{step}")).await;
            let Caller::Account(account) = ana.caller else { panic!() };
            stage.olga.api().end_subscription(&account.to_string()).await.unwrap();
            bob.api().cancel_subscription().await.unwrap();
            let done = world.steps().end_at(step, tasks::round(&world.context)).await;
            go_on(&world, &next).await;
            told_once(&world, &now, false);
            told_once(&world, &later, true);
            count(&world, "SELECT COUNT(*) FROM subscriptions WHERE ended_at IS NOT NULL", step).await;
            count(&world, "SELECT COUNT(*) FROM subscriptions WHERE cancelled_at IS NOT NULL", step).await;
            if done.is_some() {
                assert!(8 < step, "{step} steps");
                return;
            }
        }
        panic!("it takes more than {MOST} steps");
    }
}
