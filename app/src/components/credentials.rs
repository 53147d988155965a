//! The form with an address and a password: signing up, signing in, following a one-time link.

use leptos::prelude::*;

use super::{Field, Submit};
use crate::{pages::FormState, texts};

/// Asks for an address and a password. With a hint for the password it is a new one.
#[component]
pub fn Credentials(
    #[prop(into)] action: String,
    submit: &'static str,
    form: FormState,
    #[prop(optional, into)] email_hint: Option<String>,
    #[prop(optional, into)] password_hint: Option<String>,
) -> impl IntoView {
    let keeper = if password_hint.is_some() { "new-password" } else { "current-password" };
    view! {
        <form method="post" action=action class="form" novalidate>
            <Field
                name="email"
                label=texts::EMAIL
                kind="email"
                hint=email_hint.unwrap_or_default()
                value=form.value("email")
                error=form.error_of("email")
                autocomplete="username"
            />
            <Field
                name="password"
                label=texts::PASSWORD
                kind="password"
                hint=password_hint.unwrap_or_default()
                error=form.error_of("password")
                autocomplete=keeper
            />
            <Submit label=submit />
        </form>
    }
}
