//! Says what ending a subscription does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::{AccountRow, SubscriptionView},
};

pub(crate) fn title(account: &AccountRow) -> String {
    texts::title(&account.email)
}

#[component]
pub fn EndSubscription(account: AccountRow, subscription: SubscriptionView) -> impl IntoView {
    let up = format!("/operator/accounts/{}", account.id);
    view! {
        <Heading title=title(&account) up=(up.clone(), account.email.clone()) />
        <Confirm
            action=format!("{up}/end-subscription")
            label=texts::END
            back=up
            consequences=texts::consequences(&subscription, account.pods)
        />
    }
}
