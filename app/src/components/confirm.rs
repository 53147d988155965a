//! The end of a screen that says what will happen and asks for it.

use leptos::prelude::*;

use super::button::{ButtonLink, Look, Submit};
use crate::texts;

/// What happens, the button named by its effect, and the way back.
#[component]
pub fn Confirm(
    /// Where the form goes.
    #[prop(into)]
    action: String,
    /// The effect, as a verb and its object.
    #[prop(into)]
    label: String,
    /// Where "keep it" leads.
    #[prop(into)]
    back: String,
    /// What will happen, one sentence each.
    consequences: Vec<String>,
) -> impl IntoView {
    view! {
        <ul class="consequences">
            {consequences.into_iter().map(|it| view! { <li>{it}</li> }).collect_view()}
        </ul>
        <form method="post" action=action class="actions">
            <Submit label=label look=Look::Danger />
            <ButtonLink href=back label=texts::CANCEL look=Look::Quiet />
        </form>
    }
}
