//! The screens of the money: what a customer has and owes, and what operators see of it.

#[cfg(feature = "ssr")]
mod addresses;
#[cfg(feature = "ssr")]
mod cancel_plan;
#[cfg(feature = "ssr")]
mod end_subscription;
#[cfg(feature = "ssr")]
mod invoice;
#[cfg(feature = "ssr")]
mod operator_invoice;
#[cfg(feature = "ssr")]
pub(crate) mod parts;
#[cfg(feature = "ssr")]
mod payments;
#[cfg(feature = "ssr")]
mod plan;
#[cfg(feature = "ssr")]
mod refund;
#[cfg(feature = "ssr")]
mod texts;

#[cfg(feature = "ssr")]
use leptos::prelude::*;

use super::FormState;
#[cfg(feature = "ssr")]
use crate::contract::Millis;
use crate::contract::{AccountRow, BillingView, InvoiceView, Page, PaymentRow, SubscriptionView};

/// One screen about money with what it shows.
#[derive(Clone)]
pub enum Billing {
    // For customers.
    /// The form says why a plan was not chosen.
    Plan { view: BillingView, form: FormState },
    /// Says what it means that nobody collects any more, and asks.
    CancelPlan(SubscriptionView),
    Invoice {
        view: InvoiceView,
        /// They come back from where they pay, or asked whether it arrived.
        back: bool,
        /// The form says why a way to pay could not be begun.
        form: FormState,
    },
    // For operators.
    Payments {
        /// Invoices that wait for a transfer somebody has to look for.
        awaited: Vec<InvoiceView>,
        payments: Page<PaymentRow>,
    },
    /// The form is the one that says that money arrived.
    OperatorInvoice { view: InvoiceView, form: FormState },
    /// The form says how much goes back.
    Refund { payment: PaymentRow, form: FormState },
    /// Says what ending will do, and asks.
    EndSubscription { account: AccountRow, subscription: SubscriptionView },
}

#[cfg(feature = "ssr")]
impl Billing {
    /// What the browser's tab says.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Plan { .. } => plan::title(),
            Self::CancelPlan(subscription) => cancel_plan::title(subscription),
            Self::Invoice { view, .. } => invoice::title(view),
            Self::Payments { .. } => payments::title(),
            Self::OperatorInvoice { view, .. } => operator_invoice::title(view),
            Self::Refund { payment, .. } => refund::title(payment),
            Self::EndSubscription { account, .. } => end_subscription::title(account),
        }
    }

    /// Whether a form came back with an error.
    pub(crate) fn is_refused(&self) -> bool {
        match self {
            Self::Plan { form, .. }
            | Self::Invoice { form, .. }
            | Self::OperatorInvoice { form, .. }
            | Self::Refund { form, .. } => form.error.is_some(),
            Self::CancelPlan(_) | Self::Payments { .. } | Self::EndSubscription { .. } => false,
        }
    }

    /// After how many seconds the browser loads the page again by itself.
    pub(crate) fn loads_again_after(&self) -> Option<u8> {
        match self {
            Self::Invoice { view, back, form } if form.error.is_none() => {
                invoice::waits(view, *back).then_some(invoice::AGAIN_AFTER_S)
            }
            _ => None,
        }
    }
}

/// Draws one of them.
#[cfg(feature = "ssr")]
#[component]
pub fn BillingPage(billing: Billing, now: Millis) -> impl IntoView {
    match billing {
        Billing::Plan { view, form } => view! { <plan::Plan view form now /> }.into_any(),
        Billing::CancelPlan(subscription) => {
            view! { <cancel_plan::CancelPlan subscription /> }.into_any()
        }
        Billing::Invoice { view, back, form } => {
            view! { <invoice::Invoice view back form now /> }.into_any()
        }
        Billing::Payments { awaited, payments } => {
            view! { <payments::Payments awaited payments now /> }.into_any()
        }
        Billing::OperatorInvoice { view, form } => {
            view! { <operator_invoice::OperatorInvoice view form now /> }.into_any()
        }
        Billing::Refund { payment, form } => {
            view! { <refund::Refund payment form now /> }.into_any()
        }
        Billing::EndSubscription { account, subscription } => {
            view! { <end_subscription::EndSubscription account subscription /> }.into_any()
        }
    }
}
