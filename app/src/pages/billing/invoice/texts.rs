//! The words of an invoice's page.

use crate::{
    components::day_words,
    contract::{Millis, PayerAway},
    texts,
};

pub(crate) const PLAN: &str = "For";
pub(crate) const AMOUNT: &str = "Amount";
pub(crate) const DUE: &str = "Still to be paid";
pub(crate) const AFTER_CREDIT: &str = "after what you paid already";
pub(crate) const PERIOD: &str = "Period";
pub(crate) const MADE: &str = "Made on";
pub(crate) const PAID_ON: &str = "Paid on";
pub(crate) const ACCOUNT: &str = "Account";
pub(crate) const NUMBER: &str = "Number";

pub(crate) const PAID: &str = "Paid";
pub(crate) const PAID_TEXT: &str =
    "The payment arrived, and there is nothing to do. Print this page if you need it on paper.";
pub(crate) const VOID: &str = "Nothing is to be paid";
pub(crate) const VOID_TEXT: &str = "This invoice does not count any more. Do not pay it: what you pay \
     for it would become credit.";
pub(crate) const FAILED: &str = "The last payment did not succeed";

pub(crate) const WAITING: &str = "It is paid when they tell us so, and not before. This page looks \
     again every 5 seconds; you may also close it.";
pub(crate) const LOOK_AGAIN: &str = "Look again now";

pub(crate) const WAYS: &str = "Ways to pay";
pub(crate) const OTHER_WAYS: &str = "Pay in another way";
pub(crate) const OTHER_WAYS_HINT: &str =
    "Only if you have not paid in the way above: what is paid twice becomes credit.";
pub(crate) const RENEWS: &str = "Collects the following periods too, until you stop it.";
pub(crate) const ONCE: &str = "For this period only.";
pub(crate) const PAY: &str = "Pay";
pub(crate) const NO_WAY: &str = "There is no way to pay now";
pub(crate) const TO_PLAN: &str = "Back to your plan";

pub(crate) const SEEN: &str = "Your payment is on its way";
pub(crate) const EXPIRES: &str = "This way to pay is open until ";
pub(crate) const BY_HAND: &str = "A transfer takes a day or more. The people who run this service look \
     for it and say here that it arrived.";
pub(crate) const CHECK: &str = "Check now";
pub(crate) const CHECK_HINT: &str = "Asks whether a payment arrived. We also ask by ourselves.";
pub(crate) const NO_SITE: &str = "We cannot send you there";
pub(crate) const NO_SITE_TEXT: &str = "The address we were given is not one of a secure site. Choose \
     another way to pay, and tell the people who run this service.";
pub(crate) const TRANSFER: &str =
    "Send the amount to this account. The reference has to stand in the transfer.";
pub(crate) const REFERENCE: &str = "Reference";
pub(crate) const REFERENCE_HINT: &str =
    "Copy it as it stands: without it nobody can tell whose transfer it is.";
pub(crate) const COINS: &str = "Send exactly this amount to this address, in one payment. The \
     network's fee comes on top of it.";
pub(crate) const COIN_AMOUNT: &str = "Amount";
pub(crate) const ADDRESS: &str = "Address";
pub(crate) const OPEN_WALLET: &str = "Open in a wallet";

/// Why there is no way to pay, and what to do.
pub(crate) fn no_way(away: Option<PayerAway>) -> &'static str {
    match away {
        None => {
            "The people who run this service have to set one up. The invoice stays as it is: come \
             back later."
        }
        Some(PayerAway::Silent) => {
            "What takes payments here does not answer at the moment. The invoice stays as it is: try \
             again in a few minutes."
        }
        Some(PayerAway::Stopped) => {
            "What takes payments here is stopped until the people who run this service look at it, as \
             their pages tell them. The invoice stays as it is: come back tomorrow, and write to them \
             if nothing changed."
        }
        Some(PayerAway::Disabled) => {
            "The people who run this service have switched off what takes payments here. The invoice \
             stays as it is: write to them if you want to pay it."
        }
    }
}

/// The heading.
pub(crate) fn title(plan: &str) -> String {
    format!("Invoice for {plan}")
}

/// From when until when.
pub(crate) fn period(from: Millis, until: Millis) -> String {
    format!("{} to {}", day_words(from), day_words(until))
}

/// Why it was not paid, in the provider's words, and what to do.
pub(crate) fn failed(why: &str) -> String {
    let why = texts::capital(why.trim_end_matches('.').to_owned());
    format!("{why}. Try again, or choose another way to pay.")
}

/// Nothing is known yet.
pub(crate) fn waiting(method: Option<&str>) -> String {
    match method {
        Some(method) => format!("We wait for the confirmation of {method}"),
        None => "We wait for the confirmation of your payment".to_owned(),
    }
}

/// A heading, and a button's name for those who do not see the row.
pub(crate) fn pay_with(method: &str) -> String {
    format!("Pay with {method}")
}

/// What the provider saw, in its words.
pub(crate) fn seen(words: &str) -> String {
    let words = texts::capital(words.trim_end_matches('.').to_owned());
    format!("{words}. There is nothing more to do: do not pay again.")
}

/// Where they pay.
pub(crate) fn elsewhere(site: &str) -> String {
    format!("You pay on {site}, and come back here afterwards.")
}

/// A link's words.
pub(crate) fn go_on(method: &str) -> String {
    format!("Continue to {method}")
}

/// A saved method was charged.
pub(crate) fn charged(method: &str) -> String {
    format!("{method} charges what you saved there. There is nothing to do.")
}

/// What a QR code holds.
pub(crate) fn qr_label(amount: &str) -> String {
    format!("QR code that asks a wallet for {amount}")
}
