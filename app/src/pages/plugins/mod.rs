//! The list of plugins.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Badge, ButtonLink, Cell, Empty, Heading, IconShape, Look, Table},
    contract::PluginRow,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Plugins(plugins: Vec<PluginRow>) -> impl IntoView {
    view! {
        <Heading title=texts::TITLE />
        <p class="lede">{texts::LEDE}</p>
        {if plugins.is_empty() {
            view! {
                <Empty shape=IconShape::Plug title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT>
                    <div class="actions">
                        <ButtonLink href=texts::INSTALL_AT label=texts::INSTALL />
                        <Gallery />
                    </div>
                </Empty>
            }
                .into_any()
        } else {
            view! {
                <Table caption=texts::TITLE columns=texts::COLUMNS>
                    {plugins.into_iter().map(|plugin| view! { <Row plugin /> }).collect_view()}
                </Table>
                <div class="actions">
                    <ButtonLink href=texts::INSTALL_AT label=texts::INSTALL />
                    <Gallery />
                    <ButtonLink
                        href=texts::MESSAGES_AT
                        label=texts::MESSAGES
                        look=Look::Secondary
                    />
                </div>
            }
                .into_any()
        }}
    }
}

/// What is on the portal's machine already.
#[component]
fn Gallery() -> impl IntoView {
    view! { <ButtonLink href=texts::GALLERY_AT label=texts::GALLERY look=Look::Secondary /> }
}

#[component]
fn Row(plugin: PluginRow) -> impl IntoView {
    view! {
        <tr role="row" class="row-linked">
            <Cell column=texts::NAME>
                <a class="card-link breakable" href=format!("/operator/plugins/{}", plugin.id)>
                    {plugin.name}
                </a>
            </Cell>
            <Cell column=texts::STATE><Badge state=plugin.state /></Cell>
            <Cell column=texts::ID><code class="breakable">{plugin.plugin}</code></Cell>
            <Cell column=texts::VERSION>{plugin.version}</Cell>
            <Cell column=texts::WAITING>{plugin.waiting.to_string()}</Cell>
            <Cell column=texts::DEAD>{plugin.dead.to_string()}</Cell>
        </tr>
    }
}
