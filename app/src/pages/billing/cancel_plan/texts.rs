//! The words of the page that stops renewing.

use crate::{
    components::{day_words, exact_words},
    contract::SubscriptionView,
};

pub(crate) const STOP: &str = "Stop renewing";

/// The heading.
pub(crate) fn title(plan: &str) -> String {
    format!("Stop renewing {plan}")
}

/// What will happen.
pub(crate) fn consequences(it: &SubscriptionView) -> Vec<String> {
    let collects = match &it.renews_by {
        Some(name) => format!("{name} collects nothing more from you."),
        None => "Nothing more is collected from you.".to_owned(),
    };
    let mut all = vec![collects];
    if let Some(until) = it.paid_until {
        all.push(format!("What you paid for stays: your plan works until {}.", day_words(until)));
    }
    if let Some(stops) = it.stops_at {
        all.push(format!(
            "Unless you pay by yourself, your locations rest from {} on. They are kept with their \
             devices, keys and addresses.",
            exact_words(stops)
        ));
    }
    all
}
