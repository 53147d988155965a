//! The list of nodes.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Badge, ButtonLink, Cell, Empty, Heading, IconShape, StateWord, Table, Time},
    contract::{Millis, NodeRow},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Nodes(nodes: Vec<NodeRow>, now: Millis) -> impl IntoView {
    let some = !nodes.is_empty();
    view! {
        <Heading title=texts::TITLE>
            {some.then(|| view! { <ButtonLink href="/operator/nodes/new" label=texts::ADD /> })}
        </Heading>
        {if some {
            view! {
                <Table caption=texts::TITLE columns=texts::COLUMNS>
                    {nodes.into_iter().map(|node| view! { <Row node now /> }).collect_view()}
                </Table>
            }
                .into_any()
        } else {
            view! {
                <Empty shape=IconShape::Server title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT>
                    <ButtonLink href="/operator/nodes/new" label=texts::ADD />
                </Empty>
            }
                .into_any()
        }}
    }
}

#[component]
fn Row(node: NodeRow, now: Millis) -> impl IntoView {
    let state = StateWord::of_node(&node);
    view! {
        <tr role="row" class="row-linked">
            <Cell column=texts::NAME>
                <a class="card-link" href=format!("/operator/nodes/{}", node.id)>
                    {node.name}
                </a>
            </Cell>
            <Cell column=texts::STATE>
                <Badge state />
                {texts::faults(node.faults).map(|it| view! { <span class="fault">{it}</span> })}
            </Cell>
            <Cell column=texts::LOCATION>{node.location}</Cell>
            <Cell column=texts::PODS>{node.pods.to_string()}</Cell>
            <Cell column=texts::VERSION>{node.version.unwrap_or_else(|| shared::NO_VALUE.to_owned())}</Cell>
            <Cell column=texts::CONTACT>
                {match node.last_contact_at {
                    Some(at) => view! { <Time at now /> }.into_any(),
                    None => shared::NO_VALUE.into_any(),
                }}
            </Cell>
        </tr>
    }
}
