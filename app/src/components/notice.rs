//! A few words set apart from the rest.

use leptos::prelude::*;

use super::badge::Tone;

/// A heading in bold and what it means.
#[component]
pub fn Notice(
    tone: Tone,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class=format!("notice notice-{}", tone.class())>
            <p class="notice-title">{title}</p>
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
}
