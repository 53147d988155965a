//! Says what removing a channel does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::ChannelView,
};

pub(crate) fn title(view: &ChannelView) -> String {
    texts::title(&view.row.name)
}

#[component]
pub fn RemoveChannel(view: ChannelView) -> impl IntoView {
    let up = format!("/notifications/channels/{}", view.row.id);
    view! {
        <Heading title=title(&view) up=(up.clone(), view.row.name) />
        <Confirm
            action=format!("{up}/remove")
            label=texts::REMOVE
            back=up
            consequences=texts::consequences(view.row.address.as_deref())
        />
    }
}
