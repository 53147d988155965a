//! What providers and their customers get at the doors: when to come again, and where to go.

use axum::{body::Body, http::Request};
use myrelay_app::contract::{AddPlan, BillingContract, PlanContract};
use myrelay_plugin_host::{
    Answer, billing,
    billing_types::{Effect, Payment},
    types::Money,
    webhooks::{self, Accepted},
};

use super::{Answer as Answered, Browser, Portal};
use crate::{
    plugins::{self, testing},
    testing::World,
};

/// The address at which the provider of this plugin reports.
async fn hook(world: &World, plugin: &str) -> String {
    let found = plugins::get(&world.context, plugin).await.unwrap();
    let url = plugins::hook_url(&world.context, &found).unwrap().unwrap();
    url.strip_prefix(super::URL).unwrap().to_owned()
}

async fn report(browser: &mut Browser, hook: &str) -> Answered {
    browser.send(Request::post(hook).body(Body::from("{}")).unwrap()).await
}

#[tokio::test]
async fn a_provider_is_told_when_to_come_again() {
    let portal = Portal::open().await;
    let world = &portal.world;
    let plugin = world.payer("dev.example.pay").await;
    let hook = hook(world, &plugin.to_string()).await;
    let mut provider = portal.browser();
    let well = report(&mut provider, &hook).await;
    assert_eq!((well.status, well.header("retry-after")), (400, ""), "nobody signed it");
    world.tire(plugin).await;
    let rests = report(&mut provider, &hook).await;
    assert_eq!((rests.status, rests.header("retry-after")), (503, "30"));
    world.stop(plugin).await;
    let stopped = report(&mut provider, &hook).await;
    assert_eq!((stopped.status, stopped.header("retry-after")), (503, "600"));
    plugins::hold_back(&world.context, plugin).await.unwrap();
    let disabled = report(&mut provider, &hook).await;
    assert_eq!((disabled.status, disabled.header("retry-after")), (503, "600"));
}

#[tokio::test]
async fn a_customer_is_led_to_the_providers_page_and_the_policy_lets_the_form_go_there() {
    let portal = Portal::open().await;
    let world = &portal.world;
    let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
    let plan = AddPlan {
        name: "Large".to_owned(),
        pods: "5".to_owned(),
        devices_per_pod: "10".to_owned(),
        price: "9.99".to_owned(),
        currency: "EUR".to_owned(),
        interval: "month".to_owned(),
        ..AddPlan::default()
    };
    olga.api().add_plan(plan).await.unwrap();
    let plan = ana.api().billing().await.unwrap().offers[0].id.to_string();
    let plugin = world.payer("dev.example.pay").await;
    world.host.able(plugin, || {
        let able = billing::Capabilities { hosted_portal: true, ..testing::able() };
        testing::with(Ok(Answer::Capabilities(able)), Vec::new())
    });
    let invoice = ana.api().choose_plan(&plan).await.unwrap().to_string();
    ana.api().begin_checkout(&invoice, &plugin.to_string()).await.unwrap();
    let policy = |page: &Answered| {
        let policy = page.header("content-security-policy").to_owned();
        policy.split("form-action ").nth(1).unwrap().split(';').next().unwrap().to_owned()
    };
    let mut browser = portal.signed_in("ana").await;
    let page = browser.get("/plan").await;
    assert_eq!(policy(&page), "'self'");
    assert!(!page.text().contains("/plan/provider"));
    let refused = browser.post("/plan/provider", &[]).await;
    assert!(refused.status == 409 && refused.text().contains("Nobody collects for your plan"));

    let money = |minor| Money { minor, currency: "EUR".to_owned() };
    let payment = Payment {
        provider_id: "pi_1".to_owned(),
        invoice: Some(invoice),
        account: None,
        subscription: Some("sub_1".to_owned()),
        amount: money(999),
        fee: None,
        occurred_at: world.context.now().unsigned_abs(),
    };
    let effects = vec![Effect::PaymentSucceeded(payment)];
    let event_id = "evt_1".to_owned();
    let accepted = Accepted { event_id, effects, status: None, body: None };
    let accepted = Answer::Webhook(webhooks::Outcome::Accepted(accepted));
    world.host.answers(move |_| testing::with(Ok(accepted), Vec::new()));
    let hook = hook(world, &plugin.to_string()).await;
    assert_eq!(report(&mut portal.browser(), &hook).await.status, 200);

    let page = browser.get("/plan").await;
    assert!(page.text().contains("action=\"/plan/provider\""));
    assert_eq!(
        policy(&page),
        "'self' https://pay.example.org:*",
        "no other page, and no other host"
    );
    assert_eq!(policy(&browser.get("/home").await), "'self'");
    let led = browser.post("/plan/provider", &[]).await;
    assert_eq!(led.status, 303);
    assert!(led.header("location").starts_with("https://pay.example.org/portal/acct_"));
    // Its plugin rests: the page says so, and offers nothing.
    world.tire(plugin).await;
    let away = browser.post("/plan/provider", &[]).await;
    assert_eq!(away.status, 503);
    assert!(away.text().contains("try again in a few minutes"));
    assert!(!browser.get("/plan").await.text().contains("/plan/provider"));
}
