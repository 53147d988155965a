//! Paying, told as stories on both engines.

mod able;
mod away;
mod hostile;
mod killed;
mod operators;
mod patience;
mod periods;
mod provider_page;
mod removal;
pub(crate) mod stage;
mod unreported;
mod with_real_plugins;

use myrelay_app::contract::{
    BillingContract, CheckoutStep, InvoiceState, PodContract, SubscriptionState,
};
use myrelay_domain::ids::InvoiceId;
use myrelay_plugin_host::{
    Call,
    billing_types::{Effect, Failure},
    types::ErrorKind,
};

use self::stage::{Stage, event, failed, paid};
use super::{Taken, tasks};
use crate::{outbox, plugins::testing, testing::stories};

stories! {
    async fn a_customer_pays_and_has_the_plan_when_the_provider_says_so(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let view = ana.api().billing().await.unwrap();
        assert_eq!((view.plan.as_str(), view.unpaid), ("Free", false));
        assert_eq!(view.offers.len(), 1);
        assert_eq!(view.offers[0].price.amount.to_string(), "9.99 EUR");

        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        assert_eq!(ana.api().choose_plan(&stage.plan).await.unwrap(), invoice, "twice is one");
        let shown = ana.api().get_invoice(&invoice.to_string()).await.unwrap();
        assert_eq!((shown.methods.len(), shown.row.state), (1, InvoiceState::Open));
        let step = stage.begin(&ana, invoice).await;
        assert_eq!(step, CheckoutStep::Redirect("https://pay.example.org/c".to_owned()));
        assert_eq!(stage.begin(&ana, invoice).await, step);
        assert_eq!(stage.asked(|it| matches!(it, Call::BeginCheckout(_))), 1, "twice is one");
        let Some(Call::BeginCheckout(request)) =
            stage.last(|it| matches!(it, Call::BeginCheckout(_))) else { panic!() };
        assert_eq!((request.invoice.total.minor, &*request.invoice.total.currency), (999, "EUR"));
        let back = format!("https://vpn.example.org/plan/invoices/{invoice}?back=1");
        assert_eq!(request.return_url, back);
        assert!(request.subscribe.is_some_and(|it| it.interval_count == 1));
        // Nothing is paid because they come back.
        let state = async || ana.api().billing().await.unwrap().subscription.unwrap().state;
        assert_eq!(state().await, SubscriptionState::Pending);

        let payment = paid("pi_1", &invoice.to_string(), 999);
        let told = stage.hook(event("evt_1", vec![payment.clone()])).await;
        assert_eq!(told, Taken::Accepted { status: 200, body: String::new() });
        assert_eq!(state().await, SubscriptionState::Active);
        let view = ana.api().billing().await.unwrap();
        assert_eq!((view.plan.as_str(), view.invoices[0].state), ("Large", InvoiceState::Paid));
        assert!(view.credit.is_empty());
        // The same event, and another event of the same payment, change nothing.
        stage.hook(event("evt_1", vec![payment.clone()])).await;
        stage.hook(event("evt_2", vec![payment])).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM payments").await, 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM ledger_entries").await, 2);
        assert_eq!(world.count("SELECT CAST(SUM(minor) AS BIGINT) FROM ledger_lines").await, 0);
        let names = outbox::names(&world.context).await;
        let of = |name: &str| names.iter().filter(|it| *it == name).count();
        assert_eq!((of("payment.received"), of("subscription.started")), (1, 1));
        let error = stage.try_begin(&ana, invoice).await.unwrap_err();
        assert_eq!(error.status(), 409, "it is paid");
    }

    async fn who_has_to_pay_first_gets_a_location_once_it_is_paid(world) {
        let stage = Stage::new(&world).await;
        world.node(&stage.olga, "Berlin").await;
        stage.make_default().await;
        let ana = world.customer("ana").await;
        assert!(ana.api().home().await.unwrap().unpaid);
        let location = world.location("Berlin").await.to_string();
        let create = || myrelay_app::contract::CreatePod { location: location.clone() };
        let error = ana.api().create_pod(create()).await.unwrap_err();
        assert!(error.to_string().contains("not paid for"), "{error}");
        stage.pays(&ana, "pi_1").await;
        ana.api().create_pod(create()).await.unwrap();
        assert!(!ana.api().home().await.unwrap().unpaid);
    }

    async fn what_nobody_reported_is_found_by_asking(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        world.clock.advance(30_000);
        tasks::round(&world.context).await.unwrap();
        assert_eq!(stage.asked(|it| matches!(it, Call::Reconcile(_))), 0, "it is too early");
        world.clock.advance(31_000);
        tasks::round(&world.context).await.unwrap();
        assert_eq!(stage.asked(|it| matches!(it, Call::Reconcile(_))), 1, "it is not paid yet");
        tasks::round(&world.context).await.unwrap();
        assert_eq!(stage.asked(|it| matches!(it, Call::Reconcile(_))), 1, "after a pause");
        stage.answers(vec![paid("pi_1", &invoice.to_string(), 999)]);
        world.clock.advance(5 * 60_000);
        tasks::round(&world.context).await.unwrap();
        let shown = ana.api().get_invoice(&invoice.to_string()).await.unwrap();
        assert_eq!(shown.row.state, InvoiceState::Paid);
        assert_eq!(world.count("SELECT COUNT(*) FROM provider_tasks").await, 0);
        // A customer who does not want to wait asks by themselves.
        let bob = world.customer("bob").await;
        let invoice = bob.api().choose_plan(&stage.plan).await.unwrap().to_string();
        bob.api().check_payment(&invoice).await.unwrap();
        stage.begin(&bob, invoice.parse().unwrap()).await;
        stage.answers(vec![paid("pi_2", &invoice, 999)]);
        bob.api().check_payment(&invoice).await.unwrap();
        assert_eq!(bob.api().get_invoice(&invoice).await.unwrap().row.state, InvoiceState::Paid);
    }

    async fn a_checkout_that_nobody_knows_of_is_begun_again_as_the_same(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        let reference = |call: Call| match call {
            Call::BeginCheckout(it) => it.client_reference,
            _ => panic!(),
        };
        let mut references = Vec::new();
        let unknown = [ErrorKind::Indeterminate, ErrorKind::Internal];
        for kind in unknown.into_iter().chain([ErrorKind::Unavailable; 2]) {
            world.host.answers(move |_| testing::failed(kind, None));
            let error = stage.try_begin(&ana, invoice).await.unwrap_err();
            assert_eq!(error.status(), 503, "{error}");
            assert!(!error.to_string().contains("the provider said so"), "{error}");
            let last = stage.last(|it| matches!(it, Call::BeginCheckout(_)));
            references.push(reference(last.unwrap()));
        }
        assert!(references[..2] == [&*references[2]; 2], "the provider may have it already");
        assert_ne!(references[2], references[3], "that one was certainly not begun");
        stage.begin(&ana, invoice).await;
        assert_eq!(world.count("SELECT COUNT(*) FROM invoices").await, 1);
    }

    async fn an_invoice_is_nobody_elses(world) {
        let stage = Stage::new(&world).await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap().to_string();
        assert_eq!(bob.api().get_invoice(&invoice).await.unwrap_err().status(), 404);
        assert_eq!(bob.api().check_payment(&invoice).await.unwrap_err().status(), 404);
        let error = stage.try_begin(&bob, invoice.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.status(), 404);
        let visitor = world.api(crate::context::Caller::Visitor);
        assert_eq!(visitor.get_invoice(&invoice).await.unwrap_err().status(), 401);
        assert_eq!(visitor.billing().await.unwrap_err().status(), 401);
        let free = stage.free().await;
        assert_eq!(ana.api().choose_plan(&free).await.unwrap_err().status(), 404, "it is not sold");
        stage.olga.api().withdraw_plan(&stage.plan).await.unwrap();
        stage.olga.api().withdraw_plan(&stage.plan).await.unwrap();
        assert_eq!(bob.api().choose_plan(&stage.plan).await.unwrap_err().status(), 404);
        assert!(bob.api().billing().await.unwrap().offers.is_empty());
    }

    async fn a_report_that_comes_again_is_told_once(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let crate::context::Caller::Account(account) = ana.caller else { panic!() };
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        stage.begin(&ana, invoice).await;
        let failed = |invoice: Option<InvoiceId>| {
            let account = Some(account.to_string());
            vec![Effect::PaymentFailed(Failure { provider_id: None, account, ..failed("", invoice) })]
        };
        let told = async || {
            let names = outbox::names(&world.context).await;
            names.iter().filter(|it| *it == "payment.failed").count()
        };
        for (id, count) in [("evt_1", 1), ("evt_1", 1), ("evt_2", 2)] {
            stage.hook(event(id, failed(None))).await;
            assert_eq!(told().await, count, "{id}");
        }
        // Of an invoice the customer reads why, and the same once more is no news.
        for id in ["evt_3", "evt_4"] {
            stage.hook(event(id, failed(Some(invoice)))).await;
            assert_eq!(told().await, 3, "{id}");
        }
        let shown = ana.api().get_invoice(&invoice.to_string()).await.unwrap();
        assert_eq!(shown.failure.as_deref(), Some("the card was refused"));
        stage.hook(event("evt_5", vec![paid("pi_1", &invoice.to_string(), 999)])).await;
        let shown = ana.api().get_invoice(&invoice.to_string()).await.unwrap();
        assert_eq!((shown.row.state, shown.failure), (InvoiceState::Paid, None));
    }

    async fn a_payment_that_failed_is_tried_again_by_another_checkout(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        let failed = |id: &str, next: Option<u64>| {
            let next_attempt_at = next;
            vec![Effect::PaymentFailed(Failure { next_attempt_at, ..failed(id, Some(invoice)) })]
        };
        for (tries, payment) in [(1, "pi_1"), (2, "pi_2")] {
            stage.begin(&ana, invoice).await;
            assert_eq!(stage.asked(|it| matches!(it, Call::BeginCheckout(_))), tries);
            for again in ["one", "two"] {
                stage.hook(event(&format!("{payment}-{again}"), failed(payment, None))).await;
            }
            let shown = ana.api().get_invoice(&invoice.to_string()).await.unwrap();
            assert_eq!(shown.failure.as_deref(), Some("the card was refused"));
            assert_eq!((shown.row.state, shown.checkout), (InvoiceState::Open, None));
            let held = ana.api().billing().await.unwrap().subscription.unwrap();
            assert_eq!(held.state, SubscriptionState::Pending, "nothing is active");
            let names = outbox::names(&world.context).await;
            let told = names.iter().filter(|it| *it == "payment.failed").count();
            assert_eq!(told, tries, "each try once, though in the same words");
        }
        stage.begin(&ana, invoice).await;
        // What failed fails once more, and the customer stays at the checkout of now.
        stage.hook(event("pi_1-later", failed("pi_1", Some(7)))).await;
        let shown = ana.api().get_invoice(&invoice.to_string()).await.unwrap();
        assert!(shown.checkout.is_some() && shown.failure.is_some());
        // Somebody may pay where it failed all the same: it is asked about too.
        world.clock.advance(60_000);
        while tasks::round(&world.context).await.unwrap() {}
        assert_eq!(stage.asked(|it| matches!(it, Call::Reconcile(_))), 3);
        stage.hook(event("paid", vec![paid("pi_3", &invoice.to_string(), 999)])).await;
        let held = ana.api().billing().await.unwrap().subscription.unwrap();
        assert_eq!(held.state, SubscriptionState::Active);
    }
}
