//! Messages to customers that did not arrive: on their way, or given up and perhaps to be sent again.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Cell, Empty, Heading, IconShape, Look, Submit, Table, Time},
    contract::{Millis, OutgoingRow, OutgoingState, OutgoingView, OutgoingWanted},
    pages::{notifications::kind_words, plugin::may_have_arrived},
    texts as shared,
};

const PATH: &str = "/operator/plugins/messages";

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Outgoing(view: OutgoingView, now: Millis) -> impl IntoView {
    let OutgoingView { wanted, carrier, waiting, given_up, messages } = view;
    let up = match (&wanted.plugin, &carrier) {
        (Some(plugin), Some(name)) => (format!("/operator/plugins/{plugin}"), name.clone()),
        _ => ("/operator/plugins".to_owned(), shared::NAV_PLUGINS.to_owned()),
    };
    let none = messages.rows.is_empty();
    let first = waiting == 0 && given_up == 0;
    let again = wanted.given_up && !none;
    view! {
        <Heading title=texts::TITLE up />
        <p class="lede">{texts::LEDE}</p>
        {carrier.map(|it| view! { <OfOne name=it given_up=wanted.given_up /> })}
        {if first && none {
            view! { <Empty shape=IconShape::Plug title=texts::NONE_TITLE text=texts::NONE_TEXT /> }
                .into_any()
        } else {
            let title = texts::heading(wanted.given_up, waiting, given_up);
            view! {
                <section class="part">
                    <div class="part-head">
                        <h2>{title}</h2>
                        <Other wanted=wanted.clone() waiting given_up />
                    </div>
                    {if none {
                        view! { <p role="status">{texts::nothing(wanted.given_up)}</p> }.into_any()
                    } else {
                        view! { <Rows wanted=wanted.clone() rows=messages.rows now /> }.into_any()
                    }}
                    {again.then(|| view! { <All plugin=wanted.plugin.clone() /> })}
                </section>
            }
                .into_any()
        }}
        {messages.next.map(|next| view! { <Next wanted next /> })}
    }
}

/// That only those of one plugin are shown, and the way to all.
#[component]
fn OfOne(name: String, given_up: bool) -> impl IntoView {
    let all = path(&OutgoingWanted { given_up, plugin: None });
    view! {
        <p class="muted">
            <span class="breakable">{texts::of_one(&name)}</span>
            " "
            <a href=all>{texts::OF_ALL}</a>
        </p>
    }
}

/// The way to those that are not shown.
#[component]
fn Other(wanted: OutgoingWanted, waiting: u32, given_up: u32) -> impl IntoView {
    let label = texts::other(wanted.given_up, waiting, given_up);
    let href = path(&OutgoingWanted { given_up: !wanted.given_up, ..wanted });
    view! { <ButtonLink href label look=Look::Secondary /> }
}

#[component]
fn Rows(wanted: OutgoingWanted, rows: Vec<OutgoingRow>, now: Millis) -> impl IntoView {
    let columns = if wanted.given_up { texts::GIVEN_UP_COLUMNS } else { texts::WAITING_COLUMNS };
    view! {
        <Table caption=texts::caption(wanted.given_up) columns>
            {rows
                .into_iter()
                .map(|message| {
                    let plugin = wanted.plugin.clone();
                    view! { <Row message given_up=wanted.given_up plugin now /> }
                })
                .collect_view()}
        </Table>
    }
}

