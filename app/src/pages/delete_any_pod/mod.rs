//! Says what deleting a customer's pod does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::NodePodRow,
    texts as shared,
};

pub(crate) fn title(pod: &NodePodRow) -> String {
    texts::title(&pod.interface)
}

#[component]
pub fn DeleteAnyPod(pod: NodePodRow) -> impl IntoView {
    view! {
        <Heading
            title=title(&pod)
            up=("/operator/pods".to_owned(), shared::NAV_PODS.to_owned())
        />
        <Confirm
            action=format!("/operator/pods/{}/delete", pod.id)
            label=texts::DELETE
            back="/operator/pods"
            consequences=texts::consequences(&pod.account_email, &pod.node, pod.devices)
        />
    }
}
