//! Says what draining a node does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::NodeView,
};

pub(crate) fn title(node: &NodeView) -> String {
    texts::title(&node.name)
}

#[component]
pub fn DrainNode(node: NodeView) -> impl IntoView {
    let up = format!("/operator/nodes/{}", node.id);
    view! {
        <Heading title=title(&node) up=(up.clone(), node.name.clone()) />
        <Confirm
            action=format!("{up}/drain")
            label=texts::DRAIN
            back=up
            consequences=texts::consequences(node.pods_total, &node.location)
        />
    }
}
