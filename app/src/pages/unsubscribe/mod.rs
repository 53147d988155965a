//! What the link in a message ends: for whoever has the message, signed in or not.

mod texts;

use leptos::prelude::*;

use super::notifications;
use crate::{
    components::{Heading, Notice, Submit, Tone},
    contract::UnsubscribeView,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Unsubscribe(view: UnsubscribeView) -> impl IntoView {
    let kind = notifications::kind_words(view.kind);
    view! {
        <Heading title=texts::TITLE />
        {if view.on {
            view! {
                <p class="lede">{texts::what(kind, &view.name)}</p>
                <p class="muted">{texts::REST}</p>
                <form
                    method="post"
                    action=format!("/unsubscribe/{}", view.link)
                    class="actions"
                >
                    <Submit label=texts::STOP />
                </form>
            }
                .into_any()
        } else {
            view! {
                <Notice tone=Tone::Good title=texts::DONE text=texts::done(kind, &view.name) />
            }
                .into_any()
        }}
    }
}
