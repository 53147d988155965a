//! Stripe: the conformance of its plugin, and the stories that only Stripe tells.

use myrelay_fake_providers::{Event, Fake, Flaw, Receiver, Stripe, StripeOptions, post};
use myrelay_plugin_host::{
    Answer, Call, KvChange, KvCondition, KvWrite,
    billing::{CheckoutRequest, NextStep},
    billing_types::{DisputeState, Effect, Interval, Price, SubscriptionState},
    types::ErrorKind,
    webhooks,
};
use serde_json::json;

use crate::conformance::{
    Rig, beside,
    billing::{billing_conformance, odd_events_break_nothing, refund_conformance},
    provider::{
        NOW_S, Provider, account, begin, checkout, given_back, money, payments, refund, request,
        taken,
    },
};

const MANIFEST: &str = include_str!("../../../../../plugins/stripe/plugin.toml");
const KEY: &str = "rk_test_0123456789abcdef";
const SIGNING: &str = "whsec_0123456789abcdef";

type Story = crate::conformance::Story<Stripe>;

impl Provider for Story {
    const KEY: &str = "api_key";
    const TIMED: bool = true;

    async fn start() -> Option<Self> {
        let options = StripeOptions {
            api_key: KEY.to_owned(),
            webhook_secret: SIGNING.to_owned(),
            webhook_url: None,
            port: 0,
            now: || NOW_S,
        };
        let fake = Stripe::start(options).await.unwrap();
        let port = fake.port();
        let manifest = beside(MANIFEST, &["api.stripe.com"], port);
        let pages = r#""checkout.stripe.com", "billing.stripe.com""#;
        let manifest = manifest.replace(pages, r#""127.0.0.1""#);
        let config = json!({ "api_url": fake.url() });
        let secrets = [("api_key", KEY), ("webhook_secret", SIGNING)];
        let rig = Rig::new("stripe", &manifest, port, config, &secrets).await?;
        Some(Self { rig, fake })
    }

    fn pay(&self, checkout: &str) -> Vec<Event> {
        self.fake.pay(checkout)
    }

    fn sign(&self, event: &Event, flaw: Flaw) -> (Vec<(String, String)>, Vec<u8>) {
        self.fake.sign(event, flaw)
    }

    fn asked(&self, checkout: &str) -> String {
        let session = self.fake.object(checkout);
        format!("{} {}", session["amount_total"], session["currency"].as_str().unwrap())
    }

    fn counted(minor: i64, currency: &str) -> String {
        // Króna have hundredths with Stripe, and nowhere else.
        let minor = if currency == "ISK" { minor * 100 } else { minor };
        format!("{minor} {}", currency.to_lowercase())
    }
}

billing_conformance!(Story);
refund_conformance!(Story);

impl Story {
    /// A checkout that was paid, and the payment's id.
    async fn paid(&self, minor: i64) -> String {
        let checkout = begin(&self.rig, checkout(&money(minor, "EUR"))).await;
        payments(&self.told(self.fake.pay(&checkout.provider_id)).await)[0].provider_id.clone()
    }

