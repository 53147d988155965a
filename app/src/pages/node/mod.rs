//! One node: how it is, what it serves, how it joins and leaves.

mod report;
mod resolver;
mod texts;

use leptos::prelude::*;
use report::{Faults, Report};
use resolver::Resolver;

use super::{FormState, pods, usage::NodeUsage};
use crate::{
    components::{
        Badge, ErrorSummary, Heading, Look, Notice, Progress, StateWord, Submit, Table, Time, Tone,
        exact_words,
    },
    contract::{DrainView, Millis, NodePodRow, NodeState, NodeTrouble, NodeView},
    texts as shared,
};

pub(crate) fn title(node: &NodeView) -> String {
    node.name.clone()
}

#[component]
pub fn Node(node: NodeView, form: FormState, now: Millis) -> impl IntoView {
    let word = StateWord::from(node.state);
    let is_retired = node.state == NodeState::Retired;
    let (id, join_expires_at) = (node.id, node.join_expires_at);
    let until = node.serves_moved_until;
    view! {
        <ErrorSummary error=form.error.clone() fields=&["upstreams"] />
        <Heading
            title=node.name.clone()
            up=("/operator/nodes".to_owned(), shared::NAV_NODES.to_owned())
        >
            <Badge state=node.state />
        </Heading>
        {texts::explain(node.state)
            .map(|text| view! { <Notice tone=word.tone title=word.word text=text /> })}
        {(!is_retired)
            .then(|| {
                let (troubles, location) = (node.troubles.clone(), node.location.clone());
                view! {
                    <Troubles troubles location />
                    <Faults faults=node.faults.clone() />
                }
            })}
        {node
            .drain
            .map(|drain| {
                let stop = format!("/operator/nodes/{id}/stop-draining");
                view! { <Drain drain stop moved=node.moved_pods until now /> }
            })}
        <Pods
            pods=node.pods.clone()
            total=node.pods_total
            moved=if node.drain.is_some() { 0 } else { node.moved_pods }
            until
            now
        />
        <NodeUsage usage=node.usage.clone() now />
        {(!is_retired)
            .then(|| {
                view! {
                    <Report
                        foreign=node.foreign.clone()
                        hardening=node.hardening.clone()
                    />
                    <Resolver node=node.clone() form />
                }
            })}
        <Facts node=node.clone() now />
        {(!is_retired)
            .then(|| {
                view! {
                    <Join id=id.to_string() expires_at=join_expires_at now />
                    <p class="danger-link">
                        {node
                            .drain
                            .is_none()
                            .then(|| {
                                view! {
                                    <a href=format!(
                                        "/operator/nodes/{id}/drain",
                                    )>{texts::DRAIN}</a>
                                }
                            })} <a href=format!("/operator/nodes/{id}/retire")>{texts::RETIRE}</a>
                    </p>
                }
            })}
    }
}

/// The open join line's end, and the button for a new one.
#[component]
fn Join(id: String, expires_at: Option<Millis>, now: Millis) -> impl IntoView {
    view! {
        <section class="part">
            <h2>{texts::JOIN}</h2>
            {expires_at.map(|at| view! { <p>{texts::JOIN_OPEN}<Time at now />"."</p> })}
            <form method="post" action=format!("/operator/nodes/{id}/join") class="inline-form">
                <Submit label=texts::JOIN_NEW look=Look::Secondary />
                <p class="muted">{texts::JOIN_AGAIN}</p>
            </form>
        </section>
    }
}

/// What is not well beside its pods, and what to do.
#[component]
fn Troubles(troubles: Vec<NodeTrouble>, location: String) -> impl IntoView {
    troubles
        .into_iter()
        .filter_map(|trouble| {
            let (title, text) = match trouble {
                NodeTrouble::ClockSkew(ms) => (texts::CLOCK, texts::clock(ms)),
                NodeTrouble::NowhereToDrain => (texts::STUCK, texts::stuck(&location)),
                // Each has a part of its own below.
                NodeTrouble::Faults(_) | NodeTrouble::WeakHardening(_) => return None,
            };
            Some(view! { <Notice tone=Tone::Warn title=title text=text /> })
        })
        .collect_view()
}

/// How far the draining is.
#[component]
fn Drain(
    drain: DrainView,
    stop: String,
    moved: u32,
    until: Option<Millis>,
    now: Millis,
) -> impl IntoView {
    let done = drain.total - drain.left;
    let over = until.filter(|_| 0 < moved).map(|at| texts::serves_moved(moved, &exact_words(at)));
    view! {
        <section class="part">
            <h2>{texts::DRAINING}</h2>
            <Progress done total=drain.total words=texts::drained(done, drain.total) />
            {over.clone().map(|it| view! { <p>{it}</p> })}
            {(drain.left == 0)
                .then(|| {
                    let text = if over.is_some() { texts::RETIRE_LATER } else { texts::RETIRE_NOW };
                    view! { <p>{text}</p> }
                })}
            <p class="muted">{texts::DRAIN_STARTED}<Time at=drain.started_at now />"."</p>
            <form method="post" action=stop class="inline-form">
                <Submit label=texts::STOP_DRAINING look=Look::Secondary />
                <p class="muted">{texts::STOP_HINT}</p>
            </form>
        </section>
    }
}

#[component]
fn Pods(
    pods: Vec<NodePodRow>,
    total: u32,
    moved: u32,
    until: Option<Millis>,
    now: Millis,
) -> impl IntoView {
    let shown = u32::try_from(pods.len()).unwrap_or(u32::MAX);
    let over = until.filter(|_| 0 < moved).map(|at| texts::serves_moved(moved, &exact_words(at)));
    view! {
        <section class="part">
            <h2>{texts::PODS}</h2>
            {over.map(|it| view! { <p>{it}</p> })}
            {(shown < total).then(|| view! { <p class="muted">{texts::newest(shown, total)}</p> })}
            {if pods.is_empty() {
                view! { <p class="muted">{texts::NO_PODS}</p> }.into_any()
            } else {
                view! {
                    <Table caption=texts::PODS columns=pods::texts::COLUMNS_OF_A_NODE>
                        <pods::PodRows pods with_node=false now />
                    </Table>
                }
                    .into_any()
            }}
        </section>
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
