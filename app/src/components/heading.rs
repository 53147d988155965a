//! The top of a screen: where it hangs, what it is, and what can be done with it.

use leptos::prelude::*;

use super::icon::{Icon, IconShape};

/// The one `h1`. Children stand beside it: a state, or the button most people come for.
#[component]
pub fn Heading(
    #[prop(into)] title: String,
    /// The screen above: its path and its name.
    #[prop(optional)]
    up: Option<(String, String)>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <header class="heading">
            {up
                .map(|(href, label)| {
                    view! { <a class="up" href=href><Icon shape=IconShape::Back />{label}</a> }
                })}
            <div class="heading-row">
                <h1>{title}</h1>
                {children.map(|children| children())}
            </div>
        </header>
    }
}
