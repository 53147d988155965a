//! What an operator sees first: what needs attention, then the counts.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Badge, ButtonLink, Empty, Heading, IconShape, Notice, StateWord, Time, Tone},
    contract::{Millis, NodeRow, Overview, PluginRow},
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn OverviewPage(overview: Overview, now: Millis) -> impl IntoView {
    let Overview { attention, plugins, nodes, pods, devices, accounts } = overview;
    let is_calm = attention.is_empty() && plugins.is_empty();
    let counts = [
        (texts::NODES, nodes, Some("/operator/nodes")),
        (texts::PODS, pods, Some("/operator/pods")),
        (texts::DEVICES, devices, None),
        (texts::ACCOUNTS, accounts, Some("/operator/accounts")),
    ];
    view! {
        <Heading title=texts::TITLE />
        {if nodes == 0 && is_calm {
            view! {
                <Empty shape=IconShape::Server title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT>
                    <ButtonLink href="/operator/nodes/new" label=texts::ADD_NODE />
                </Empty>
            }
                .into_any()
        } else if is_calm {
            view! {
                <Notice tone=Tone::Good title=texts::ALL_WELL text=texts::ALL_WELL_TEXT />
            }
                .into_any()
        } else {
            view! {
                <section class="part">
                    <h2>{texts::ATTENTION}</h2>
                    <ul class="rows">
                        {attention
                            .into_iter()
                            .map(|node| view! { <Attention node now /> })
                            .collect_view()}
                        {plugins
                            .into_iter()
                            .map(|plugin| view! { <Standing plugin /> })
                            .collect_view()}
                    </ul>
                </section>
            }
                .into_any()
        }}
        <section class="part">
            <h2>{texts::COUNTS}</h2>
            <ul class="counts">
                {counts
                    .into_iter()
                    .map(|(label, number, href)| {
                        let number = view! { <strong>{number.to_string()}</strong> };
                        let label = match href {
                            Some(href) => {
                                view! { <a class="card-link" href=href>{label}</a> }.into_any()
                            }
                            None => view! { <span>{label}</span> }.into_any(),
                        };
                        view! { <li>{number}{label}</li> }
                    })
                    .collect_view()}
            </ul>
        </section>
    }
}

/// A plugin that stands still.
#[component]
fn Standing(plugin: PluginRow) -> impl IntoView {
    view! {
        <li class="row row-linked">
            <div class="row-words">
                <a class="card-link" href=format!("/operator/plugins/{}", plugin.id)>
                    {plugin.name}
                </a>
                <span>{texts::STANDS_STILL}</span>
                <span class="muted">{texts::PLUGIN}</span>
            </div>
            <Badge state=StateWord::from(plugin.state) />
        </li>
    }
}

#[component]
fn Attention(node: NodeRow, now: Millis) -> impl IntoView {
    let (state, reasons) = (StateWord::of_node(&node), texts::reasons(&node));
    view! {
        <li class="row row-linked">
            <div class="row-words">
                <a class="card-link" href=format!("/operator/nodes/{}", node.id)>
                    {node.name}
                </a>
                {reasons.into_iter().map(|it| view! { <span>{it}</span> }).collect_view()}
                <span class="muted">
                    {node.location}" · "
                    {match node.last_contact_at {
                        Some(at) => view! { {texts::LAST_CONTACT}<Time at now /> }.into_any(),
                        None => texts::NO_CONTACT.into_any(),
                    }}
                </span>
            </div>
            <Badge state />
        </li>
    }
}
