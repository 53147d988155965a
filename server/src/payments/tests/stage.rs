//! What the stories about money share: a plan with a price, a provider, and an operator.

use std::net::IpAddr;

use myrelay_app::contract::{AddPlan, BillingContract, CheckoutStep, PlanContract, PortalError};
use myrelay_domain::ids::{InstallationId, InvoiceId};
use myrelay_plugin_host::{
    Answer, Call, Outcome,
    billing::{Checkout, NextStep, PaymentInstructions},
    billing_types::{Effect, Failure, Payment, Refund},
    types::Money,
    webhooks::{self, Accepted},
};

use crate::{
    payments::{Hook, Taken, receive, tasks},
    plugins::{self, testing},
    testing::{Actor, BEGIN, World},
};

pub(crate) struct Stage<'a> {
    pub(crate) world: &'a World,
    pub(crate) olga: Actor<'a>,
    pub(crate) plan: String,
    pub(crate) plugin: InstallationId,
    token: String,
}

impl<'a> Stage<'a> {
    pub(crate) async fn new(world: &'a World) -> Stage<'a> {
        let olga = world.operator("olga").await;
        // The first account makes the plan that costs nothing.
        world.customer("zoe").await;
        olga.api().add_plan(plan("Large", "5", ("9.99", "month"))).await.unwrap();
        let plans = olga.api().list_plans().await.unwrap();
        let plan = plans.iter().find(|it| it.name == "Large").unwrap().id.to_string();
        let input = testing::payer("dev.example.pay");
        let (plugin, ready) = plugins::install(&world.context, input).await.unwrap();
        ready.unwrap();
        let found = plugins::get(&world.context, &plugin.to_string()).await.unwrap();
        let url = plugins::hook_url(&world.context, &found).unwrap().unwrap();
        let token = url.strip_prefix("https://vpn.example.org/hooks/").unwrap();
        let token = token.strip_suffix("/events").unwrap().to_owned();
        Stage { world, olga, plan, plugin, token }
    }

    /// What stands in the address to which the provider reports.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    pub(super) async fn make_default(&self) {
        self.olga.api().make_default_plan(&self.plan).await.unwrap();
    }

    pub(super) async fn free(&self) -> String {
        let plans = self.olga.api().list_plans().await.unwrap();
        plans.iter().find(|it| it.price.is_none()).unwrap().id.to_string()
    }

    pub(super) async fn try_begin(
        &self,
        who: &Actor<'_>,
        invoice: InvoiceId,
    ) -> Result<CheckoutStep, PortalError> {
        who.api().begin_checkout(&invoice.to_string(), &self.plugin.to_string()).await
    }

    pub(super) async fn begin(&self, who: &Actor<'_>, invoice: InvoiceId) -> CheckoutStep {
        self.try_begin(who, invoice).await.unwrap()
    }

    /// A plan that costs more than the one that all stories have; its id.
    pub(super) async fn larger(&self) -> String {
        let input = plan("Larger", "9", ("19.99", "year"));
        self.olga.api().add_plan(input).await.unwrap();
        let plans = self.olga.api().list_plans().await.unwrap();
        plans.iter().find(|it| it.name == "Larger").unwrap().id.to_string()
    }

    /// Chooses the plan, or its next period, and pays for it.
    pub(super) async fn pays(&self, who: &Actor<'_>, payment: &str) -> InvoiceId {
        let renewed = who.api().renew_subscription().await;
        let invoice = match renewed {
            Ok(invoice) => invoice,
            Err(_) => who.api().choose_plan(&self.plan).await.unwrap(),
        };
        self.begin(who, invoice).await;
        let effects = vec![paid(payment, &invoice.to_string(), 999)];
        let told = self.hook(event(&format!("evt_{payment}"), effects)).await;
        assert!(matches!(told, Taken::Accepted { .. }), "{told:?}");
        invoice
    }

    /// Chooses the plan and pays for it where the provider collects from then on.
    pub(super) async fn links(&self, who: &Actor<'_>, name: &str) {
        let invoice = who.api().choose_plan(&self.plan).await.unwrap();
        self.begin(who, invoice).await;
        let first = Payment {
            invoice: Some(invoice.to_string()),
            subscription: Some(format!("sub_{name}")),
            ..payment(&format!("pi_{name}"), 999)
        };
        let effects = vec![Effect::PaymentSucceeded(first)];
        let told = self.hook(event(&format!("evt_{name}"), effects)).await;
        assert!(matches!(told, Taken::Accepted { .. }), "{told:?}");
    }

    /// Pays for the plan, whose next periods the provider collects by itself.
    pub(crate) async fn subscribes(&self, who: &Actor<'_>, subscription: &str, payment: &str) {
        let invoice = who.api().choose_plan(&self.plan).await.unwrap();
        self.begin(who, invoice).await;
        let effects = vec![collected(subscription, payment, Some(invoice))];
        let told = self.hook(event(&format!("evt_{payment}"), effects)).await;
        assert!(matches!(told, Taken::Accepted { .. }), "{told:?}");
        // How the checkout stands is asked once more, and not any more then.
        self.world.clock.advance(60_000);
        while tasks::round(&self.world.context).await.unwrap() {}
    }

