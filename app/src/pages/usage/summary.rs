//! This month's data of a location at a glance.

use leptos::prelude::*;
use myrelay_domain::limits::QuotaEnd;

use super::texts;
use crate::{
    components::{Notice, Time, Tone},
    contract::{Millis, UsageSummaryView},
    quantities,
};

/// A section: how much was used, of how much, and when it counts anew.
#[component]
pub fn UsageSummary(
    summary: UsageSummaryView,
    now: Millis,
    /// What the section is called where it is not the location's only one.
    #[prop(optional, into)]
    title: Option<String>,
    /// The page with more of it.
    #[prop(optional, into)]
    more: Option<String>,
) -> impl IntoView {
    let quota = summary.limits.quota.map(|it| it.bytes);
    view! {
        <section class="part">
            <h2>{title.unwrap_or_else(|| texts::DATA.to_owned())}</h2>
            {summary
                .used_up()
                .map(|then| {
                    let (word, text) = texts::used_up(then);
                    let tone = if then == QuotaEnd::Stop { Tone::Bad } else { Tone::Warn };
                    view! { <Notice tone=tone title=word text=text /> }
                })}
            <div class="usage">
                <p class="usage-words">
                    <strong>{texts::used(summary.used, quota)}</strong>
                    {quota
                        .map(|_| {
                            view! {
                                <span class="muted">
                                    {texts::ANEW}<Time at=summary.resets_at now />
                                </span>
                            }
                        })}
                </p>
                {quota.map(|quota| view! { <Share used=summary.used quota /> })}
                {summary
                    .limits
                    .speed
                    .map(|speed| view! { <p class="muted">{texts::speed(speed)}</p> })}
                {more.map(|more| view! { <a class="usage-more" href=more>{texts::MORE}</a> })}
            </div>
        </section>
    }
}

/// A bar as long as what was used.
#[component]
fn Share(used: u64, quota: u64) -> impl IntoView {
    let percent = quantities::percent(used, quota);
    let tone = match percent {
        0..80 => "share-good",
        80..100 => "share-warn",
        _ => "share-bad",
    };
    view! {
        <progress class=tone max="100" value=percent.to_string() aria-label=texts::percent(percent)>
        </progress>
    }
}
