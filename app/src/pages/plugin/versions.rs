//! The versions that an operator may go back to.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Look, Submit, Time},
    contract::{Millis, PluginVersionRow},
};

#[component]
pub fn Versions(path: String, versions: Vec<PluginVersionRow>, now: Millis) -> impl IntoView {
    if versions.is_empty() {
        return ().into_any();
    }
    let action = format!("{path}/rollback");
    view! {
        <section class="part">
            <h2>{texts::VERSIONS}</h2>
            <p class="muted">{texts::ABOUT_VERSIONS}</p>
            <ul class="rows">
                {versions
                    .into_iter()
                    .map(|it| {
                        let (label, may) = (texts::go_back(&it.version), it.barred.is_none());
                        view! {
                            <li class="row">
                                <div class="row-words">
                                    <span>{it.version}</span>
                                    <span class="muted">{texts::signed(it.key_id.as_deref())}</span>
                                    <span class="muted">
                                        {texts::REPLACED}" "<Time at=it.at now />
                                    </span>
                                    {it.barred
                                        .map(|why| view! { <span>{texts::barred(&why)}</span> })}
                                </div>
                                {may
                                    .then(|| {
                                        view! {
                                            <form method="post" action=action.clone()>
                                                <input
                                                    type="hidden"
                                                    name="version"
                                                    value=it.number.to_string()
                                                />
                                                <Submit label=label look=Look::Secondary />
                                            </form>
                                        }
                                    })}
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </section>
    }
    .into_any()
}
