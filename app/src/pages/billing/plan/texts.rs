//! The words of the page of a customer's plan.

use myrelay_domain::money::{Interval, Price};

use crate::{
    components::{day_words, exact_words},
    contract::{InvoiceRow, OfferRow, SubscriptionState, SubscriptionView},
    pages::plans,
    texts as shared,
};

pub(crate) const TITLE: &str = "Your plan";
pub(crate) const DUE: &str = "An invoice is open";
pub(crate) const PAY: &str = "Pay it";
pub(crate) const SEE: &str = "See the invoice";
pub(crate) const STOP: &str = "Stop renewing";
pub(crate) const CHANGE: &str = "Change how you pay";
pub(crate) const OFFERS: &str = "Plans to choose from";
pub(crate) const OTHERS: &str = "All plans";
pub(crate) const OFFERS_HINT: &str = "A choice counts from when its first invoice is paid. Until then \
     nothing changes and nothing is taken.";
pub(crate) const LEFT_HINT: &str =
    " It takes the place of your plan then, and what is left of that period is not given back.";
pub(crate) const CHOOSE: &str = "Choose";
pub(crate) const CURRENT: &str = "Your plan";
pub(crate) const NOTHING_TITLE: &str = "No plans to choose from";
pub(crate) const NOTHING_TEXT: &str =
    "The people who run this service sell no plans here now. What you have stays as it is.";
pub(crate) const CREDIT: &str =
    "You paid this and it is not used for anything yet. It counts towards your next invoice.";
pub(crate) const INVOICES: &str = "Invoices";
pub(crate) const NO_INVOICES: &str =
    "No invoices yet. The first one comes when you choose a plan that costs something.";

/// The button that pays once more.
pub(crate) fn renew(state: SubscriptionState) -> &'static str {
    match state {
        SubscriptionState::Ended => "Pay for it again",
        _ => "Pay for the next period",
    }
}

/// Where they change how they pay.
pub(crate) fn change_at(name: &str) -> String {
    format!(
        "Has your card changed? You change how you pay on a page of {name}, and come back here \
         afterwards."
    )
}

/// An open invoice.
pub(crate) fn due(invoice: &InvoiceRow) -> String {
    format!("{} for {}.", invoice.total, invoice.plan)
}

/// An invoice for which money is on its way.
pub(crate) fn on_its_way(invoice: &InvoiceRow) -> String {
    format!("{} for {}: the money is on its way.", invoice.total, invoice.plan)
}

/// The plan of an account that never chose one.
pub(crate) fn none(plan: &str, unpaid: bool) -> String {
    if unpaid {
        format!("You begin with the {plan} plan, or any other that is offered.")
    } else {
        format!("You have the {plan} plan. Nothing is due for it.")
    }
}

/// The plan that counts is not the subscription's.
pub(crate) fn given(plan: &str) -> String {
    format!("The limits of the {plan} plan count for you now.")
}

/// What a state means, and until when.
pub(crate) fn explain(it: &SubscriptionView) -> String {
    let until = it.paid_until.map(day_words).unwrap_or_default();
    let stops = it.stops_at.map(exact_words).unwrap_or_default();
    match it.state {
        SubscriptionState::Pending => {
            "You chose this plan. It begins when its first invoice is paid.".to_owned()
        }
        SubscriptionState::Active if it.ends => format!(
            "It is paid until {until}, and nobody collects for it after that. Without a payment \
             your locations rest from {stops} on."
        ),
        SubscriptionState::Active => match &it.renews_by {
            Some(name) => format!("It is paid until {until}. {name} collects for it then."),
            None => format!(
                "It is paid until {until}. Pay for the next period around then: without a payment \
                 your locations rest from {stops} on."
            ),
        },
        SubscriptionState::PastDue => format!(
            "It was paid until {until}. Pay for the next period before {stops}, or your locations \
             rest from then on."
        ),
        SubscriptionState::Ended if it.paid_until.is_none() => {
            "It was never paid for, and is over.".to_owned()
        }
        SubscriptionState::Ended => {
            format!("It was paid until {until}, and is over. Pay for it again to go on with it.")
        }
    }
}

/// What a plan has, one line each.
pub(crate) fn limits(it: &OfferRow) -> Vec<String> {
    let mut lines = vec![
        shared::count(it.pods, "location", "locations"),
        format!("{} in each", shared::devices(it.devices_per_pod)),
    ];
    lines.push(match it.traffic.speed {
        Some(_) => plans::speed(it.traffic.speed),
        None => "As fast as the node can".to_owned(),
    });
    lines.push(match it.traffic.quota {
        Some(_) => format!("Data a month, in each: {}", plans::quota(it.traffic.quota)),
        None => "As much data as you like".to_owned(),
    });
    lines
}

/// An amount and what it is for.
pub(crate) fn price(price: Price) -> (String, &'static str) {
    let interval = match price.interval {
        Interval::Month => "a month",
        Interval::Year => "a year",
    };
    (price.amount.to_string(), interval)
}

/// A button's name for those who do not see the card.
pub(crate) fn choose(plan: &str) -> String {
    format!("{CHOOSE} {plan}")
}
