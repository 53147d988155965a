//! A new operator sets a password.

mod texts;

use leptos::prelude::*;

use super::{FormState, sign_up};
use crate::components::{Credentials, ErrorSummary, Heading};

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
            <Credentials
                action=format!("/operator/invite/{token}")
                submit=texts::SUBMIT
                form
                password_hint=sign_up::texts::password_hint()
            />
        </div>
    }
}
