//! A new token, shown once.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Heading, Look, Notice, Tone, exact_words},
    contract::CreatedToken,
};

pub(crate) fn title(token: &CreatedToken) -> String {
    texts::title(&token.name)
}

#[component]
pub fn NewToken(token: CreatedToken) -> impl IntoView {
    let up = format!("/pods/{}/tokens", token.pod);
    let ends = token
        .expires_at
        .map_or_else(|| texts::ENDLESS.to_owned(), |at| texts::ends(&exact_words(at)));
    view! {
        <Heading title=title(&token) up=(up.clone(), texts::UP.to_owned()) />
        <p class="lede">{texts::lede(&token.location)}</p>
        <pre class="code code-line" tabindex="0" id="new-token">{token.token}</pre>
        <p class="muted">{texts::SELECT}" "{ends}</p>
        <Notice tone=Tone::Warn title=texts::ONCE_TITLE text=texts::ONCE />
        <div class="actions">
            <ButtonLink href=up label=texts::DONE look=Look::Secondary />
        </div>
    }
}
