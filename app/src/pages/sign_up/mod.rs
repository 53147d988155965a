//! Customers begin.

pub(crate) mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{ErrorSummary, Field, Heading, Submit},
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
            <form method="post" action="/sign-up" class="form" novalidate>
                <Field
                    name="email"
                    label=shared::EMAIL
                    kind="email"
                    hint=texts::EMAIL_HINT
                    value=form.value("email")
                    error=form.error_of("email")
                    autocomplete="username"
                />
                <Field
                    name="password"
                    label=shared::PASSWORD
                    kind="password"
                    hint=texts::password_hint()
                    error=form.error_of("password")
                    autocomplete="new-password"
                />
                <Submit label=texts::TITLE />
            </form>
            <p class="aside">{texts::HAVE_ACCOUNT}<a href="/sign-in">{shared::SIGN_IN}</a></p>
        </div>
    }
}
