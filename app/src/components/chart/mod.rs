//! What moved over time: bars drawn on the portal, and the same as a table.
//!
//! The picture has no text in it: its words stand around it, so that they keep their size when it
//! is stretched to its place.

mod texts;

use leptos::prelude::*;

use super::table::{Cell, Column, Table};
use crate::{contract::UsagePoint, quantities};

/// How high the picture is, in its own units.
const HEIGHT: u64 = 1000;
/// How wide a bar's place is, and the bar in it.
const PLACE: usize = 10;
const BAR: usize = 8;
/// What is not nothing can be seen.
const LEAST: u64 = 12;

/// What a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Hours,
    Days,
}

impl Span {
    fn columns(self) -> &'static [Column] {
        match self {
            Self::Hours => texts::HOUR_COLUMNS,
            Self::Days => texts::DAY_COLUMNS,
        }
    }

    /// The exact time, in UTC.
    fn told(self, point: &UsagePoint) -> String {
        match self {
            Self::Hours => quantities::hour(point.at),
            Self::Days => quantities::day(point.at),
        }
    }

    /// The time as it stands below the picture.
    fn tick(self, point: &UsagePoint) -> String {
        match self {
            Self::Hours => quantities::hour(point.at),
            Self::Days => quantities::short_day(point.at),
        }
    }

    /// All of a bar in words.
    fn words(self, point: &UsagePoint) -> String {
        let (down, up) = (quantities::bytes(point.down), quantities::bytes(point.up));
        texts::moved(&self.told(point), &down, &up)
    }
}

/// Bars, oldest first.
#[component]
pub fn Chart(
    /// Names the chart on its page.
    #[prop(into)]
    id: String,
    #[prop(into)] title: String,
    span: Span,
    points: Vec<UsagePoint>,
) -> impl IntoView {
    let most = points.iter().map(sum).max().unwrap_or_default();
    view! {
        <figure class="chart">
            <figcaption class="chart-head">
                <h3>{title.clone()}</h3>
                <ul class="chart-legend" aria-hidden="true">
                    <li class="chart-legend-down">{texts::DOWN.0}</li>
                    <li class="chart-legend-up">{texts::UP.0}</li>
                </ul>
            </figcaption>
            {if most == 0 {
                view! { <p class="muted">{texts::NOTHING_MOVED}</p> }.into_any()
            } else {
                view! {
                    <Picture id title=title.clone() span points=points.clone() />
                    <details class="chart-table">
                        <summary>{texts::AS_TABLE}</summary>
                        <Table caption=title columns=span.columns()>
                            {points
                                .into_iter()
                                .rev()
                                .map(|point| view! { <Row span point /> })
                                .collect_view()}
                        </Table>
                    </details>
                }
                    .into_any()
            }}
        </figure>
    }
}

#[component]
fn Picture(id: String, title: String, span: Span, points: Vec<UsagePoint>) -> impl IntoView {
    let (title_id, text_id) = (format!("{id}-title"), format!("{id}-text"));
    let described = format!("{title_id} {text_id}");
    let width = points.len() * PLACE;
    let highest = points.iter().max_by_key(|it| sum(it));
    let end = quantities::axis_end(highest.map(sum).unwrap_or_default());
    let highest = highest.map(|it| span.words(it)).unwrap_or_default();
    let tick = |at: usize| points.get(at).map(|it| span.tick(it)).unwrap_or_default();
    let ticks = [tick(0), tick(points.len() / 2), tick(points.len().saturating_sub(1))];
    view! {
        <div class="chart-plot">
            <span class="chart-end" aria-hidden="true">{quantities::bytes(end)}</span>
            <svg
                class="chart-picture"
                role="img"
                aria-labelledby=described
                viewBox=format!("0 0 {width} {HEIGHT}")
                preserveAspectRatio="none"
            >
                <title id=title_id>{title}</title>
                <desc id=text_id>{texts::most_moved(&highest)}</desc>
                <path class="chart-line" d=format!("M0 0h{width}M0 {}h{width}", HEIGHT / 2) />
                {points
                    .iter()
                    .enumerate()
                    .map(|(at, point)| {
                        view! { <Bar at end words=span.words(point) point=*point /> }
                    })
                    .collect_view()}
                <path class="chart-ground" d=format!("M0 {HEIGHT}h{width}") />
            </svg>
            <div class="chart-ticks" aria-hidden="true">
                {ticks.into_iter().map(|tick| view! { <span>{tick}</span> }).collect_view()}
            </div>
        </div>
    }
}

/// The two parts of a bar: towards the devices below, from them above.
#[component]
fn Bar(at: usize, end: u64, words: String, point: UsagePoint) -> impl IntoView {
    let x = at * PLACE + (PLACE - BAR) / 2;
    let (down, up) = (height(point.down, end), height(point.up, end));
    let part = |bottom: u64, height: u64| {
        let top = HEIGHT.saturating_sub(bottom + height);
        format!("M{x} {top}h{BAR}v{height}h-{BAR}z")
    };
    view! {
        <g class="chart-bar">
            <title>{words}</title>
            <path class="chart-place" d=format!("M{} 0h{PLACE}v{HEIGHT}h-{PLACE}z", at * PLACE) />
            {(0 < down).then(|| view! { <path class="chart-down" d=part(0, down) /> })}
            {(0 < up).then(|| view! { <path class="chart-up" d=part(down, up) /> })}
        </g>
    }
}

#[component]
fn Row(span: Span, point: UsagePoint) -> impl IntoView {
    let time = match span {
        Span::Hours => texts::HOUR,
        Span::Days => texts::DAY,
    };
    view! {
        <tr role="row">
            <Cell column=time>{span.told(&point)}</Cell>
            <Cell column=texts::DOWN>{quantities::bytes(point.down)}</Cell>
            <Cell column=texts::UP>{quantities::bytes(point.up)}</Cell>
        </tr>
    }
}

fn sum(point: &UsagePoint) -> u64 {
    point.down.saturating_add(point.up)
}

fn height(bytes: u64, end: u64) -> u64 {
    let height = u128::from(bytes) * u128::from(HEIGHT) / u128::from(end.max(1));
    let height = u64::try_from(height).unwrap_or(HEIGHT);
    if bytes == 0 { 0 } else { height.max(LEAST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share_and_never_invisible() {
        assert_eq!(height(0, 500), 0);
        assert_eq!(height(250, 500), 500);
        assert_eq!(height(1, u64::MAX), LEAST);
        assert_eq!(height(u64::MAX, u64::MAX), HEIGHT);
    }
}
