//! How a plugin did in the last day: in words, and as a small picture.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Badge, Cell, Look, Submit, Table, Time},
    contract::{HourOfCalls, Millis, PluginHealthView, PluginSaidView, PluginState},
};

/// The picture: each hour is so wide, and as high at most.
const WIDTH: u32 = 10;
const HEIGHT: u32 = 40;

#[component]
pub fn Health(
    path: String,
    state: PluginState,
    revoked: bool,
    health: PluginHealthView,
    now: Millis,
) -> impl IntoView {
    let PluginHealthView {
        failures,
        rests_until,
        said,
        calls,
        failed,
        half_us,
        most_us,
        hours,
        cut,
    } = health;
    let is_asked = state != PluginState::Disabled && !revoked;
    // Where it stands still, what the state means is said above.
    let is_called =
        matches!(state, PluginState::Enabled | PluginState::Failing | PluginState::Resting);
    view! {
        <section class="part">
            <h2>{texts::HEALTH}</h2>
            <dl class="facts">
                {is_called
                    .then(|| {
                        view! {
                            <dt>{texts::CIRCUIT}</dt>
                            <dd>
                                {texts::circuit(failures, rests_until.is_some())}
                                {rests_until
                                    .map(|at| view! { " "{texts::AGAIN}" "<Time at=at now />"." })}
                            </dd>
                        }
                    })}
                <dt>{texts::LAST_DAY}</dt>
                <dd>{texts::share(calls, failed, cut)}</dd>
                <dt>{texts::TOOK}</dt>
                <dd>{texts::took(half_us, most_us)}</dd>
                {said.map(|said| view! { <Said said now /> })}
            </dl>
            {is_asked
                .then(|| {
                    view! {
                        <form method="post" action=format!("{path}/health") class="actions">
                            <Submit label=texts::ASK look=Look::Secondary />
                        </form>
                    }
                })}
            {(calls != 0).then(|| view! { <Picture hours now /> })}
        </section>
    }
}

/// What it said of itself, and when.
#[component]
fn Said(said: PluginSaidView, now: Millis) -> impl IntoView {
    view! {
        <dt>{texts::SAID}</dt>
        <dd>
            <Badge state=texts::how(said.well) />
            " "
            <span class="breakable">{said.words}</span>
            " "
            <span class="muted"><Time at=said.at now /></span>
        </dd>
    }
}

#[component]
fn Picture(hours: Vec<HourOfCalls>, now: Millis) -> impl IntoView {
    let most = hours.iter().map(|it| it.well + it.failed).max().unwrap_or(0).max(1);
    let count = u32::try_from(hours.len()).unwrap_or(0);
    let bars = hours.iter().zip(0..).map(|(hour, index)| bar(*hour, index, most)).collect_view();
    let rows: Vec<HourOfCalls> =
        hours.into_iter().rev().filter(|it| it.well + it.failed != 0).collect();
    view! {
        <figure class="health">
            <svg
                class="health-picture"
                viewBox=format!("0 0 {} {HEIGHT}", count * WIDTH)
                preserveAspectRatio="none"
                role="img"
                aria-label=texts::PICTURE
            >
                {bars}
            </svg>
            <figcaption class="muted">{texts::LEGEND}</figcaption>
            <details>
                <summary>{texts::AS_TABLE}</summary>
                <Table caption=texts::HEALTH columns=texts::HOUR_COLUMNS>
                    {rows
                        .into_iter()
                        .map(|hour| {
                            view! {
                                <tr role="row">
                                    <Cell column=texts::HOUR><Time at=hour.at now /></Cell>
                                    <Cell column=texts::WELL>{hour.well.to_string()}</Cell>
                                    <Cell column=texts::FAILED>{hour.failed.to_string()}</Cell>
                                </tr>
                            }
                        })
                        .collect_view()}
                </Table>
            </details>
        </figure>
    }
}

/// An hour: what went well, and what failed on top of it.
fn bar(hour: HourOfCalls, index: u32, most: u32) -> impl IntoView {
    // Whatever there was is seen.
    let high = |calls: u32| if calls == 0 { 0 } else { (calls * HEIGHT / most).max(2) };
    let (well, failed) = (high(hour.well), high(hour.failed));
    let rect = move |class: &'static str, from: u32, high: u32| {
        view! {
            <rect
                class=class
                x=(index * WIDTH + 1).to_string()
                y=HEIGHT.saturating_sub(from + high).to_string()
                width=(WIDTH - 2).to_string()
                height=high.to_string()
            ></rect>
        }
    };
    view! {
        <rect
            class="health-ground"
            x=(index * WIDTH + 1).to_string()
            y=(HEIGHT - 1).to_string()
            width=(WIDTH - 2).to_string()
            height="1"
        ></rect>
        {rect("health-well", 0, well)}
        {rect("health-failed", well, failed)}
    }
}
