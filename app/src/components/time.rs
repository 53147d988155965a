//! A moment, told from now; the exact time on hover and focus.

use jiff::Timestamp;
use leptos::prelude::*;

use crate::{contract::Millis, texts};

/// A moment in full, in UTC: where somebody has to act before it. A moment that no calendar has is
/// a dash.
pub(crate) fn exact_words(at: Millis) -> String {
    Timestamp::from_millisecond(at)
        .map_or_else(|_| "–".to_owned(), |it| it.strftime("%-d %B %Y, %H:%M UTC").to_string())
}

/// A day, in UTC, where the hour is not known.
pub(crate) fn day_words(at: Millis) -> String {
    Timestamp::from_millisecond(at)
        .map_or_else(|_| "–".to_owned(), |it| it.strftime("%-d %B %Y").to_string())
}

/// How far `at` is from `now`, and the exact time in UTC. A moment that no calendar has is told
/// as a dash.
#[component]
pub fn Time(at: Millis, now: Millis) -> impl IntoView {
    match Timestamp::from_millisecond(at) {
        Ok(exact) => view! {
            <time
                datetime=exact.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
                title=exact.strftime("%-d %B %Y, %H:%M:%S UTC").to_string()
                tabindex="0"
            >
                {texts::relative(at, now)}
            </time>
        }
        .into_any(),
        Err(_) => "–".into_any(),
    }
}
