//! Customers come in.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{Credentials, ErrorSummary, Heading},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn SignIn(form: FormState) -> impl IntoView {
    view! {
        <div class="narrow">
            <ErrorSummary error=form.error.clone() fields=&["email", "password"] />
            <Heading title=texts::TITLE />
            <Credentials action="/sign-in" submit=texts::TITLE form />
            <p class="aside">{texts::NO_ACCOUNT}<a href="/sign-up">{shared::SIGN_UP}</a></p>
        </div>
    }
}
