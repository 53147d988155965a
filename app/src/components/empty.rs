//! A list with nothing in it yet: what it is for, and the one button.

use leptos::prelude::*;

use super::icon::{Icon, IconShape};

/// A small picture, what this will be, and (as children) what to do.
#[component]
pub fn Empty(
    shape: IconShape,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <span class="empty-picture"><Icon shape=shape /></span>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
}
