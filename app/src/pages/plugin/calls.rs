//! What a plugin did of late: each call with its input, its answer, its requests and its log.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::Time,
    contract::{Millis, PluginCallRow},
};

#[component]
pub fn Calls(path: String, calls: Vec<PluginCallRow>, now: Millis) -> impl IntoView {
    let none = calls.is_empty();
    view! {
        <section class="part">
            <h2>{texts::CALLS}</h2>
            {none.then(|| view! { <p class="muted">{texts::NO_CALLS}</p> })}
            <ul class="rows">
                {calls
                    .into_iter()
                    .map(|call| {
                        let again = call
                            .input
                            .as_ref()
                            .map(|_| format!("{path}/calls/{}/try", call.id));
                        view! { <Call call again now /> }
                    })
                    .collect_view()}
            </ul>
        </section>
    }
}

/// One call, and where it is made once more; none where it cannot be.
#[component]
pub fn Call(call: PluginCallRow, again: Option<String>, now: Millis) -> impl IntoView {
    let what = texts::what(&call);
    let used = texts::used(&call);
    let parts = texts::parts(&call);
    let failure = call.failure;
    view! {
        <li class="row">
            <div class="row-words">
                <span class="breakable">{what}</span>
                {failure.map(|it| view! { <span class="fault breakable">{it}</span> })}
                <span class="muted"><Time at=call.at now />" · "{used}</span>
                {(!parts.is_empty() || again.is_some())
                    .then(|| {
                        view! {
                            <details>
                                <summary>{texts::DETAILS}</summary>
                                {parts
                                    .into_iter()
                                    .map(|(title, text)| {
                                        view! {
                                            <h3>{title}</h3>
                                            <pre class="code" tabindex="0">{text}</pre>
                                        }
                                    })
                                    .collect_view()}
                                {again
                                    .map(|action| {
                                        view! {
                                            <form method="post" action=action>
                                                <button type="submit" class="row-action">
                                                    {texts::TRY_CALL}
                                                </button>
                                            </form>
                                        }
                                    })}
                            </details>
                        }
                    })}
            </div>
        </li>
    }
}
