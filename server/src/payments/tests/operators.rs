//! What operators do about money.

use myrelay_app::contract::{
    BillingContract, InvoiceState, MarkPaid, PlanContract, PortalError, RefundPayment,
    SubscriptionState,
};
use myrelay_plugin_host::{Call, types::ErrorKind};

use super::stage::{Stage, event, refund};
use crate::{context::Caller, payments::tasks, testing::stories};

fn arrived(amount: &str, reference: &str) -> MarkPaid {
    MarkPaid { amount: amount.to_owned(), reference: reference.to_owned() }
}

fn back(amount: &str) -> RefundPayment {
    RefundPayment { amount: amount.to_owned(), reason: "they asked".to_owned() }
}

stories! {
    async fn a_transfer_counts_when_an_operator_says_that_it_came(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let invoice = ana.api().choose_plan(&stage.plan).await.unwrap();
        let id = invoice.to_string();
        let olga = stage.olga.api();
        let error = olga.mark_paid(&id, arrived("9.99", "one")).await.unwrap_err();
        assert_eq!(error.status(), 409, "nobody was told to pay by transfer");
        stage.by_transfer();
        stage.begin(&ana, invoice).await;
        assert_eq!(olga.list_awaited().await.unwrap()[0].row.id, invoice);
        for (input, field) in [
            (arrived("", "one"), "amount"),
            (arrived("9.999", "one"), "amount"),
            (arrived("9.99", ""), "reference"),
            (arrived("9.99", "a\nb"), "reference"),
        ] {
            let error = olga.mark_paid(&id, input).await.unwrap_err();
            let PortalError::Invalid { field: of, .. } = &error else { panic!("{error}") };
            assert_eq!(of, field);
        }
        // A part of it is not enough, and is not lost.
        olga.mark_paid(&id, arrived("5", "one")).await.unwrap();
        let shown = ana.api().get_invoice(&id).await.unwrap();
        assert_eq!((shown.row.state, shown.due.minor), (InvoiceState::Open, 499));
        assert!(shown.failure.unwrap().contains("5.00 EUR of 9.99 EUR"));
        assert!(olga.mark_paid(&id, arrived("4.99", "one")).await.is_err(), "the same transfer");
        olga.mark_paid(&id, arrived("4.99", "two")).await.unwrap();
        let shown = ana.api().get_invoice(&id).await.unwrap();
        assert_eq!(shown.row.state, InvoiceState::Paid);
        assert!(olga.list_awaited().await.unwrap().is_empty());
        // What comes on top is credit.
        olga.mark_paid(&id, arrived("1", "three")).await.unwrap();
        let credit = ana.api().billing().await.unwrap().credit;
        assert_eq!(credit.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1.00 EUR"]);
    }

    async fn money_goes_back_through_its_provider(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        stage.pays(&ana, "pi_1").await;
        let olga = stage.olga.api();
        let payment = olga.list_payments(None).await.unwrap().rows[0].id.to_string();
        for amount in ["", "10", "0", "x"] {
            let error = olga.refund_payment(&payment, back(amount)).await.unwrap_err();
            assert_eq!(error.status(), 422, "{amount}");
        }
        stage.answers(vec![refund("re_1", "pi_1", 500)]);
        olga.refund_payment(&payment, back("5")).await.unwrap();
        let row = olga.get_payment(&payment).await.unwrap();
        assert_eq!((row.refunded.minor, row.can_refund), (500, true));
        // Its provider reports it too.
        stage.hook(event("e1", vec![refund("re_1", "pi_1", 500)])).await;
        assert_eq!(olga.get_payment(&payment).await.unwrap().refunded.minor, 500);
        // Nobody knows whether it was done, as where the plugin broke: the provider is asked.
        for (kind, id, back_by_now) in
            [(ErrorKind::Indeterminate, "re_2", 600), (ErrorKind::Internal, "re_3", 700)]
        {
            world.host.fails(kind);
            let error = olga.refund_payment(&payment, back("1")).await.unwrap_err();
            assert!(error.to_string().contains("in a few minutes"), "{error}");
            stage.answers(vec![refund(id, "pi_1", 100)]);
            while tasks::round(&world.context).await.unwrap() {}
            assert_eq!(olga.get_payment(&payment).await.unwrap().refunded.minor, back_by_now);
        }
        let refunds = |it: &Call| matches!(it, Call::Refund { .. });
        assert_eq!(stage.asked(refunds), 3);
    }

    async fn an_operator_ends_a_subscription_and_gives_another_plan(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let Caller::Account(account) = ana.caller else { panic!() };
        let (account, olga) = (account.to_string(), stage.olga.api());
        assert_eq!(olga.end_subscription(&account).await.unwrap_err().status(), 404);
        stage.pays(&ana, "pi_1").await;
        let free = stage.free().await;
        let error = olga.change_plan(&account, &free).await.unwrap_err();
        assert!(error.to_string().contains("end it first"), "{error}");
        olga.end_subscription(&account).await.unwrap();
        let view = olga.account_billing(&account).await.unwrap();
        assert_eq!(view.subscription.unwrap().state, SubscriptionState::Ended);
        assert!(view.unpaid);
        olga.change_plan(&account, &free).await.unwrap();
        assert!(!ana.api().billing().await.unwrap().unpaid);
        let error = olga.remove_plan(&stage.plan).await.unwrap_err();
        assert!(error.to_string().contains("withdraw it instead"), "{error}");
    }

    async fn money_is_for_operators(world) {
        let stage = Stage::new(&world).await;
        let ana = world.customer("ana").await;
        let Caller::Account(account) = ana.caller else { panic!() };
        let invoice = stage.pays(&ana, "pi_1").await.to_string();
        let payment = stage.olga.api().list_payments(None).await.unwrap().rows[0].id.to_string();
        let (account, api) = (account.to_string(), ana.api());
        assert_eq!(api.list_payments(None).await.unwrap_err().status(), 403);
        assert_eq!(api.list_awaited().await.unwrap_err().status(), 403);
        assert_eq!(api.get_payment(&payment).await.unwrap_err().status(), 403);
        assert_eq!(api.account_billing(&account).await.unwrap_err().status(), 403);
        assert_eq!(api.end_subscription(&account).await.unwrap_err().status(), 403);
        assert_eq!(api.withdraw_plan(&stage.plan).await.unwrap_err().status(), 403);
        let error = api.mark_paid(&invoice, arrived("9.99", "x")).await.unwrap_err();
        assert_eq!(error.status(), 403);
        assert_eq!(api.refund_payment(&payment, back("1")).await.unwrap_err().status(), 403);
        let olga = stage.olga.api();
        for unknown in ["", "nonsense", "pay_00000000000000000000000000000001"] {
            assert_eq!(olga.get_payment(unknown).await.unwrap_err().status(), 404);
            assert_eq!(olga.refund_payment(unknown, back("1")).await.unwrap_err().status(), 404);
            let error = olga.mark_paid(unknown, arrived("1", "x")).await.unwrap_err();
            assert_eq!(error.status(), 404);
            assert_eq!(olga.account_billing(unknown).await.unwrap_err().status(), 404);
            assert_eq!(olga.end_subscription(unknown).await.unwrap_err().status(), 404);
            assert_eq!(olga.withdraw_plan(unknown).await.unwrap_err().status(), 404);
        }
    }
}
