//! What the owner of a location that moved has to do.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Notice, Tone, exact_words},
    contract::MovedView,
};

/// The lines that change, and by when; nothing where nothing moved.
#[component]
pub fn Moved(moved: Option<MovedView>) -> impl IntoView {
    moved.map(|moved| {
        let until = moved.ends_at.map(exact_words);
        let lines =
            moved.public_key.map(|key| format!("PublicKey = {key}\nEndpoint = {}", moved.endpoint));
        let text = if lines.is_some() { texts::MOVED_LINES } else { texts::MOVED_SOON };
        view! {
            <Notice tone=Tone::Warn title=texts::MOVED text=texts::moved(until.as_deref())>
                <p>{text}</p>
                {lines
                    .map(|lines| {
                        view! {
                            <pre class="code" tabindex="0">{lines}</pre>
                            <p>{texts::MOVED_SPLIT}</p>
                        }
                    })}
            </Notice>
        }
    })
}
