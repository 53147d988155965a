//! The line that makes a server a node, shown once.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Heading, Look, Notice, Time, Tone},
    contract::{JoinView, Millis},
    texts as shared,
};

pub(crate) fn title(join: &JoinView) -> String {
    texts::title(&join.name)
}

#[component]
pub fn Join(join: JoinView, now: Millis) -> impl IntoView {
    view! {
        <Heading
            title=title(&join)
            up=("/operator/nodes".to_owned(), shared::NAV_NODES.to_owned())
        />
        <p class="lede">{texts::LEDE}</p>
        <pre class="code code-line" tabindex="0" id="join-line">{join.line}</pre>
        <p class="muted">{texts::ENDS}<Time at=join.expires_at now />". "{texts::SELECT}</p>
        <Notice tone=Tone::Warn title=texts::ONCE_TITLE text=texts::ONCE />
        <div class="actions">
            <ButtonLink
                href=format!("/operator/nodes/{}", join.node)
                label=texts::DONE
                look=Look::Secondary
            />
        </div>
    }
}
