//! A new operator sets a password.

mod texts;

use leptos::prelude::*;

use super::{FormState, sign_up};
use crate::{
    components::{ErrorSummary, Field, Heading, Submit},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Invite(token: String, form: FormState) -> impl IntoView {
    view! {
        <div class="narrow">
            <ErrorSummary error=form.error.clone() fields=&["email", "password"] />
            <Heading title=texts::TITLE />
            <p class="lede">{texts::LEDE}</p>
            <form
                method="post"
                action=format!("/operator/invite/{token}")
                class="form"
                novalidate
            >
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
                    hint=sign_up::texts::password_hint()
                    error=form.error_of("password")
                    autocomplete="new-password"
                />
                <Submit label=texts::SUBMIT />
            </form>
        </div>
    }
}
