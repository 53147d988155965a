//! Says what it means that nobody collects for a plan any more, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::SubscriptionView,
    texts as shared,
};

pub(crate) fn title(subscription: &SubscriptionView) -> String {
    texts::title(&subscription.plan)
}

#[component]
pub fn CancelPlan(subscription: SubscriptionView) -> impl IntoView {
    view! {
        <Heading
            title=title(&subscription)
            up=("/plan".to_owned(), shared::NAV_PLAN.to_owned())
        />
        <Confirm
            action="/plan/cancel"
            label=texts::STOP
            back="/plan"
            consequences=texts::consequences(&subscription)
        />
    }
}
