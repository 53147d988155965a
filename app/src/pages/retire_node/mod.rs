//! Says what retiring a node does, and asks for it.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{ButtonLink, Confirm, ErrorSummary, Heading, Look, Notice, Tone},
    contract::NodeView,
};

pub(crate) fn title(node: &NodeView) -> String {
    texts::title(&node.name)
}

#[component]
pub fn RetireNode(node: NodeView, form: FormState) -> impl IntoView {
    let up = format!("/operator/nodes/{}", node.id);
    view! {
        <ErrorSummary error=form.error />
        <Heading title=title(&node) up=(up.clone(), node.name.clone()) />
        {if node.pods.is_empty() {
            view! {
                <Confirm
                    action=format!("{up}/retire")
                    label=texts::RETIRE
                    back=up
                    consequences=texts::consequences()
                />
            }
                .into_any()
        } else {
            view! {
                <Notice
                    tone=Tone::Warn
                    title=texts::BUSY_TITLE
                    text=texts::busy(node.pods.len())
                />
                <div class="actions">
                    <ButtonLink href=up label=texts::BACK look=Look::Secondary />
                </div>
            }
                .into_any()
        }}
    }
}
