//! Customers come in.

mod texts;

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
pub fn SignIn(form: FormState) -> impl IntoView {
    view! {
        <div class="narrow">
            <ErrorSummary error=form.error.clone() fields=&["email", "password"] />
            <Heading title=texts::TITLE />
            <form method="post" action="/sign-in" class="form" novalidate>
                <Field
                    name="email"
                    label=shared::EMAIL
                    kind="email"
                    value=form.value("email")
                    error=form.error_of("email")
                    autocomplete="username"
                />
                <Field
                    name="password"
                    label=shared::PASSWORD
                    kind="password"
                    error=form.error_of("password")
                    autocomplete="current-password"
                />
                <Submit label=texts::TITLE />
            </form>
            <p class="aside">{texts::NO_ACCOUNT}<a href="/sign-up">{shared::SIGN_UP}</a></p>
        </div>
    }
}
