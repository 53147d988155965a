//! Says what removing a device does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::AddedPeer,
};

pub(crate) fn title(device: &AddedPeer) -> String {
    texts::title(&device.peer.name)
}

#[component]
pub fn RemoveDevice(device: AddedPeer) -> impl IntoView {
    let up = format!("/devices/{}", device.peer.id);
    view! {
        <Heading title=title(&device) up=(up.clone(), device.peer.name.clone()) />
        <Confirm
            action=format!("{up}/remove")
            label=texts::REMOVE
            back=up
            consequences=texts::consequences(&device.location)
        />
    }
}