#[component]
fn Row(
    message: OutgoingRow,
    given_up: bool,
    /// The one whose messages alone are shown.
    plugin: Option<String>,
    now: Millis,
) -> impl IntoView {
    let carrier = format!("/operator/plugins/{}", message.plugin);
    let whose = message.account.to_string();
    let account = format!("/operator/accounts/{whose}");
    let (about, id) = (message.about.clone(), message.id.to_string());
    let failure = message.failure;
    let when = if given_up { texts::WHEN } else { texts::NEXT };
    let unsure = failure.as_deref().and_then(may_have_arrived).filter(|_| given_up);
    view! {
        <tr role="row">
            <Cell column=texts::MESSAGE>
                <span>{message.about}</span>
                <span class="todo muted">{kind_words(message.kind)}</span>
            </Cell>
            <Cell column=texts::ACCOUNT>
                <a href=account title=whose.clone()><code>{texts::end_of(&whose)}</code></a>
            </Cell>
            <Cell column=texts::BY>
                <a class="named breakable" href=carrier>{message.carrier}</a>
            </Cell>
            <Cell column=texts::TRIES>{message.attempts.to_string()}</Cell>
            <Cell column=when>
                <When state=message.state now />
            </Cell>
            <Cell column=texts::FAILURE>
                <span class="said breakable">{unsure}{failure.unwrap_or_else(|| "–".to_owned())}</span>
            </Cell>
            {given_up
                .then(|| {
                    view! {
                        <Cell column=texts::ACTION>
                            <Again state=message.state id about plugin />
                        </Cell>
                    }
                })}
        </tr>
    }
}

/// When it is tried next, or since when it is given up.
#[component]
fn When(state: OutgoingState, now: Millis) -> impl IntoView {
    match state {
        OutgoingState::Later(at) | OutgoingState::GivenUp(at) | OutgoingState::TooLate(at) => {
            view! { <Time at now /> }.into_any()
        }
        OutgoingState::Quiet(at) => view! {
            <span><Time at now /></span>
            <span class="todo muted">{texts::QUIET}</span>
        }
        .into_any(),
        OutgoingState::Trying => texts::TRYING.into_any(),
        OutgoingState::InTurn => texts::IN_TURN.into_any(),
        OutgoingState::StandsStill => texts::STANDS_STILL.into_any(),
    }
}

/// Sends one again; what is not true any more says so instead.
#[component]
fn Again(state: OutgoingState, id: String, about: String, plugin: Option<String>) -> impl IntoView {
    if matches!(state, OutgoingState::TooLate(_)) {
        return view! { <span class="muted">{texts::TOO_LATE}</span> }.into_any();
    }
    view! {
        <form method="post" action=format!("{PATH}/{id}/again")>
            <Filter plugin />
            <button type="submit" class="row-action" aria-label=texts::again(&about)>
                {texts::AGAIN}
            </button>
        </form>
    }
    .into_any()
}

/// Sends all of them again.
#[component]
fn All(plugin: Option<String>) -> impl IntoView {
    view! {
        <form method="post" action=format!("{PATH}/again") class="actions">
            <Filter plugin />
            <Submit label=texts::ALL_AGAIN look=Look::Secondary />
        </form>
        <p class="muted">{texts::ABOUT_AGAIN}</p>
    }
}

/// The way to those that were made after these.
#[component]
fn Next(wanted: OutgoingWanted, next: String) -> impl IntoView {
    view! {
        <form method="get" action=PATH class="actions">
            {wanted.given_up.then(|| view! { <input type="hidden" name="given_up" value="1" /> })}
            <Filter plugin=wanted.plugin />
            <input type="hidden" name="after" value=next />
            <Submit label=shared::NEXT_PAGE look=Look::Secondary />
        </form>
    }
}

/// The plugin whose messages alone are shown, which a form hands on.
#[component]
fn Filter(plugin: Option<String>) -> impl IntoView {
    plugin.map(|it| view! { <input type="hidden" name="plugin" value=it /> })
}

/// Where these are shown.
fn path(wanted: &OutgoingWanted) -> String {
    match (wanted.given_up, &wanted.plugin) {
        (false, None) => PATH.to_owned(),
        (true, None) => format!("{PATH}?given_up=1"),
        (false, Some(plugin)) => format!("{PATH}?plugin={plugin}"),
        (true, Some(plugin)) => format!("{PATH}?given_up=1&plugin={plugin}"),
    }
}
