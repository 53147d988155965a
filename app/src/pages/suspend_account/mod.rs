//! Says what suspending an account does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::AccountRow,
    texts as shared,
};

pub(crate) fn title(account: &AccountRow) -> String {
    texts::title(&account.email)
}

#[component]
pub fn SuspendAccount(account: AccountRow) -> impl IntoView {
    let up = "/operator/accounts".to_owned();
    view! {
        <Heading title=title(&account) up=(up.clone(), shared::NAV_ACCOUNTS.to_owned()) />
        <Confirm
            action=format!("{up}/{}/suspend", account.id)
            label=texts::SUSPEND
            back=up
            consequences=texts::consequences(account.pods)
        />
    }
}
