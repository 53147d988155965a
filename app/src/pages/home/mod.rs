//! What a customer sees first: pods, and the locations that can be added.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{
        Badge, ButtonLink, Empty, ErrorSummary, Heading, Icon, IconShape, Look, Notice, Tone,
    },
    contract::{HomeView, LocationView, PodRow},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Home(view: HomeView, form: FormState) -> impl IntoView {
    let usage = texts::usage(&view.plan, view.pods.len(), view.pod_limit);
    let is_new = view.pods.is_empty();
    let left: Vec<_> = view
        .locations
        .iter()
        .filter(|location| view.pods.iter().all(|pod| pod.location_id != location.id))
        .cloned()
        .collect();
    let full = usize::try_from(view.pod_limit).is_ok_and(|limit| limit <= view.pods.len());
    let full = full.then(|| texts::full(view.pod_limit));
    view! {
        <ErrorSummary error=form.error.clone() />
        <Heading title=texts::TITLE />
        <p class="muted">{usage}</p>
        {view.unpaid.then(|| view! { <Unpaid is_new /> })}
        {if is_new && view.unpaid {
            ().into_any()
        } else if is_new && left.is_empty() {
            view! {
                <Empty
                    shape=IconShape::Pin
                    title=texts::NO_LOCATIONS_TITLE
                    text=texts::NO_LOCATIONS_TEXT
                />
            }
                .into_any()
        } else if is_new {
            view! {
                <Empty shape=IconShape::Pin title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT>
                    <Locations locations=left />
                </Empty>
            }
                .into_any()
        } else {
            view! {
                <ul class="cards">
                    {view.pods.into_iter().map(|pod| view! { <PodCard pod /> }).collect_view()}
                </ul>
                {(!view.unpaid).then(|| view! { <Add full left /> })}
            }
                .into_any()
        }}
    }
}

/// Nothing is served until the plan is paid for.
#[component]
fn Unpaid(is_new: bool) -> impl IntoView {
    let (title, text) = shared::unpaid(is_new);
    view! {
        <Notice tone=Tone::Warn title=title text=text>
            <div class="actions">
                <ButtonLink href="/plan" label=texts::TO_PLAN />
            </div>
        </Notice>
    }
}

/// What can still be added; `full` says why nothing can.
#[component]
fn Add(full: Option<String>, left: Vec<LocationView>) -> impl IntoView {
    view! {
        <section class="part">
            <h2>{texts::ADD}</h2>
            {match (full, left.is_empty()) {
                (Some(full), _) => view! { <p class="muted">{full}</p> }.into_any(),
                (None, true) => view! { <p class="muted">{texts::ALL_ADDED}</p> }.into_any(),
                (None, false) => view! { <Locations locations=left /> }.into_any(),
            }}
        </section>
    }
}

#[component]
fn PodCard(pod: PodRow) -> impl IntoView {
    view! {
        <li class="card">
            <span class="card-picture"><Icon shape=IconShape::Pin /></span>
            <div class="card-words">
                <a class="card-link" href=format!("/pods/{}", pod.id)>{pod.location}</a>
                <span class="muted">{shared::devices(pod.devices)}</span>
            </div>
            <Badge state=pod.state />
        </li>
    }
}

/// What can be added: a form for each, for a button is all it needs.
#[component]
fn Locations(locations: Vec<LocationView>) -> impl IntoView {
    view! {
        <ul class="rows">
            {locations
                .into_iter()
                .map(|location| {
                    let id = location.id.to_string();
                    let words = if location.in_contact { texts::IN_CONTACT } else { texts::AWAY };
                    view! {
                        <li class="row">
                            <div class="row-words">
                                <strong>{location.name.clone()}</strong>
                                <span class="muted">{words}</span>
                            </div>
                            <form method="post" action="/pods">
                                <input type="hidden" name="location" value=id />
                                <button
                                    type="submit"
                                    class=Look::Secondary.class()
                                    aria-label=texts::add_where(&location.name)
                                >
                                    {texts::ADD_BUTTON}
                                </button>
                            </form>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
}
