//! All calls of a plugin that are kept, in pages: all of them, those that failed, or the tries of one
//! delivery.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Empty, Heading, IconShape, Look, Submit},
    contract::{CallsWanted, Millis, PluginCallsView},
    pages::plugin::CallRows,
    texts as shared,
};

pub(crate) fn title(view: &PluginCallsView) -> String {
    texts::title(&view.plugin.name)
}

#[component]
pub fn PluginCalls(view: PluginCallsView, now: Millis) -> impl IntoView {
    let title = title(&view);
    let PluginCallsView { plugin, wanted, calls } = view;
    let up = format!("/operator/plugins/{}", plugin.id);
    let none = calls.rows.is_empty();
    view! {
        <Heading title=title up=(up.clone(), plugin.name) />
        <p class="muted">{texts::LEDE}</p>
        <Wanted path=format!("{up}/calls") wanted=wanted.clone() />
        {match (none, texts::nothing(&wanted)) {
            (true, None) => {
                view! {
                    <Empty shape=IconShape::Plug title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT />
                }
                    .into_any()
            }
            (true, Some(text)) => view! { <p role="status">{text}</p> }.into_any(),
            (false, _) => view! { <CallRows path=up.clone() calls=calls.rows now /> }.into_any(),
        }}
        {calls.next.map(|next| view! { <Next path=format!("{up}/calls") wanted next /> })}
    }
}

/// What is shown, and the way to what else there is.
#[component]
fn Wanted(path: String, wanted: CallsWanted) -> impl IntoView {
    let is_all = wanted == CallsWanted::default();
    let (href, label) = match is_all {
        true => (format!("{path}?failed=1"), texts::ONLY_FAILED),
        false => (path, texts::ALL),
    };
    view! {
        {wanted
            .delivery
            .map(|it| view! { <p>{texts::TRIES_OF}" "<code class="breakable">{it}</code></p> })}
        {wanted.failed.then(|| view! { <p>{texts::FAILED}</p> })}
        <div class="actions">
            <ButtonLink href label look=Look::Secondary />
        </div>
    }
}

/// The way to the calls before these.
#[component]
fn Next(path: String, wanted: CallsWanted, next: String) -> impl IntoView {
    view! {
        <form method="get" action=path class="actions">
            {wanted.failed.then(|| view! { <input type="hidden" name="failed" value="1" /> })}
            {wanted
                .delivery
                .map(|it| view! { <input type="hidden" name="delivery" value=it /> })}
            <input type="hidden" name="after" value=next />
            <Submit label=shared::NEXT_PAGE look=Look::Secondary />
        </form>
    }
}
