//! What a plugin did of late: each call with its input, its answer, its requests and its log.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{ButtonLink, Look, Time},
    contract::{Millis, PluginCallRow},
};

#[component]
pub fn Calls(path: String, calls: Vec<PluginCallRow>, now: Millis) -> impl IntoView {
    let none = calls.is_empty();
    let all = format!("{path}/calls");
    view! {
        <section class="part">
            <h2>{texts::CALLS}</h2>
            {none.then(|| view! { <p class="muted">{texts::NO_CALLS}</p> })}
            <CallRows path calls now />
            {(!none)
                .then(|| {
                    view! {
                        <div class="actions">
                            <ButtonLink href=all label=texts::ALL_CALLS look=Look::Secondary />
                        </div>
                    }
                })}
        </section>
    }
}

/// Calls of the plugin whose page this is the path of; those that are kept can be made once more.
#[component]
pub fn CallRows(path: String, calls: Vec<PluginCallRow>, now: Millis) -> impl IntoView {
    view! {
        <ul class="rows">
            {calls
                .into_iter()
                .map(|call| {
                    let again = call.input.as_ref().map(|_| format!("{path}/calls/{}/try", call.id));
                    view! { <Call path=path.clone() call again now /> }
                })
                .collect_view()}
        </ul>
    }
}

/// One call, and where it is made once more; none where it cannot be.
#[component]
pub fn Call(
    path: String,
    call: PluginCallRow,
    again: Option<String>,
    now: Millis,
) -> impl IntoView {
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
                <Origin path version=call.version delivery=call.delivery />
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

/// Which version it was, and what it was a try of, with a way to all tries.
#[component]
fn Origin(path: String, version: Option<String>, delivery: Option<String>) -> impl IntoView {
    let between = version.is_some() && delivery.is_some();
    if version.is_none() && delivery.is_none() {
        return ().into_any();
    }
    view! {
        <span class="muted breakable">
            {version.map(|it| texts::ran(&it))}
            {between.then_some(" · ")}
            {delivery
                .map(|it| {
                    let tries = texts::is_plain(&it).then(|| texts::tries(&path, &it));
                    view! {
                        {texts::DELIVERY}" "
                        {match tries {
                            Some(href) => view! { <a href=href><code>{it}</code></a> }.into_any(),
                            None => view! { <code>{it}</code> }.into_any(),
                        }}
                    }
                })}
        </span>
    }
    .into_any()
}
