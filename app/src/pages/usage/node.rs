//! What all pods of a node moved, for operators.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Chart, Notice, Span, Time, Tone},
    contract::{Millis, NodeUsageView},
};

/// A section: the last hours, and what was not taken from the node.
#[component]
pub fn NodeUsage(usage: NodeUsageView, now: Millis) -> impl IntoView {
    view! {
        <section class="part">
            <h2>{texts::DATA}</h2>
            {usage
                .refusal
                .map(|refusal| {
                    view! {
                        <Notice
                            tone=Tone::Warn
                            title=texts::REFUSED
                            text=texts::refused(&refusal.reason)
                        >
                            <p class="muted"><Time at=refusal.at now /></p>
                        </Notice>
                    }
                })}
            <Chart id="hours" title=texts::LAST_HOURS span=Span::Hours points=usage.hours />
        </section>
    }
}
