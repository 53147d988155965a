//! Operators come in, apart from customers.

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
pub fn OperatorSignIn(form: FormState) -> impl IntoView {
    view! {
        <div class="narrow">
            <ErrorSummary error=form.error.clone() fields=&["email", "password"] />
            <Heading title=texts::TITLE />
            <p class="muted">{texts::LEDE}<a href="/sign-in">{texts::LEDE_LINK}</a>"."</p>
            <Credentials action="/operator/sign-in" submit=shared::SIGN_IN form />
        </div>
    }
}
