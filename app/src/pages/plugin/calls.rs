//! What a plugin did of late: each call with its log and its requests.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::Time,
    contract::{Millis, PluginCallRow},
};

#[component]
pub fn Calls(calls: Vec<PluginCallRow>, now: Millis) -> impl IntoView {
    let none = calls.is_empty();
    view! {
        <section class="part">
            <h2>{texts::CALLS}</h2>
            {none.then(|| view! { <p class="muted">{texts::NO_CALLS}</p> })}
            <ul class="rows">
                {calls.into_iter().map(|call| view! { <Call call now /> }).collect_view()}
            </ul>
        </section>
    }
}

#[component]
fn Call(call: PluginCallRow, now: Millis) -> impl IntoView {
    let what = texts::what(&call);
    let used = texts::used(&call);
    let lines: Vec<String> = texts::lines(&call);
    let text = lines.join("\n");
    let failure = call.failure;
    view! {
        <li class="row">
            <div class="row-words">
                <span class="breakable">{what}</span>
                {failure.map(|it| view! { <span class="fault breakable">{it}</span> })}
                <span class="muted"><Time at=call.at now />" · "{used}</span>
                {(!lines.is_empty())
                    .then(|| {
                        view! {
                            <details>
                                <summary>{texts::DETAILS}</summary>
                                <pre class="code" tabindex="0">{text}</pre>
                            </details>
                        }
                    })}
            </div>
        </li>
    }
}
