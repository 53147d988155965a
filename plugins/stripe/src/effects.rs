//! What Stripe's objects say happened.

use myrelay_plugin_sdk::types::{Error, Money};

use crate::{
    object::Object,
    world::myrelay::plugin::billing_types::{
        CustomerLink, Dispute, DisputeState, Effect, Failure, Payment, PendingPayment, Refund,
        RefundFailure, SubscriptionState, SubscriptionUpdate,
    },
};

type Effects = Result<Vec<Effect>, Error>;

/// Whose payment something is and what it is for, as it was written down with the checkout.
struct Purpose {
    account: Option<String>,
    invoice: Option<String>,
}

impl Purpose {
    fn of(object: Object<'_>) -> Self {
        let (account, invoice) = ("/metadata/account", "/metadata/invoice");
        Self { account: object.text(account), invoice: object.text(invoice) }
    }

    fn paid(self, id: String, subscription: Option<String>, amount: Money, at: u64) -> Effect {
        let Self { account, invoice } = self;
        let (provider_id, fee, occurred_at) = (id, None, at);
        Effect::PaymentSucceeded(Payment {
            provider_id,
            invoice,
            account,
            subscription,
            amount,
            fee,
            occurred_at,
        })
    }

    fn pending(self, provider_id: String, expected: Money, at: u64) -> Effect {
        Effect::PaymentPending(PendingPayment {
            provider_id,
            invoice: self.invoice,
            account: self.account,
            expected,
            received: None,
            confirmations: None,
            reference: None,
            occurred_at: at,
        })
    }

    /// `code` and `message` where Stripe says none, and when it tries again by itself.
    fn failed(self, id: Option<String>, why: (String, String), again: Again) -> Effect {
        Effect::PaymentFailed(Failure {
            provider_id: id,
            invoice: self.invoice,
            account: self.account,
            code: why.0,
            message: why.1,
            retryable: !matches!(again, Again::At(None)),
            next_attempt_at: if let Again::At(at) = again { at } else { None },
        })
    }
}

/// Who tries a payment again.
enum Again {
    Customer,
    /// Stripe, at this time or no more.
    At(Option<u64>),
}

/// A checkout; nothing where it is not the portal's. `failed` where a payment that takes days has
/// come to nothing.
pub(crate) fn of_session(session: Object<'_>, at: u64, failed: bool) -> Effects {
    let (id, purpose) = (session.id()?, Purpose::of(session));
    let Some(account) = purpose.account.clone() else { return Ok(Vec::new()) };
    match session.text("/status").as_deref() {
        Some("expired") => return Ok(vec![Effect::CheckoutExpired(id)]),
        Some("open") => return Ok(Vec::new()),
        _ => {}
    }
    let link = |provider_id| Effect::CustomerLinked(CustomerLink { account, provider_id });
    let mut effects: Vec<Effect> = session.id_at("/customer").map(link).into_iter().collect();
    if let Some(subscription) = session.id_at("/subscription") {
        // What was paid for it is told of its invoice.
        effects.push(Effect::NeedsReconcile(subscription));
        return Ok(effects);
    }
    let id = session.id_at("/payment_intent").unwrap_or(id);
    match session.text("/payment_status").as_deref() {
        Some("paid") => effects.push(purpose.paid(id, None, session.money("/amount_total")?, at)),
        _ if failed => {
            let why = ("async_payment_failed", "the payment was begun and did not arrive");
            let why = (why.0.to_owned(), why.1.to_owned());
            effects.push(purpose.failed(Some(id), why, Again::Customer));
        }
        Some("unpaid") => effects.push(purpose.pending(id, session.money("/amount_total")?, at)),
        _ => {}
    }
    Ok(effects)
}

/// A payment by itself.
pub(crate) fn of_intent(intent: Object<'_>, at: u64) -> Effects {
    let (id, purpose) = (intent.id()?, Purpose::of(intent));
    Ok(match intent.text("/status").as_deref() {
        Some("succeeded") => vec![purpose.paid(id, None, intent.money("/amount_received")?, at)],
        Some("processing") => vec![purpose.pending(id, intent.money("/amount")?, at)],
        Some("requires_payment_method" | "canceled") => {
            let told = |path: &str, other: &str| intent.text(path).unwrap_or(other.to_owned());
            let code = told("/last_payment_error/code", "not_paid");
            let why = (code, told("/last_payment_error/message", "nothing was paid"));
            vec![purpose.failed(Some(id), why, Again::Customer)]
        }
        _ => Vec::new(),
    })
}

