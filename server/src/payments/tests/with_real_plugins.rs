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
    AddPlan, BillingContract, CheckoutStep, PlanContract, RefundPayment, SubscriptionState,
};
use myrelay_fake_providers::{Event, Fake, Fault, Flaw, Stripe, StripeOptions};
use myrelay_plugin_host::{Grants, Manifest, PluginSecret};
use serde_json::json;

use crate::{
    api::Api,
    context::Context,
    payments::{Hook, Taken, receive, tasks},
    plugins::{self, Input, Runtime, install},
    testing::{BEGIN, World},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/stripe");
const KEY: &str = "rk_test_0123456789abcdef";
const SIGNING: &str = "whsec_0123456789abcdef";
const DAY_S: u64 = 86_400;

/// What time it is at the provider, in seconds.
static NOW_S: AtomicU64 = AtomicU64::new(BEGIN.unsigned_abs() / 1000);

/// A portal with a host of its own, and the plugin in it.
struct Shop {
    context: Context,
    stripe: Stripe,
    plugin: String,
    token: String,
}

impl Shop {
    /// None where `cargo xtask test plugins` did not build the plugin.
    async fn open(world: &World) -> Option<Self> {
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
            now: || NOW_S.load(Ordering::SeqCst),
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
        while tasks::round(&self.context).await.unwrap() {}
    }
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
    let Some(shop) = Shop::open(&world).await else { return };
    let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
    let (olga, ana) = (shop.api(olga.caller), shop.api(ana.caller));
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
    let plan = ana.billing().await.unwrap().offers[0].id.to_string();
    let invoice = ana.choose_plan(&plan).await.unwrap().to_string();

    // The provider stumbles: the customer tries once more, and there is one checkout.
    shop.stripe.fail(Fault::HangupAfter);
    assert_eq!(ana.begin_checkout(&invoice, &shop.plugin).await.unwrap_err().status(), 503);
    let step = ana.begin_checkout(&invoice, &shop.plugin).await.unwrap();
    let CheckoutStep::Redirect(page) = step else { panic!("{step:?}") };
    assert!(page.starts_with(&shop.stripe.pages_url()), "{page}");
    let session: String = sqlx::query_scalar("SELECT provider_id FROM checkouts")
        .fetch_one(shop.context.database.read())
        .await
        .unwrap();

    let events = shop.stripe.pay(&session);
    for flaw in [Flaw::OtherSecret, Flaw::OtherBody, Flaw::Stale] {
        let taken = shop.report(&events[0], flaw).await;
        assert!(matches!(taken, Taken::Rejected(_)), "{taken:?}");
    }
    shop.report_all(&events).await;
    let held = async || ana.billing().await.unwrap().subscription.unwrap();
    let first = held().await;
    assert_eq!(first.state, SubscriptionState::Active);
    assert_eq!(first.renews_by.as_deref(), Some("Stripe"), "it collects by itself");
    assert_eq!(olga.list_payments(None).await.unwrap().rows.len(), 1);
    shop.lets_change_how_they_pay(&ana).await;

    // A month later it collects, and reports that too.
    NOW_S.fetch_add(31 * DAY_S, Ordering::SeqCst);
    world.clock.advance(31 * 86_400_000);
    let subscription: String = sqlx::query_scalar("SELECT provider_id FROM subscriptions")
        .fetch_one(shop.context.database.read())
        .await
        .unwrap();
    shop.report_all(&shop.stripe.renew(&subscription, true)).await;
    assert_eq!(held().await.paid_until, first.paid_until.map(|it| it + 28 * 86_400_000));
    let payments = olga.list_payments(None).await.unwrap().rows;
    assert_eq!(payments.len(), 2);

    // Nobody wants it any more: the provider is told, and one payment goes back.
    ana.cancel_subscription().await.unwrap();
    while tasks::round(&shop.context).await.unwrap() {}
    assert_eq!(shop.stripe.object(&subscription)["cancel_at_period_end"], json!(true));
    let last = payments[0].id.to_string();
    let all = RefundPayment { amount: "9.99".to_owned(), reason: "they asked".to_owned() };
    olga.refund_payment(&last, all).await.unwrap();
    assert_eq!(olga.get_payment(&last).await.unwrap().refunded.minor, 999);
    assert_eq!(held().await.state, SubscriptionState::Ended);
    let sum = "SELECT CAST(SUM(minor) AS BIGINT) FROM ledger_lines";
    assert_eq!(world.count(sum).await, 0);
    let kept = world.stored_text().await;
    assert!(!kept.contains(KEY) && !kept.contains(SIGNING));
}

#[tokio::test(flavor = "multi_thread")]
async fn monitors_read_what_the_process_of_plugins_did() {
    let world = World::on_sqlite().await;
    let Some(shop) = Shop::open(&world).await else { return };
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
