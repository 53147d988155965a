//! Says what deleting a pod does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::PodView,
};

pub(crate) fn title(pod: &PodView) -> String {
    texts::title(&pod.location)
}

#[component]
pub fn DeletePod(pod: PodView) -> impl IntoView {
    let up = format!("/pods/{}", pod.id);
    let devices = u32::try_from(pod.devices.len()).unwrap_or(u32::MAX);
    view! {
        <Heading title=title(&pod) up=(up.clone(), pod.location.clone()) />
        <Confirm
            action=format!("/pods/{}/delete", pod.id)
            label=texts::DELETE
            back=up
            consequences=texts::consequences(&pod.location, devices)
        />
    }
}
