//! Says what removing a plugin does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Confirm, Heading},
    contract::PluginView,
};

pub(crate) fn title(plugin: &PluginView) -> String {
    texts::title(&plugin.row.name)
}

#[component]
pub fn RemovePlugin(plugin: PluginView) -> impl IntoView {
    let up = format!("/operator/plugins/{}", plugin.row.id);
    let name = plugin.row.name.clone();
    view! {
        <Heading title=title(&plugin) up=(up.clone(), name) />
        <p>
            <a href=format!("{up}/memory.json") download="">{texts::EXPORT}</a>
            " "
            {texts::ABOUT_EXPORT}
        </p>
        <Confirm
            action=format!("{up}/remove")
            label=texts::REMOVE
            back=up
            consequences=texts::consequences(
                plugin.row.waiting + plugin.row.dead,
                plugin.carries_messages,
            )
        />
    }
}
