//! Customers begin.

pub(crate) mod texts;

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
pub fn SignUp(form: FormState) -> impl IntoView {
    view! {
        <div class="narrow">
            <ErrorSummary error=form.error.clone() fields=&["email", "password"] />
            <Heading title=texts::TITLE />
            <p class="lede">{texts::LEDE}</p>
            <Credentials
                action="/sign-up"
                submit=texts::TITLE
                form
                email_hint=texts::EMAIL_HINT
                password_hint=texts::password_hint()
            />
            <p class="aside">{texts::HAVE_ACCOUNT}<a href="/sign-in">{shared::SIGN_IN}</a></p>
        </div>
    }
}
