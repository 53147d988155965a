//! What a plugin may use, where an operator set that, and the way to set it.

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Look},
    contract::SetLimit,
    pages::plugin_forms::limit_texts as texts,
};

#[component]
pub fn Limits(path: String, limits: Vec<SetLimit>) -> impl IntoView {
    let usual = limits.is_empty();
    view! {
        <section class="part">
            <h2>{super::texts::MAY_USE}</h2>
            {if usual {
                view! { <p class="muted">{texts::USUAL}</p> }.into_any()
            } else {
                view! {
                    <dl class="facts">
                        {limits
                            .into_iter()
                            .map(|it| {
                                view! {
                                    <dt>{texts::name(it.kind)}</dt>
                                    <dd>{super::texts::at_most(it)}</dd>
                                }
                            })
                            .collect_view()}
                    </dl>
                }
                    .into_any()
            }}
            <div class="actions">
                <ButtonLink
                    href=format!("{path}/limits")
                    label=texts::LIMITS
                    look=Look::Secondary
                />
            </div>
        </section>
    }
}