/// An invoice of a subscription; nothing where it is not the portal's.
pub(crate) fn of_invoice(invoice: Object<'_>, at: u64) -> Effects {
    let details = ["/subscription_details", "/parent/subscription_details"];
    let detail = |name: &str| details.iter().find_map(|it| invoice.text(&format!("{it}{name}")));
    let Some(account) = detail("/metadata/account") else { return Ok(Vec::new()) };
    // The portal's invoice is the first period's; later ones have none there yet.
    let first = invoice.text("/billing_reason").as_deref() == Some("subscription_create");
    let ours = detail("/metadata/invoice").filter(|_| first);
    let (purpose, id) = (Purpose { account: Some(account), invoice: ours }, invoice.id()?);
    let payment = invoice.id_at("/payment_intent");
    if invoice.text("/status").as_deref() == Some("paid") {
        let amount = invoice.money("/amount_paid")?;
        let subscription = invoice.id_at("/subscription").or_else(|| detail("/subscription"));
        let paid = purpose.paid(payment.unwrap_or(id), subscription, amount, at);
        // A trial is an invoice of nothing.
        return Ok(if invoice.money("/amount_paid")?.minor == 0 { Vec::new() } else { vec![paid] });
    }
    if invoice.text("/payment_intent/status").as_deref() == Some("processing") {
        let due = invoice.money("/amount_due")?;
        return Ok(vec![purpose.pending(payment.unwrap_or(id), due, at)]);
    }
    if !invoice.is("/attempted") {
        return Ok(Vec::new());
    }
    let why = ("invoice_payment_failed".to_owned(), "the saved method was refused".to_owned());
    let again = Again::At(invoice.time("/next_payment_attempt"));
    Ok(vec![purpose.failed(Some(payment.unwrap_or(id)), why, again)])
}

/// A subscription; nothing where it is not the portal's.
pub(crate) fn of_subscription(subscription: Object<'_>, observed_at: u64) -> Effects {
    let Some(account) = subscription.text("/metadata/account") else { return Ok(Vec::new()) };
    let state = match subscription.text("/status").as_deref() {
        Some("trialing") => SubscriptionState::Trialing,
        Some("active") => SubscriptionState::Active,
        Some("past_due") => SubscriptionState::PastDue,
        Some("unpaid") => SubscriptionState::Unpaid,
        Some("paused") => SubscriptionState::Paused,
        Some("canceled") => SubscriptionState::Canceled,
        Some("incomplete_expired") => SubscriptionState::Expired,
        _ => SubscriptionState::Pending,
    };
    let over = matches!(state, SubscriptionState::Canceled | SubscriptionState::Expired);
    let item = "/items/data/0/current_period_end";
    Ok(vec![Effect::SubscriptionChanged(SubscriptionUpdate {
        provider_id: subscription.id()?,
        account,
        state,
        current_period_end: subscription
            .time("/current_period_end")
            .or_else(|| subscription.time(item)),
        cancel_at_period_end: subscription.is("/cancel_at_period_end"),
        // Stripe counts seconds: of two events in one second, the end is the later.
        observed_at: observed_at + if over { 999 } else { 0 },
    })])
}

pub(crate) fn of_refund(refund: Object<'_>, at: u64) -> Effects {
    let (provider_id, amount) = (refund.id()?, refund.money("/amount")?);
    let payment = refund.id_at("/payment_intent").or_else(|| refund.id_at("/charge"));
    let Some(payment) = payment else { return Ok(Vec::new()) };
    Ok(match refund.text("/status").as_deref() {
        Some("succeeded") => vec![Effect::PaymentRefunded(Refund {
            provider_id,
            payment,
            amount,
            reason: refund.text("/metadata/reason"),
            occurred_at: at,
        })],
        Some(status @ ("failed" | "canceled")) => {
            let code = refund.text("/failure_reason").unwrap_or_else(|| status.to_owned());
            vec![Effect::RefundFailed(RefundFailure {
                provider_id,
                payment,
                amount,
                message: format!("the refund ended as {status}"),
                code,
                occurred_at: at,
            })]
        }
        _ => Vec::new(),
    })
}

pub(crate) fn of_dispute(dispute: Object<'_>, at: u64) -> Effects {
    let payment = dispute.id_at("/payment_intent").or_else(|| dispute.id_at("/charge"));
    let Some(payment) = payment else { return Ok(Vec::new()) };
    let state = match dispute.text("/status").as_deref() {
        // What was only asked about and came to an end took no money.
        Some("won" | "warning_closed" | "prevented") => DisputeState::Won,
        Some("lost") => DisputeState::Lost,
        Some(status) if status.starts_with("warning_") => DisputeState::Inquiry,
        _ => DisputeState::Open,
    };
    let movement = dispute.0.pointer("/balance_transactions/0").map(Object);
    let fee = movement.and_then(|it| it.money("/fee").ok()).filter(|it| 0 < it.minor);
    Ok(vec![Effect::PaymentDisputed(Dispute {
        provider_id: dispute.id()?,
        payment,
        amount: dispute.money("/amount")?,
        fee,
        state,
        occurred_at: at,
    })])
}
