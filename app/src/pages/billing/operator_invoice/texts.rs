//! The words of an invoice's page, for operators.

use myrelay_domain::money::Money;

use crate::{components::day_words, contract::Millis};

pub(crate) const ACCOUNT: &str = "Account";
pub(crate) const PLAN: &str = "For";
pub(crate) const AMOUNT: &str = "Amount";
pub(crate) const DUE: &str = "Still due";
pub(crate) const REFERENCE: &str = "Reference to look for";
pub(crate) const SEEN: &str = "On its way";
pub(crate) const PERIOD: &str = "Period";
pub(crate) const MADE: &str = "Made";
pub(crate) const PAID_ON: &str = "Paid on";
pub(crate) const NUMBER: &str = "Number";
pub(crate) const FAILED: &str = "The last payment did not succeed";
pub(crate) const ELSEWHERE: &str = "No transfer is awaited for it. When a provider confirms a \
     payment, it is marked as paid by itself.";
pub(crate) const MARK: &str = "Mark as paid";
pub(crate) const MARK_HINT: &str = "Only when the money is on your account. The plan runs from then \
     on, and it cannot be taken back; too little stays as credit until the rest arrives.";
pub(crate) const AMOUNT_FIELD: &str = "What arrived";
pub(crate) const REFERENCE_FIELD: &str = "What the bank calls it";
pub(crate) const REFERENCE_HINT: &str = "The number or text of the booking. It keeps one transfer from \
     being counted twice.";

/// The heading.
pub(crate) fn title(email: &str) -> String {
    format!("Invoice of {email}")
}

/// What is typed as an amount.
pub(crate) fn amount_hint(due: &Money) -> String {
    format!("In {}. Due: {}.", due.currency, due.number())
}

/// From when until when.
pub(crate) fn period(from: Millis, until: Millis) -> String {
    format!("{} to {}", day_words(from), day_words(until))
}
