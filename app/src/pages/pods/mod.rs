//! The list of pods.

pub(crate) mod texts;

use leptos::prelude::*;

use crate::{
    components::{Badge, Cell, Empty, Heading, IconShape, Look, Submit, Table, Time},
    contract::{Millis, NodePodRow, Page},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Pods(pods: Page<NodePodRow>, now: Millis) -> impl IntoView {
    view! {
        <Heading title=texts::TITLE />
        <p class="muted">{texts::LEDE}</p>
        {if pods.rows.is_empty() {
            view! {
                <Empty shape=IconShape::Layers title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT />
            }
                .into_any()
        } else {
            view! {
                <Table caption=texts::TITLE columns=texts::COLUMNS>
                    <PodRows pods=pods.rows with_node=true now />
                </Table>
            }
                .into_any()
        }}
        {pods
            .next
            .map(|next| {
                view! {
                    <form method="get" action="/operator/pods" class="actions">
                        <input type="hidden" name="after" value=next />
                        <Submit label=shared::NEXT_PAGE look=Look::Secondary />
                    </form>
                }
            })}
    }
}

/// The rows of a table of pods.
#[component]
pub fn PodRows(pods: Vec<NodePodRow>, with_node: bool, now: Millis) -> impl IntoView {
    pods.into_iter()
        .map(|pod| {
            let (name, too) = (pod.interface.clone(), pod.interface.clone());
            view! {
                <tr role="row">
                    <Cell column=texts::INTERFACE><code>{pod.interface}</code></Cell>
                    <Cell column=texts::STATE>
                        <Badge state=pod.state />
                        {pod.fault.map(|it| view! { <span class="fault">{it}</span> })}
                        {pod
                            .moved_until
                            .map(|at| {
                                view! {
                                    <span class="muted todo">{texts::MOVED}<Time at now /></span>
                                }
                            })}
                    </Cell>
                    <Cell column=texts::ACCOUNT>
                        <span class="breakable">{pod.account_email}</span>
                    </Cell>
                    {with_node.then(|| view! { <Cell column=texts::NODE><span class="unbroken">{pod.node}</span></Cell> })}
                    <Cell column=texts::PORT>{pod.port.to_string()}</Cell>
                    <Cell column=texts::DEVICES>{pod.devices.to_string()}</Cell>
                    <Cell column=texts::ACTIONS>
                        <a class="row-action" href=format!("/operator/pods/{}/move", pod.id)>
                            {texts::MOVE}
                            <span class="visually-hidden">" "{name}</span>
                        </a>
                        " "
                        <a class="row-action" href=format!("/operator/pods/{}/delete", pod.id)>
                            {texts::DELETE}
                            <span class="visually-hidden">" "{too}</span>
                        </a>
                    </Cell>
                </tr>
            }
        })
        .collect_view()
}