    /// How often the provider was asked about this.
    pub(super) fn asked_about(&self, id: &str) -> usize {
        self.asked(|it| matches!(it, Call::Reconcile(about) if about == id))
    }

    /// What the provider reports, and what its plugin makes of it.
    pub(super) async fn hook(&self, outcome: Outcome) -> Taken {
        self.world.host.answers(move |_| outcome);
        self.raw("events", b"{}").await.unwrap()
    }

    pub(super) async fn raw(&self, path: &str, body: &[u8]) -> crate::Result<Taken> {
        let hook = Hook {
            path: path.to_owned(),
            query: String::new(),
            headers: vec![("signature".to_owned(), "x".to_owned())],
            body: body.to_vec(),
            ip: IpAddr::from([192, 0, 2, 1]),
        };
        receive(&self.world.context, &self.token, hook).await
    }

    /// What the plugin says to the next thing that it is asked.
    pub(super) fn answers(&self, effects: Vec<Effect>) {
        let outcome = testing::with(Ok(Answer::Effects(effects)), Vec::new());
        self.world.host.answers(move |_| outcome);
    }

    /// The next checkout is a transfer.
    pub(super) fn by_transfer(&self) {
        self.world.host.answers(|request| {
            let Call::BeginCheckout(it) = &request.call else { panic!("{:?}", request.call) };
            let step = NextStep::Instructions(PaymentInstructions {
                fields: vec![("Account".to_owned(), "DE00".to_owned())],
                reference: "MR-1".to_owned(),
                expires_at: None,
            });
            let checkout = Checkout {
                provider_id: format!("MR-{}", it.client_reference),
                expires_at: u64::try_from(BEGIN).unwrap() + 14 * 86_400_000,
                step,
            };
            testing::with(Ok(Answer::Checkout(checkout)), Vec::new())
        });
    }

    /// How often a plugin was asked this.
    pub(super) fn asked(&self, what: impl Fn(&Call) -> bool) -> usize {
        self.world.host.heard().iter().filter(|it| what(&it.call)).count()
    }

    pub(super) fn last(&self, what: impl Fn(&Call) -> bool) -> Option<Call> {
        let heard = self.world.host.heard();
        heard.into_iter().rev().map(|it| it.call).find(|it| what(it))
    }
}

fn plan(name: &str, pods: &str, (price, interval): (&str, &str)) -> AddPlan {
    AddPlan {
        name: name.to_owned(),
        pods: pods.to_owned(),
        devices_per_pod: "10".to_owned(),
        price: price.to_owned(),
        currency: "eur".to_owned(),
        interval: interval.to_owned(),
        ..AddPlan::default()
    }
}

pub(super) fn money(minor: i64, currency: &str) -> Money {
    Money { minor, currency: currency.to_owned() }
}

/// That an invoice was paid.
pub(super) fn paid(id: &str, invoice: &str, minor: i64) -> Effect {
    Effect::PaymentSucceeded(Payment { invoice: Some(invoice.to_owned()), ..payment(id, minor) })
}

pub(super) fn payment(id: &str, minor: i64) -> Payment {
    Payment {
        provider_id: id.to_owned(),
        invoice: None,
        account: None,
        subscription: None,
        amount: money(minor, "EUR"),
        fee: Some(money(30, "EUR")),
        occurred_at: u64::try_from(BEGIN).unwrap(),
    }
}

/// That a provider collected for a subscription.
pub(super) fn collected(subscription: &str, id: &str, invoice: Option<InvoiceId>) -> Effect {
    Effect::PaymentSucceeded(Payment {
        invoice: invoice.map(|it| it.to_string()),
        subscription: Some(subscription.to_owned()),
        ..payment(id, 999)
    })
}

/// That a card was refused when this was to be paid with it.
pub(super) fn failed(id: &str, invoice: Option<InvoiceId>) -> Failure {
    Failure {
        provider_id: Some(id.to_owned()),
        invoice: invoice.map(|it| it.to_string()),
        account: None,
        code: "card_declined".to_owned(),
        message: "the card was refused".to_owned(),
        retryable: true,
        next_attempt_at: None,
    }
}

pub(super) fn refund(id: &str, payment: &str, minor: i64) -> Effect {
    Effect::PaymentRefunded(Refund {
        provider_id: id.to_owned(),
        payment: payment.to_owned(),
        amount: money(minor, "EUR"),
        reason: None,
        occurred_at: u64::try_from(BEGIN).unwrap(),
    })
}

/// A report that its plugin takes.
pub(super) fn event(id: &str, effects: Vec<Effect>) -> Outcome {
    let accepted = Accepted { event_id: id.to_owned(), effects, status: None, body: None };
    testing::with(Ok(Answer::Webhook(webhooks::Outcome::Accepted(accepted))), Vec::new())
}
