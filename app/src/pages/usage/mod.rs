//! What one location moved: this month, by the hour and by the day.

mod node;
mod summary;
mod texts;

use leptos::prelude::*;

pub(crate) use self::{node::NodeUsage, summary::UsageSummary};
use crate::{
    components::{Chart, Heading, Span},
    contract::{Millis, PodUsageView},
};

pub(crate) use self::texts::{LAST_DAYS, LAST_HOURS};

pub(crate) fn title(usage: &PodUsageView) -> String {
    texts::title(&usage.location)
}

#[component]
pub fn Usage(usage: PodUsageView, now: Millis) -> impl IntoView {
    let up = format!("/pods/{}", usage.pod);
    view! {
        <Heading title=title(&usage) up=(up, usage.location.clone()) />
        <UsageSummary summary=usage.usage.summary now />
        <section class="part charts">
            <Chart id="hours" title=LAST_HOURS span=Span::Hours points=usage.usage.hours />
            <Chart id="days" title=LAST_DAYS span=Span::Days points=usage.usage.days />
        </section>
        <p class="aside">{texts::WHAT_IS_KEPT}</p>
    }
}
