//! One node: how it is, what it serves, how it joins and leaves.

mod texts;

use leptos::prelude::*;

use super::pods;
use crate::{
    components::{Badge, Heading, Look, Notice, StateWord, Submit, Table, Time},
    contract::{Millis, NodeState, NodeView},
    texts as shared,
};

pub(crate) fn title(node: &NodeView) -> String {
    node.name.clone()
}

#[component]
pub fn Node(node: NodeView, now: Millis) -> impl IntoView {
    let word = StateWord::from(node.state);
    let is_retired = node.state == NodeState::Retired;
    let id = node.id;
    let on_it = node.pods.clone();
    let join_expires_at = node.join_expires_at;
    view! {
        <Heading
            title=node.name.clone()
            up=("/operator/nodes".to_owned(), shared::NAV_NODES.to_owned())
        >
            <Badge state=node.state />
        </Heading>
        {texts::explain(node.state)
            .map(|text| view! { <Notice tone=word.tone title=word.word text=text /> })}
        <section class="part">
            <h2>{texts::PODS}</h2>
            {if on_it.is_empty() {
                view! { <p class="muted">{texts::NO_PODS}</p> }.into_any()
            } else {
                view! {
                    <Table caption=texts::PODS columns=pods::texts::COLUMNS_OF_A_NODE>
                        <pods::PodRows pods=on_it with_node=false />
                    </Table>
                }
                    .into_any()
            }}
        </section>
        <Facts node now />
        {(!is_retired)
            .then(|| {
                view! {
                    <section class="part">
                        <h2>{texts::JOIN}</h2>
                        {join_expires_at
                            .map(|at| view! { <p>{texts::JOIN_OPEN}<Time at now />"."</p> })}
                        <form
                            method="post"
                            action=format!("/operator/nodes/{id}/join")
                            class="inline-form"
                        >
                            <Submit label=texts::JOIN_NEW look=Look::Secondary />
                            <p class="muted">{texts::JOIN_AGAIN}</p>
                        </form>
                    </section>
                    <p class="danger-link">
                        <a href=format!("/operator/nodes/{id}/retire")>{texts::RETIRE}</a>
                    </p>
                }
            })}
    }
}

#[component]
fn Facts(node: NodeView, now: Millis) -> impl IntoView {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| shared::NO_VALUE.to_owned());
    view! {
        <section class="part">
            <h2>{texts::FACTS}</h2>
            <dl class="facts">
                <dt>{texts::LOCATION}</dt>
                <dd>{node.location}</dd>
                <dt>{texts::ENDPOINT}</dt>
                <dd><code>{node.endpoint}</code></dd>
                <dt>{texts::LAST_CONTACT}</dt>
                <dd>
                    {match node.last_contact_at {
                        Some(at) => view! { <Time at now /> }.into_any(),
                        None => texts::NEVER.into_any(),
                    }}
                </dd>
                <dt>{texts::GENERATION}</dt>
                <dd>{texts::generation(node.generation_wanted, node.generation_applied)}</dd>
                <dt>{texts::VERSION}</dt>
                <dd>{or_dash(node.version)}</dd>
                <dt>{texts::BACKEND}</dt>
                <dd>{or_dash(node.backend)}</dd>
                <dt>{texts::CERTIFICATE}</dt>
                <dd>
                    {match node.certificate_ends_at {
                        Some(at) => view! { <Time at now /> }.into_any(),
                        None => shared::NO_VALUE.into_any(),
                    }}
                </dd>
            </dl>
        </section>
    }
}
