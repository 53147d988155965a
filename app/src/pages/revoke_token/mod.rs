//! Says what revoking a token does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::TokenView,
};

pub(crate) fn title(view: &TokenView) -> String {
    texts::title(&view.token.name)
}

#[component]
pub fn RevokeToken(view: TokenView) -> impl IntoView {
    let up = format!("/pods/{}/tokens", view.pod);
    view! {
        <Heading title=title(&view) up=(up.clone(), texts::UP.to_owned()) />
        <Confirm
            action=format!("{up}/{}/revoke", view.token.id)
            label=texts::REVOKE
            back=up
            consequences=texts::consequences(&view.location)
        />
    }
}
