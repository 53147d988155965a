//! The words of the page that ends a subscription.

use crate::{
    components::day_words,
    contract::{SubscriptionState, SubscriptionView},
    texts,
};

pub(crate) const END: &str = "End this subscription";

/// The heading.
pub(crate) fn title(email: &str) -> String {
    format!("End the subscription of {email}")
}

/// What will happen.
pub(crate) fn consequences(it: &SubscriptionView, pods: u32) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(until) = it.paid_until {
        all.push(format!(
            "{} ends now, although it may be paid for: it was paid until {}. Nothing is given back \
             by this; refund the payment if you want that.",
            it.plan,
            day_words(until)
        ));
    } else {
        all.push(format!("{} ends now. It was not paid for yet.", it.plan));
    }
    if let Some(name) = &it.renews_by {
        all.push(format!("{name} is told to collect nothing more."));
    }
    all.push("Its open invoices become void.".to_owned());
    if 0 < pods && it.state != SubscriptionState::Pending {
        all.push(format!(
            "Its {} rest until a plan is paid for. Devices, keys and addresses are kept.",
            texts::pods(pods)
        ));
    }
    all
}
