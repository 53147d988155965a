//! The whole way with nothing played: a customer, our own Stripe plugin in a real host, and a
//! provider that speaks as Stripe does.

use std::{
    collections::BTreeMap,
    env, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use myrelay_app::contract::{
    AddPlan, BillingContract, CheckoutStep, InvoiceState, PlanContract, RefundPayment,
    SubscriptionState, SubscriptionView,
};
use myrelay_fake_providers::{Event, Fake, Fault, Flaw, Stripe, StripeOptions};
use myrelay_plugin_host::{Grants, Manifest, PluginSecret};
use serde_json::json;

use crate::{
    api::Api,
    context::Context,
    outbox,
    payments::{Hook, Taken, receive, tasks},
    plugins::{self, Input, Runtime, install},
    testing::{BEGIN, World},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/stripe");
const KEY: &str = "rk_test_0123456789abcdef";
const SIGNING: &str = "whsec_0123456789abcdef";
const DAY_S: u64 = 86_400;

/// What time it is at the provider of each story, in seconds.
static NOW_S: [AtomicU64; 5] = [const { AtomicU64::new(BEGIN.unsigned_abs() / 1000) }; 5];

fn now<const STORY: usize>() -> u64 {
    NOW_S[STORY].load(Ordering::SeqCst)
}

/// So many days later, here and at the provider.
fn later<const STORY: usize>(world: &World, days: u64) {
    NOW_S[STORY].fetch_add(days * DAY_S, Ordering::SeqCst);
    world.clock.advance(i64::try_from(days * DAY_S).unwrap() * 1000);
}

/// A portal with a host of its own, and the plugin in it.
struct Shop {
    context: Context,
    stripe: Stripe,
    plugin: String,
    token: String,
}

impl Shop {
    /// None where `cargo xtask test plugins` did not build the plugin.
    async fn open(world: &World, now: fn() -> u64) -> Option<Self> {
        let Some(folder) = env::var_os("MYRELAY_TEST_PLUGINS") else {
            println!("skipped: no MYRELAY_TEST_PLUGINS; run it by `cargo xtask test plugins`");
            return None;
        };
        let component = fs::read(PathBuf::from(folder).join("myrelay_plugin_stripe.wasm")).unwrap();
        let test = env::current_exe().unwrap();
        let compiler = test.ancestors().nth(2).unwrap().join("myrelay-plugin-compile");
        let cache = world.dir.path().join("compiled");
        let runtime = Runtime::in_a_process(compiler, cache, Vec::new(), None);
        let context = world.portal_with(runtime).await;
        let options = StripeOptions {
            api_key: KEY.to_owned(),
            webhook_secret: SIGNING.to_owned(),
            webhook_url: None,
            port: 0,
            now,
        };
        let stripe = Stripe::start(options).await.unwrap();
        let (plugin, ready) = install(&context, input(component, &stripe)).await.unwrap();
        ready.unwrap();
        let found = plugins::get(&context, &plugin.to_string()).await.unwrap();
        let url = plugins::hook_url(&context, &found).unwrap().unwrap();
        let token = url.split('/').nth_back(1).unwrap().to_owned();
        Some(Self { context, stripe, plugin: plugin.to_string(), token })
    }

    fn api(&self, caller: crate::context::Caller) -> Api {
        Api::new(self.context.clone(), caller, "req_test".to_owned())
    }

    /// What the provider reports, as it signs it.
    async fn report(&self, event: &Event, flaw: Flaw) -> Taken {
        let (headers, body) = self.stripe.sign(event, flaw);
        let hook = Hook {
            path: "events".to_owned(),
            query: String::new(),
            headers,
            body,
            ip: IpAddr::from([127, 0, 0, 1]),
        };
        receive(&self.context, &self.token, hook).await.unwrap()
    }

    /// All of them, each twice and the last one first.
    async fn report_all(&self, events: &[Event]) {
        for event in events.iter().rev().chain(events) {
            let taken = self.report(event, Flaw::None).await;
            let fine = matches!(taken, Taken::Accepted { .. } | Taken::Ignored);
            assert!(fine, "{}: {taken:?}", event.kind());
        }
        self.rounds().await;
    }

    async fn rounds(&self) {
        while tasks::round(&self.context).await.unwrap() {}
    }

    /// Chooses the plan and goes to the provider's page; answers the checkout's id there.
    async fn go_to_pay(&self, who: &Api) -> String {
        let plan = who.billing().await.unwrap().offers[0].id.to_string();
        let invoice = who.choose_plan(&plan).await.unwrap().to_string();
        // The provider stumbles: the customer tries once more, and there is one checkout.
        self.stripe.fail(Fault::HangupAfter);
        assert_eq!(who.begin_checkout(&invoice, &self.plugin).await.unwrap_err().status(), 503);
        let step = who.begin_checkout(&invoice, &self.plugin).await.unwrap();
        let CheckoutStep::Redirect(page) = step else { panic!("{step:?}") };
        assert!(page.starts_with(&self.stripe.pages_url()), "{page}");
        self.text("SELECT provider_id FROM checkouts ORDER BY id DESC LIMIT 1").await
    }

    /// How often customers were told of this.
    async fn told(&self, event: &str) -> usize {
        let names = outbox::names(&self.context).await;
        names.iter().filter(|it| *it == event).count()
    }

    /// Pays for the plan, whose next months the provider collects; answers its id there.
    async fn subscribe(&self, world: &World, who: &Api) -> String {
        let session = self.go_to_pay(who).await;
        self.report_all(&self.stripe.pay(&session)).await;
        // How the checkout stands is asked once more, and not any more then.
        world.clock.advance(60_000);
        self.rounds().await;
        self.text("SELECT provider_id FROM subscriptions").await
    }

    async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(self.context.database.read()).await.unwrap()
    }
}

/// A plan for a month.
async fn sell(olga: &Api) {
    let plan = AddPlan {
        name: "Large".to_owned(),
        pods: "5".to_owned(),
        devices_per_pod: "10".to_owned(),
        price: "9.99".to_owned(),
        currency: "EUR".to_owned(),
        interval: "month".to_owned(),
        ..AddPlan::default()
    };
    olga.add_plan(plan).await.unwrap();
}

async fn held(who: &Api) -> SubscriptionView {
    who.billing().await.unwrap().subscription.unwrap()
}

impl Shop {
    /// Their card ran out: they change it on a page of the provider's, by another address each time.
    async fn lets_change_how_they_pay(&self, who: &Api) {
        let offered = who.billing().await.unwrap().provider_page.unwrap();
        assert_eq!((&*offered.name, offered.hosts), ("Stripe", vec!["127.0.0.1".to_owned()]));
        let page = who.provider_page().await.unwrap();
        assert!(page.starts_with(&format!("{}/p/session/", self.stripe.pages_url())), "{page}");
        assert_ne!(who.provider_page().await.unwrap(), page);
    }
}

/// The plugin, allowed to reach this provider and nothing else.
fn input(component: Vec<u8>, stripe: &Stripe) -> Input {
    let file = |name: &str| fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
    let port = stripe.port();
    let here = format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    let manifest = file("plugin.toml")
        .replace("\nhost = \"api.stripe.com\"\n", &here)
        .replace("\"api.stripe.com\"", "\"127.0.0.1\"")
        .replace("\"checkout.stripe.com\", \"billing.stripe.com\"", "\"127.0.0.1\"");
    let mut grants = Grants::all_asked(&Manifest::parse(&manifest).unwrap());
    for grant in &mut grants.http {
        grant.private = vec![format!("127.0.0.1/32:{port}").parse().unwrap()];
    }
    let secret = |text: &str| PluginSecret::new(text.to_owned()).unwrap();
    let secrets = [("api_key", secret(KEY)), ("webhook_secret", secret(SIGNING))];
    Input {
        manifest,
        component,
        schema: Some(file("config.schema.json")),
        settings: Some(json!({ "api_url": stripe.url() }).to_string()),
        secrets: secrets
            .map(|(name, it)| (name.to_owned(), it))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        grants,
        test_mode: true,
        publisher: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_subscribes_renews_and_gets_their_money_back() {
    let world = World::on_sqlite().await;
    let Some(shop) = Shop::open(&world, now::<0>).await else { return };
    let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
    let (olga, ana) = (shop.api(olga.caller), shop.api(ana.caller));
    sell(&olga).await;
    let session = shop.go_to_pay(&ana).await;
    let events = shop.stripe.pay(&session);
    for flaw in [Flaw::OtherSecret, Flaw::OtherBody, Flaw::Stale] {
        let taken = shop.report(&events[0], flaw).await;
        assert!(matches!(taken, Taken::Rejected(_)), "{taken:?}");
    }
    shop.report_all(&events).await;
    let first = held(&ana).await;
    assert_eq!(first.state, SubscriptionState::Active);
    assert_eq!(first.renews_by.as_deref(), Some("Stripe"), "it collects by itself");
    assert_eq!(olga.list_payments(None).await.unwrap().rows.len(), 1);
    shop.lets_change_how_they_pay(&ana).await;

    // A month later it collects, and reports that too.
    later::<0>(&world, 31);
    let subscription = shop.text("SELECT provider_id FROM subscriptions").await;
    shop.report_all(&shop.stripe.renew(&subscription, true)).await;
    assert_eq!(held(&ana).await.paid_until, first.paid_until.map(|it| it + 28 * 86_400_000));
    let payments = olga.list_payments(None).await.unwrap().rows;
    assert_eq!(payments.len(), 2);

    // Nobody wants it any more: the provider is told, and one payment goes back.
    ana.cancel_subscription().await.unwrap();
    shop.rounds().await;
    assert_eq!(shop.stripe.object(&subscription)["cancel_at_period_end"], json!(true));
    let last = payments[0].id.to_string();
    let all = RefundPayment { amount: "9.99".to_owned(), reason: "they asked".to_owned() };
    olga.refund_payment(&last, all).await.unwrap();
    assert_eq!(olga.get_payment(&last).await.unwrap().refunded.minor, 999);
    assert_eq!(held(&ana).await.state, SubscriptionState::Ended);
    let sum = "SELECT CAST(SUM(minor) AS BIGINT) FROM ledger_lines";
    assert_eq!(world.count(sum).await, 0);
    let kept = world.stored_text().await;
    assert!(!kept.contains(KEY) && !kept.contains(SIGNING));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_stripe_reports_to_nobody_keeps_the_plan() {
    let world = World::on_sqlite().await;
    let Some(shop) = Shop::open(&world, now::<1>).await else { return };
    let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
    let (olga, ana) = (shop.api(olga.caller), shop.api(ana.caller));
    sell(&olga).await;
    let subscription = shop.subscribe(&world, &ana).await;
    let first = held(&ana).await.paid_until.unwrap();
    later::<1>(&world, 31);
    let lost = shop.stripe.renew(&subscription, true);
    shop.rounds().await;
    let second = held(&ana).await;
    assert_eq!(second.state, SubscriptionState::Active);
    assert_eq!(second.paid_until, Some(first + 28 * 86_400_000));
    assert_eq!(olga.list_payments(None).await.unwrap().rows.len(), 2);
    // It is reported after all.
    shop.report_all(&lost).await;
    assert_eq!(held(&ana).await, second);
    assert_eq!(olga.list_payments(None).await.unwrap().rows.len(), 2);
    let entries = "SELECT COUNT(*) FROM ledger_entries WHERE kind = 'payment'";
    assert_eq!(world.count(entries).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_stripe_cannot_collect_is_told_and_ends_after_the_grace() {
    let world = World::on_sqlite().await;
    let Some(shop) = Shop::open(&world, now::<2>).await else { return };
    let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
    let (olga, ana) = (shop.api(olga.caller), shop.api(ana.caller));
    sell(&olga).await;
    let subscription = shop.subscribe(&world, &ana).await;
    later::<2>(&world, 31);
    shop.report_all(&shop.stripe.renew(&subscription, false)).await;
    for day in 0..3 {
        let view = ana.billing().await.unwrap();
        let state = view.subscription.map(|it| it.state);
        assert_eq!(state, Some(SubscriptionState::PastDue), "day {day}");
        assert_eq!((view.plan.as_str(), view.unpaid), ("Large", false), "day {day}");
        later::<2>(&world, 1);
        shop.rounds().await;
    }
    assert_eq!(held(&ana).await.state, SubscriptionState::Ended);
    assert!(ana.billing().await.unwrap().unpaid);
    assert_eq!(shop.stripe.object(&subscription)["status"], json!("canceled"));
    // Stripe was asked each day, and said each day that it failed.
    assert_eq!(shop.told("payment.failed").await, 1);
    assert_eq!(shop.told("subscription.past_due").await, 1);
    assert_eq!(shop.told("subscription.ended").await, 1);
    assert_eq!(olga.list_payments(None).await.unwrap().rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_fails_at_stripe_makes_nothing_active_and_is_tried_again() {
    let world = World::on_sqlite().await;
    let Some(shop) = Shop::open(&world, now::<3>).await else { return };
    let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
    let (olga, ana) = (shop.api(olga.caller), shop.api(ana.caller));
    sell(&olga).await;
    let first = shop.go_to_pay(&ana).await;
    shop.report_all(&shop.stripe.pay_slowly(&first)).await;
    let invoice = ana.billing().await.unwrap().invoices[0].id.to_string();
    let shown = async || ana.get_invoice(&invoice).await.unwrap();
    assert_eq!(shown().await.row.state, InvoiceState::Pending);
    shop.report_all(&shop.stripe.settle(&first, false)).await;
    let failed = shown().await;
    assert_eq!((failed.row.state, failed.checkout), (InvoiceState::Open, None));
    assert_eq!(failed.failure.as_deref(), Some("the saved method was refused"));
    assert_eq!(shop.told("payment.failed").await, 1);
    assert_eq!(held(&ana).await.state, SubscriptionState::Pending);
    let second = shop.go_to_pay(&ana).await;
    assert_ne!(second, first);
    shop.report_all(&shop.stripe.pay(&second)).await;
    assert_eq!(held(&ana).await.state, SubscriptionState::Active);
    assert_eq!((shown().await.row.state, shown().await.failure), (InvoiceState::Paid, None));
    assert_eq!(olga.list_payments(None).await.unwrap().rows.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_read_what_the_process_of_plugins_did() {
    let world = World::on_sqlite().await;
    let Some(shop) = Shop::open(&world, now::<4>).await else { return };
    let event = Event(json!({ "id": "evt_1", "type": "charge.refunded", "livemode": false }));
    for _ in 0..2 {
        let taken = shop.report(&event, Flaw::OtherSecret).await;
        assert!(matches!(taken, Taken::Rejected(_)), "{taken:?}");
    }
    let families = plugins::numbers(&shop.context).await.unwrap();
    let read = |name: &str, label: &str| {
        let family = families.iter().find(|it| it.name == name).unwrap();
        let is = |it: &&plugins::Sample| {
            label.is_empty() || it.labels.iter().any(|(_, value)| value == label)
        };
        family.samples.iter().find(is).unwrap().value.parse::<f64>().unwrap()
    };
    assert_eq!(read("myrelay_plugin_host_starts_total", "").to_string(), "1");
    assert_eq!(read("myrelay_plugin_calls_total", "rejected").to_string(), "2");
    assert!(0.0 < read("myrelay_plugin_cpu_seconds_total", "dev.myrelay.stripe"));
    assert!(f64::from(1 << 20) < read("myrelay_plugin_memory_peak_bytes", "dev.myrelay.stripe"));
}
