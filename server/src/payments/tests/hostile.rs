//! Plugins that lie about money: nothing of such a call counts.

use myrelay_app::contract::{BillingContract, InvoiceState, PluginContract};
use myrelay_plugin_host::{
    Answer, KvChange, KvCondition, KvWrite,
    billing_types::{Effect, Payment, SubscriptionState as Told, SubscriptionUpdate},
    webhooks::{self, Accepted},
};

use super::stage::{Stage, event, money, paid, payment, refund};
use crate::{
    Error,
    payments::{Taken, tasks},
    plugins::testing,
    testing::stories,
};

stories! {
    async fn effects_that_are_not_sound_leave_nothing(world) {
        let stage = Stage::new(&world).await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        let ours = invoice.to_string();
        let theirs = bob.api().choose_plan(&stage.plan).await.unwrap().to_string();
        let crate::context::Caller::Account(bobs) = bob.caller else { panic!() };
        let of = |it: Payment| vec![Effect::PaymentSucceeded(it)];
        let good = || Payment { invoice: Some(ours.clone()), ..payment("pi_x", 999) };
        let nobody = "acct_00000000000000000000000000000001".to_owned();
        let wrong: Vec<(&str, Vec<Effect>)> = vec![
            ("another currency", of(Payment { amount: money(999, "USD"), fee: None, ..good() })),
            ("no currency", of(Payment { amount: money(999, "QQQ"), ..good() })),
            ("nothing", of(Payment { amount: money(0, "EUR"), ..good() })),
            ("less than nothing", of(Payment { amount: money(-999, "EUR"), ..good() })),
            ("more than there is", of(Payment { amount: money(i64::MAX, "EUR"), ..good() })),
            ("a fee beyond", of(Payment { fee: Some(money(1000, "EUR")), ..good() })),
            ("a fee in dollars", of(Payment { fee: Some(money(1, "USD")), ..good() })),
            ("no id", of(Payment { provider_id: String::new(), ..good() })),
            ("a long id", of(Payment { provider_id: "x".repeat(256), ..good() })),
            ("no invoice of ours", of(Payment { invoice: Some("inv_1".to_owned()), ..good() })),
            ("an invoice that was not begun", of(Payment { invoice: Some(theirs), ..good() })),
            ("another account", of(Payment { account: Some(bobs.to_string()), ..good() })),
            ("nobody", of(Payment { invoice: None, ..good() })),
            ("who never paid", of(Payment { invoice: None, account: Some(bobs.to_string()), ..good() })),
            ("who is not there", of(Payment { invoice: None, account: Some(nobody), ..good() })),
            ("a good one and a bad one", vec![paid("pi_y", &ours, 999), paid("pi_z", "inv_1", 1)]),
            ("a flood", (0..101).map(|it| paid(&format!("pi_{it}"), &ours, 1)).collect()),
        ];
        for (number, (what, effects)) in wrong.into_iter().enumerate() {
            // What it wants remembered goes with it.
            let kv = KvChange {
                key: format!("key {number}"),
                condition: KvCondition::Any,
                write: KvWrite::Put { value: b"x".to_vec(), version: 1, expires_at_ms: None },
            };
            let mut outcome = event(&format!("evt_{number}"), effects);
            outcome.kv.push(kv);
            // Each is taken in: one that lies five times in a row would rest.
            world.clock.advance(10 * 60_000);
            assert_eq!(stage.hook(outcome).await, Taken::Later, "{what}");
            assert_eq!(world.count("SELECT COUNT(*) FROM payments").await, 0, "{what}");
            assert_eq!(world.count("SELECT COUNT(*) FROM ledger_entries").await, 0, "{what}");
            assert_eq!(world.count("SELECT COUNT(*) FROM plugin_kv").await, 0, "{what}");
            assert_eq!(world.count("SELECT COUNT(*) FROM hook_events").await, 0, "{what}");
        }
        // Its operator reads why.
        let view = stage.olga.api().get_plugin(&stage.plugin.to_string()).await.unwrap();
        let why = view.calls[0].failure.clone().unwrap();
        assert!(why.contains("its answer was refused: 101 effects"), "{why}");
        let shown = ana.api().get_invoice(&ours).await.unwrap();
        assert_eq!(shown.row.state, InvoiceState::Open);
    }

    async fn no_more_goes_back_than_came(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        let told = stage.hook(event("e1", vec![refund("re_1", "pi_1", 1000)])).await;
        assert_eq!(told, Taken::Later);
        stage.hook(event("e2", vec![refund("re_1", "pi_1", 600)])).await;
        stage.hook(event("e3", vec![refund("re_1", "pi_1", 600)])).await;
        let told = stage.hook(event("e4", vec![refund("re_2", "pi_1", 400)])).await;
        assert_eq!(told, Taken::Later, "399 are left");
        let payment = &stage.olga.api().list_payments(None).await.unwrap().rows[0];
        assert_eq!((payment.refunded.minor, payment.can_refund), (600, true));
        assert_eq!(world.count("SELECT CAST(SUM(minor) AS BIGINT) FROM ledger_lines").await, 0);
    }

    async fn a_refund_that_comes_before_its_payment_is_asked_about(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        let told = stage.hook(event("e1", vec![refund("re_1", "pi_1", 100)])).await;
        assert!(matches!(told, Taken::Accepted { .. }));
        let both = vec![paid("pi_1", &invoice.to_string(), 999), refund("re_1", "pi_1", 100)];
        stage.answers(both);
        tasks::round(&world.context).await.unwrap();
        let payment = &stage.olga.api().list_payments(None).await.unwrap().rows[0];
        assert_eq!((payment.amount.minor, payment.refunded.minor), (999, 100));
    }

    async fn older_news_of_a_subscription_replaces_no_newer(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let crate::context::Caller::Account(account) = ana.caller else { panic!() };
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        let first = Payment {
            invoice: Some(invoice.to_string()),
            subscription: Some("sub_1".to_owned()),
            ..payment("pi_1", 999)
        };
        stage.hook(event("e1", vec![Effect::PaymentSucceeded(first)])).await;
        let update = |account: String, state, observed_at| {
            vec![Effect::SubscriptionChanged(SubscriptionUpdate {
                provider_id: "sub_1".to_owned(),
                account,
                state,
                current_period_end: None,
                cancel_at_period_end: false,
                observed_at,
            })]
        };
        let ends = async || ana.api().billing().await.unwrap().subscription.unwrap().ends;
        let ours = account.to_string();
        stage.hook(event("e2", update(ours.clone(), Told::Canceled, 2000))).await;
        assert!(ends().await);
        stage.hook(event("e3", update(ours.clone(), Told::Active, 1000))).await;
        assert!(ends().await, "that was before");
        stage.hook(event("e4", update(ours, Told::Active, 3000))).await;
        assert!(!ends().await);
        let nobody = "acct_00000000000000000000000000000001".to_owned();
        let told = stage.hook(event("e5", update(nobody, Told::Canceled, 4000))).await;
        assert_eq!(told, Taken::Later, "another account's");
    }

    async fn what_comes_to_no_address_of_ours_is_not_taken(world) {
        let stage = Stage::new(&world).await;
        let told = stage.raw("events", b"{}").await.unwrap();
        assert_eq!(told, Taken::Rejected("the signature is not right"));
        let error = stage.raw("other", b"{}").await.unwrap_err();
        assert!(matches!(error, Error::NotFound(_)), "{error}");
        let error = stage.raw("events", &[b'x'; 2001]).await.unwrap_err();
        assert!(matches!(error, Error::Limit(_)), "{error}");
        world.host.answers(|_| {
            let ignored = webhooks::Outcome::Ignored("nothing".to_owned());
            testing::with(Ok(Answer::Webhook(ignored)), Vec::new())
        });
        assert_eq!(stage.raw("events", b"{}").await.unwrap(), Taken::Ignored);
        let teapot = Accepted {
            event_id: "e1".to_owned(),
            effects: Vec::new(),
            status: Some(202),
            body: Some("thanks".to_owned()),
        };
        world.host.answers(move |_| {
            testing::with(Ok(Answer::Webhook(webhooks::Outcome::Accepted(teapot))), Vec::new())
        });
        let told = stage.raw("events", b"{}").await.unwrap();
        assert_eq!(told, Taken::Accepted { status: 202, body: "thanks".to_owned() });
        stage.olga.api().disable_plugin(&stage.plugin.to_string()).await.unwrap();
        let away = Taken::Away { retry_after_s: 600 };
        assert_eq!(stage.raw("events", b"{}").await.unwrap(), away);
        stage.olga.api().remove_plugin(&stage.plugin.to_string(), false).await.unwrap();
        assert!(stage.raw("events", b"{}").await.is_err());
    }

    async fn a_plugin_that_is_removed_leaves_payments_and_books_behind(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        stage.hook(event("evt_1", vec![paid("pi_1", &invoice.to_string(), 999)])).await;
        let count = async |sql| world.count(sql).await;
        let facts = async || {
            (
                count("SELECT COUNT(*) FROM payments").await,
                count("SELECT COUNT(*) FROM ledger_entries").await,
                count("SELECT COUNT(*) FROM ledger_lines").await,
                count("SELECT COUNT(*) FROM invoices WHERE paid_at IS NOT NULL").await,
            )
        };
        let before = facts().await;
        assert_eq!((before.0, before.1), (1, 2));
        stage.olga.api().remove_plugin(&stage.plugin.to_string(), false).await.unwrap();
        assert_eq!(facts().await, before);
        assert_eq!(count("SELECT COUNT(*) FROM plugin_secrets").await, 0);
        assert_eq!(ana.api().billing().await.unwrap().plan, "Large");
    }
}