    async fn state(&self, events: Vec<Event>) -> Vec<(SubscriptionState, bool, u64)> {
        let of = |it: Effect| match it {
            Effect::SubscriptionChanged(it) => {
                Some((it.state, it.cancel_at_period_end, it.observed_at))
            }
            _ => None,
        };
        self.told(events).await.into_iter().filter_map(of).collect()
    }
}

fn location(answer: &str) -> Option<&str> {
    answer.lines().find_map(|it| it.strip_prefix("location: "))
}

/// A form's button, as a browser without JavaScript presses it.
async fn press(page: &str, button: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (place, path) = page.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(place).await.unwrap();
    let head = format!("POST /{path}/{button} HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n");
    stream.write_all(format!("{head}content-length: 0\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_customer_pays_on_the_providers_page_and_comes_back() {
    let Some(story) = Story::start().await else { return };
    let hooks = Receiver::start(0).await.unwrap();
    story.fake.send_to(&format!("{}/events", hooks.url()));
    let checkout = begin(&story.rig, checkout(&money(1200, "EUR"))).await;
    let NextStep::Redirect(page) = &checkout.step else { panic!("{checkout:?}") };
    assert!(page.starts_with(&story.fake.pages_url()), "{page}");
    assert_eq!(checkout.expires_at, (NOW_S + 86_400) * 1000);
    let (page, rest) = page.split_once('#').unwrap();
    assert_eq!(rest, "fid".repeat(200), "what the page needs of it");
    let page = page.replace(&story.fake.pages_url(), &story.fake.url());

    let answer = press(&page, "cancel").await;
    assert_eq!(location(&answer), Some("https://portal.example.org/invoices"), "{answer}");
    assert!(hooks.asked().is_empty(), "who goes back has paid nothing");

    let answer = press(&page, "pay").await;
    assert_eq!(location(&answer), Some("https://portal.example.org/paid"), "{answer}");
    let asked = hooks.asked();
    let [hook] = &asked[..] else { panic!("{asked:?}") };
    let headers = hook.headers.iter();
    let headers = headers.map(|(name, it)| (name.to_string(), it.to_str().unwrap().to_owned()));
    let request = request((headers.collect(), hook.body.to_vec()));
    let webhooks::Outcome::Accepted(accepted) = taken(&story.rig, request).await else { panic!() };
    let paid = payments(&accepted.effects);
    assert_eq!(paid[0].amount, money(1200, "EUR"));
    assert_eq!(paid[0].occurred_at, NOW_S * 1000);
    assert!(accepted.event_id.starts_with("evt_"));

    // Sent again, by itself or by hand: the receiver gets the same bytes.
    let event = story.fake.events().pop().unwrap();
    let status = story.fake.send(&format!("{}/events", hooks.url()), &event, Flaw::None).await;
    assert_eq!(status.unwrap(), 204);
    assert_eq!(hooks.asked()[1].body, hook.body);
}

#[tokio::test]
async fn what_takes_days_is_pending_until_it_is_settled() {
    let Some(mut story) = Story::start().await else { return };
    for (arrives, delivery) in [(true, "delivery-1"), (false, "delivery-2")] {
        story.rig.stage.delivery = delivery.to_owned();
        let id = begin(&story.rig, checkout(&money(1200, "EUR"))).await.provider_id;
        let begun = story.told(story.fake.pay_slowly(&id)).await;
        let [Effect::PaymentPending(pending)] = &begun[..] else { panic!("{begun:?}") };
        assert_eq!(
            (&pending.expected, pending.invoice.as_deref()),
            (&money(1200, "EUR"), Some("inv_1"))
        );
        let asked = story.rig.effects(Call::Reconcile(id.clone())).await;
        assert!(matches!(asked[..], [Effect::PaymentPending(_)]), "{asked:?}");
        let ended = story.told(story.fake.settle(&id, arrives)).await;
        match &ended[..] {
            [Effect::PaymentSucceeded(paid)] if arrives => {
                assert_eq!(paid.provider_id, pending.provider_id);
            }
            [Effect::PaymentFailed(failed)] if !arrives => {
                assert_eq!(failed.provider_id.as_ref(), Some(&pending.provider_id));
                assert!(failed.retryable && failed.invoice.as_deref() == Some("inv_1"));
            }
            other => panic!("{other:?}"),
        }
        // Who missed the event hears the same.
        let asked = story.rig.effects(Call::Reconcile(id)).await;
        let failed = matches!(&asked[..], [Effect::PaymentFailed(it)] if it.retryable);
        let paid = matches!(&asked[..], [Effect::PaymentSucceeded(_)]);
        assert_eq!((paid, failed), (arrives, !arrives), "{asked:?}");
    }
    story.rig.stage.delivery = "delivery-3".to_owned();
    let id = begin(&story.rig, checkout(&money(1200, "EUR"))).await.provider_id;
    let ended = story.told(story.fake.expire(&id)).await;
    assert_eq!(ended, [Effect::CheckoutExpired(id)]);
}

fn monthly(total: i64) -> CheckoutRequest {
    let price = Price {
        id: "price_1".to_owned(),
        product: "location".to_owned(),
        amount: money(960, "EUR"),
        interval: Interval::Month,
        interval_count: 1,
        metered: None,
    };
    CheckoutRequest { subscribe: Some(price), ..checkout(&money(total, "EUR")) }
}

#[tokio::test]
async fn a_subscription_by_a_debit_that_takes_days_has_not_failed() {
    let Some(story) = Story::start().await else { return };
    let checkout = begin(&story.rig, monthly(1200)).await.provider_id;
    let begun = story.told(story.fake.pay_slowly(&checkout)).await;
    let subscription = begun.iter().find_map(|it| match it {
        Effect::NeedsReconcile(id) => Some(id.clone()),
        _ => None,
    });
    for id in [subscription.unwrap(), checkout] {
        let asked = story.rig.effects(Call::Reconcile(id)).await;
        let pending = asked.iter().filter(|it| matches!(it, Effect::PaymentPending(_)));
        assert_eq!(pending.count(), 1, "{asked:?}");
        assert!(!asked.iter().any(|it| matches!(it, Effect::PaymentFailed(_))), "{asked:?}");
    }
}

#[tokio::test]
async fn a_subscription_renews_fails_and_ends() {
    let Some(story) = Story::start().await else { return };
    let portal = || Call::CustomerPortalUrl {
        account: account(),
        return_url: "https://portal.example.org/plan".to_owned(),
    };
    assert_eq!(story.rig.error(portal()).await.kind, ErrorKind::NotFound);

    let checkout = begin(&story.rig, monthly(1200)).await.provider_id;
    let began = story.told(story.fake.pay(&checkout)).await;
    let [paid] = &payments(&began)[..] else { panic!("{began:?}") };
    assert_eq!((paid.invoice.as_deref(), &paid.amount), (Some("inv_1"), &money(1200, "EUR")));
    let subscription = paid.subscription.clone().unwrap();
    assert!(began.contains(&Effect::NeedsReconcile(subscription.clone())));
    assert!(
        began.iter().any(|it| matches!(it, Effect::CustomerLinked(it) if it.account == "acct_1"))
    );

    // The account has a page now.
    let Answer::Url(url) = story.rig.answer(portal()).await else { panic!() };
    assert!(url.starts_with(&story.fake.pages_url()), "{url}");

    // Missed events are made up for.
    let asked = story.rig.effects(Call::Reconcile(checkout)).await;
    assert_eq!(payments(&asked), std::slice::from_ref(paid));
    let asked = story.rig.effects(Call::Reconcile(subscription.clone())).await;
    assert!(
        matches!(&asked[0], Effect::SubscriptionChanged(it) if it.state == SubscriptionState::Active)
    );
    assert_eq!(payments(&asked), std::slice::from_ref(paid));
    let asked = story.rig.effects(Call::Reconcile(paid.provider_id.clone())).await;
    assert_eq!(payments(&asked), std::slice::from_ref(paid));

    let renewed = story.told(story.fake.renew(&subscription, true)).await;
    let [next] = &payments(&renewed)[..] else { panic!("{renewed:?}") };
    assert_eq!((next.invoice.as_deref(), next.account.as_deref()), (None, Some("acct_1")));
    assert_ne!(next.provider_id, paid.provider_id);

    let refused = story.told(story.fake.renew(&subscription, false)).await;
    let [Effect::PaymentFailed(failed), Effect::SubscriptionChanged(now)] = &refused[..] else {
        panic!("{refused:?}")
    };
    assert_eq!(failed.next_attempt_at, Some((NOW_S + 86_400) * 1000));
    assert_eq!(now.state, SubscriptionState::PastDue);

    let cancel = |at_period_end| Call::CancelSubscription {
        subscription: subscription.clone(),
        at_period_end,
    };
    let ending = story.rig.effects(cancel(true)).await;
    assert!(matches!(&ending[..], [Effect::SubscriptionChanged(it)] if it.cancel_at_period_end));
    let ended = story.rig.effects(cancel(false)).await;
    assert!(
        matches!(&ended[..], [Effect::SubscriptionChanged(it)] if it.state == SubscriptionState::Canceled)
    );
    assert_eq!(story.rig.error(cancel(false)).await.kind, ErrorKind::NotFound);

    // Both events are of one second, and come the wrong way round: the end is still the later.
    let mut events = story.fake.events();
    let mut last = events.split_off(events.len() - 2);
    last.reverse();
    let states = story.state(last).await;
    let latest = states.iter().max_by_key(|it| it.2).unwrap();
    assert_eq!(latest.0, SubscriptionState::Canceled, "{states:?}");
}

#[tokio::test]
async fn what_stripe_cannot_count_is_not_asked_for() {
    let Some(story) = Story::start().await else { return };
    for (minor, currency) in [(12_345, "KWD"), (150, "MGA"), (i64::MAX, "UGX")] {
        let call = Call::BeginCheckout(Box::new(checkout(&money(minor, currency))));
        let error = story.rig.error(call).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{minor} {currency}: {error:?}");
    }
    assert_eq!(story.fake.asked().len(), 0);
}

#[tokio::test]
async fn a_customer_that_is_known_is_charged_as_such_as_long_as_there_is_one() {
    let Some(mut story) = Story::start().await else { return };
    let checkout = begin(&story.rig, monthly(1200)).await.provider_id;
    story.told(story.fake.pay(&checkout)).await;
    let known = story.fake.object(&checkout)["customer"].clone();
    story.rig.stage.delivery = "delivery-2".to_owned();
    let next = begin(&story.rig, monthly(1200)).await.provider_id;
    assert_eq!(story.fake.object(&next)["customer"], known);

    // The installation went from test keys to others, under which that customer never was.
    let Some(fresh) = Story::start().await else { return };
    let link = story.rig.stage.store.get("customer:acct_1").unwrap();
    let version = 1;
    fresh.rig.stage.store.apply(&[KvChange {
        key: "customer:acct_1".to_owned(),
        condition: KvCondition::Any,
        write: KvWrite::Put { value: link, version, expires_at_ms: None },
    }]);
    let first = begin(&fresh.rig, monthly(1200)).await.provider_id;
    assert_eq!(fresh.fake.object(&first)["customer"], json!(null));
}

#[tokio::test]
async fn a_subscription_is_never_cheaper_than_its_invoice_says() {
    let Some(story) = Story::start().await else { return };
    // 1,500 today, of which 1,200 again and again.
    let mut first = monthly(1500);
    first.invoice.lines[0].amount = money(1000, "EUR");
    first.invoice.lines[0].tax = money(200, "EUR");
    let session = begin(&story.rig, first).await.provider_id;
    let session = story.fake.object(&session);
    assert_eq!((&session["amount_total"], &session["each"]), (&json!(1500), &json!(1200)));
    let mut less = monthly(900);
    less.invoice.lines[0].amount = money(1000, "EUR");
    let mut metered = monthly(1200);
    metered.subscribe.as_mut().unwrap().metered = Some("bytes".to_owned());
    let mut once = monthly(1200);
    once.subscribe.as_mut().unwrap().interval = Interval::OneTime;
    for request in [less, metered, once] {
        let error = story.rig.error(Call::BeginCheckout(Box::new(request))).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{error:?}");
    }
}

#[tokio::test]
async fn refunds_and_disputes_are_told_as_they_go_on() {
    let Some(story) = Story::start().await else { return };
    let payment = story.paid(1200).await;
    let given = given_back(&story.rig.effects(refund(&payment, money(700, "EUR"))).await);
    // What was given back comes as events too, and is the same refund.
    let events = story.fake.events();
    let events = events.into_iter().filter(|it| it.kind().contains("refund")).collect::<Vec<_>>();
    assert_eq!(events.len(), 2);
    for event in events {
        assert_eq!(given_back(&story.told(vec![event]).await), given);
    }
    let bounced = story.told(story.fake.bounce_refund(&given[0].0)).await;
    let [Effect::RefundFailed(failed)] = &bounced[..] else { panic!("{bounced:?}") };
    assert_eq!((failed.payment.as_str(), failed.amount.minor), (payment.as_str(), 700));
    assert_eq!(failed.code, "lost_or_stolen_card");

    for (status, state) in [
        ("warning_needs_response", DisputeState::Inquiry),
        ("needs_response", DisputeState::Open),
        ("won", DisputeState::Won),
        ("lost", DisputeState::Lost),
    ] {
        let said = story.told(story.fake.dispute(&payment, status)).await;
        let [Effect::PaymentDisputed(dispute)] = &said[..] else { panic!("{said:?}") };
        assert_eq!((dispute.state, &dispute.amount), (state, &money(1200, "EUR")));
        assert_eq!(dispute.fee, Some(money(2000, "EUR")));
        let asked = story.rig.effects(Call::Reconcile(dispute.provider_id.clone())).await;
        assert!(matches!(&asked[..], [Effect::PaymentDisputed(it)] if it.state == state));
    }
}

#[tokio::test]
async fn a_signing_secret_is_changed_without_losing_an_event() {
    let Some(mut story) = Story::start().await else { return };
    let id = begin(&story.rig, checkout(&money(1200, "EUR"))).await.provider_id;
    let events = story.fake.pay(&id);
    story.rig.stage.secret("webhook_secret", "whsec_the_new_one");
    let outcome = taken(&story.rig, story.webhook(&events[0], Flaw::None)).await;
    assert_eq!(outcome, webhooks::Outcome::Rejected(webhooks::Rejection::BadSignature));
    story.rig.stage.secret("webhook_secret_previous", SIGNING);
    assert_eq!(payments(&story.told(events.clone()).await).len(), 1);
    // Without any, nothing is taken for genuine, and the provider sends it again.
    story.rig.stage.secrets.remove("webhook_secret");
    let error = story.rig.error(Call::Webhook(story.webhook(&events[0], Flaw::None))).await;
    assert_eq!(error.kind, ErrorKind::InvalidConfig);
}

#[tokio::test]
async fn no_event_of_the_providers_breaks_anything() {
    let Some(story) = Story::start().await else { return };
    let checkout = begin(&story.rig, monthly(1200)).await.provider_id;
    story.fake.pay(&checkout);
    let payment =
        story.fake.events().iter().find_map(|it| {
            it.0.pointer("/data/object/payment_intent")?.as_str().map(str::to_owned)
        });
    let payment = payment.unwrap();
    given_back(&story.rig.effects(refund(&payment, money(700, "EUR"))).await);
    story.fake.dispute(&payment, "needs_response");
    odd_events_break_nothing(&story, &story.fake.events()).await;
}

#[tokio::test]
async fn what_means_nothing_here_is_ignored() {
    let Some(mut story) = Story::start().await else { return };
    let id = begin(&story.rig, checkout(&money(1200, "EUR"))).await.provider_id;
    let event = story.fake.pay(&id).pop().unwrap();
    let with = |path: &str, value: serde_json::Value| {
        let mut event = event.clone();
        *event.0.pointer_mut(path).unwrap() = value;
        event
    };
    for other in [
        with("/livemode", json!(true)),
        with("/type", json!("capability.updated")),
        // A checkout that something else of the operator's began.
        with("/data/object/metadata", json!({ "order": "7" })),
        Event(json!({ "id": "evt_1", "type": "customer.subscription.updated", "created": NOW_S,
            "livemode": false, "data": { "object": { "id": "sub_1", "metadata": {} } } })),
    ] {
        let outcome = taken(&story.rig, story.webhook(&other, Flaw::None)).await;
        assert!(matches!(outcome, webhooks::Outcome::Ignored(_)), "{outcome:?}");
    }
    for other in [json!({}), json!([]), json!({ "id": "evt_1", "type": "invoice.paid" })] {
        let outcome = taken(&story.rig, story.webhook(&Event(other), Flaw::None)).await;
        let malformed = webhooks::Outcome::Rejected(webhooks::Rejection::Malformed(String::new()));
        assert_eq!(std::mem::discriminant(&outcome), std::mem::discriminant(&malformed));
    }
    for id in ["", "pi", "pi_1/../refunds", "cus_1", "pi_é"] {
        let error = story.rig.error(Call::Reconcile(id.to_owned())).await;
        assert_eq!(error.kind, ErrorKind::InvalidInput, "{id}");
    }
    // Where real money is taken, it is the other way round.
    story.rig.stage.test_mode = false;
    let trial = taken(&story.rig, story.webhook(&event, Flaw::None)).await;
    assert!(matches!(trial, webhooks::Outcome::Ignored(_)), "{trial:?}");
    assert_eq!(payments(&story.told(vec![with("/livemode", json!(true))]).await).len(), 1);
}

#[tokio::test]
async fn a_provider_that_is_gone_did_nothing() {
    let Some(Story { rig, fake }) = Story::start().await else { return };
    let Answer::Health(health) = rig.answer(Call::Health).await else { panic!() };
    assert!(health.ok, "{health:?}");
    let url = fake.url();
    drop(fake);
    // Its connections end with it.
    while post(&url, &[], "").await.is_ok() {
        tokio::task::yield_now().await;
    }
    let call = Call::BeginCheckout(Box::new(checkout(&money(900, "EUR"))));
    let error = rig.error(call).await;
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
}
