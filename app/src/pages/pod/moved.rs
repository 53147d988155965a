//! What the owner of a location that moved has to do.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Notice, Tone, exact_words},
    contract::MovedView,
};

/// The two lines that change, and by when; nothing where nothing moved.
#[component]
pub fn Moved(moved: Option<MovedView>) -> impl IntoView {
    moved.map(|moved| {
        let until = exact_words(moved.ends_at);
        let lines =
            moved.public_key.map(|key| format!("PublicKey = {key}\nEndpoint = {}", moved.endpoint));
        let text = if lines.is_some() { texts::moved(&until) } else { texts::moved_soon(&until) };
        view! {
            <Notice tone=Tone::Warn title=texts::MOVED text=text>
                {lines.map(|lines| view! { <pre class="code" tabindex="0">{lines}</pre> })}
            </Notice>
        }
    })
}
