//! How far something is: a bar, and the same in words.

use leptos::prelude::*;

/// The words are what counts; the bar shows them at a glance.
#[component]
pub fn Progress(done: u64, total: u64, #[prop(into)] words: String) -> impl IntoView {
    view! {
        <div class="progress">
            <progress max=total.max(1).to_string() value=done.to_string() aria-label=words.clone()></progress>
            <p>{words}</p>
        </div>
    }
}
