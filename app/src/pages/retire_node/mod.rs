//! Says what retiring a node does, and asks for it.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{
        ButtonLink, Confirm, ErrorSummary, Field, Heading, Look, Notice, Submit, Tone, exact_words,
    },
    contract::{NodeState, NodeView},
    texts as shared,
};

pub(crate) fn title(node: &NodeView) -> String {
    texts::title(&node.name)
}

#[component]
pub fn RetireNode(node: NodeView, form: FormState) -> impl IntoView {
    let up = format!("/operator/nodes/{}", node.id);
    let moved = node.moved_pods;
    let is_lost = matches!(node.state, NodeState::Away | NodeState::Quarantined);
    view! {
        <ErrorSummary error=form.error.clone() fields=&["name"] />
        <Heading title=title(&node) up=(up.clone(), node.name.clone()) />
        {if 0 < node.pods_total {
            view! {
                <Notice
                    tone=Tone::Warn
                    title=texts::BUSY_TITLE
                    text=texts::busy(node.pods_total)
                />
                <div class="actions">
                    <ButtonLink href=format!("{up}/drain") label=texts::DRAIN />
                    <ButtonLink href=up label=texts::BACK look=Look::Quiet />
                </div>
            }
                .into_any()
        } else if 0 < moved && !is_lost {
            let until = exact_words(node.serves_moved_until.unwrap_or_default());
            view! {
                <Notice
                    tone=Tone::Warn
                    title=texts::SERVES_TITLE
                    text=texts::serves(moved, &until)
                />
                <div class="actions">
                    <ButtonLink href=up label=texts::BACK look=Look::Secondary />
                </div>
            }
                .into_any()
        } else if 0 < moved {
            view! { <Lost node form moved up /> }.into_any()
        } else {
            view! {
                <Confirm
                    action=format!("{up}/retire")
                    label=texts::RETIRE
                    back=up
                    consequences=texts::consequences()
                />
            }
                .into_any()
        }}
    }
}

/// For a node that does not come back: what it still serves is given up, by its name.
#[component]
fn Lost(node: NodeView, form: FormState, moved: u32, up: String) -> impl IntoView {
    let action = format!("{up}/retire");
    view! {
        <Notice tone=Tone::Bad title=texts::LOST_TITLE text=texts::lost(moved) />
        <ul class="consequences">
            {texts::consequences().into_iter().map(|it| view! { <li>{it}</li> }).collect_view()}
        </ul>
        <form method="post" action=action class="form" novalidate>
            <Field
                name="name"
                label=texts::NAME
                hint=texts::name_hint(&node.name)
                value=form.value("name")
                error=form.error_of("name")
            />
            <div class="actions">
                <Submit label=texts::RETIRE_LOST look=Look::Danger />
                <ButtonLink href=up label=shared::CANCEL look=Look::Quiet />
            </div>
        </form>
    }
}
