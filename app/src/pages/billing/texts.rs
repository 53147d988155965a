//! The words that several screens about money share.

use myrelay_domain::money::Money;

use crate::{
    components::{Column, day_words},
    contract::{Millis, SubscriptionState, SubscriptionView},
    texts,
};

pub(crate) const PRICE: &str = "Price";
pub(crate) const PAID_UNTIL: &str = "Paid until";
pub(crate) const RENEWAL: &str = "Renewal";
pub(crate) const INVOICES: &str = "Invoices";
pub(crate) const PAYMENTS: &str = "Payments";
pub(crate) const CREDIT: &str = "Credit";
pub(crate) const DISPUTED: &str = "Disputed";
pub(crate) const REFUND: &str = "Refund";

pub(crate) const FOR: Column = ("Plan", false);
pub(crate) const STATE: Column = ("State", false);
pub(crate) const MADE: Column = ("Made", false);
pub(crate) const PAID: Column = ("Paid", false);
pub(crate) const AMOUNT: Column = ("Amount", true);
pub(crate) const INVOICE_COLUMNS: &[Column] = &[FOR, STATE, MADE, PAID, AMOUNT];

pub(crate) const WHEN: Column = ("Arrived", false);
pub(crate) const ACCOUNT: Column = ("Account", false);
pub(crate) const METHOD: Column = ("By", false);
pub(crate) const REFERENCE: Column = ("Reference", false);
pub(crate) const REFUNDED: Column = ("Refunded", true);
pub(crate) const ACTION: Column = ("Action", false);
pub(crate) const PAYMENT_COLUMNS: &[Column] =
    &[WHEN, ACCOUNT, METHOD, REFERENCE, AMOUNT, REFUNDED, ACTION];
pub(crate) const PAYMENT_COLUMNS_OF_ONE: &[Column] =
    &[WHEN, METHOD, REFERENCE, AMOUNT, REFUNDED, ACTION];

/// Who collects the next period; nothing where there is no next one.
pub(crate) fn renewal(it: &SubscriptionView) -> Option<String> {
    let runs = matches!(it.state, SubscriptionState::Active | SubscriptionState::PastDue);
    match &it.renews_by {
        _ if !runs => None,
        _ if it.ends => Some("Nobody collects the next period".to_owned()),
        Some(name) => Some(format!("{name} collects each period by itself")),
        None => Some("By hand: each period is paid for when it comes".to_owned()),
    }
}

/// A link's name for those who do not see the row.
pub(crate) fn refund(reference: &str) -> String {
    format!("{REFUND} {reference}")
}

/// A day, or a dash where it has not come.
pub(crate) fn day_or_dash(at: Option<Millis>) -> String {
    at.map_or_else(|| texts::NO_VALUE.to_owned(), day_words)
}

/// An amount, or a dash where it is nothing.
pub(crate) fn some_money(amount: Money) -> String {
    if amount.minor == 0 { texts::NO_VALUE.to_owned() } else { amount.to_string() }
}

/// Sums of several currencies.
pub(crate) fn sums(sums: &[Money]) -> String {
    let sums: Vec<_> = sums.iter().map(ToString::to_string).collect();
    sums.join(", ")
}
