//! A call of a plugin that was made once more: what came of it then, and what would now.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Heading, Look, Notice, Tone},
    contract::{Millis, PluginTrialView},
    pages::plugin::Call,
};

pub(crate) fn title(trial: &PluginTrialView) -> String {
    texts::title(&trial.before.call)
}

#[component]
pub fn Trial(trial: PluginTrialView, now: Millis) -> impl IntoView {
    let up = format!("/operator/plugins/{}", trial.plugin.id);
    let title = title(&trial);
    let PluginTrialView { plugin, before, again, would, unrecorded } = trial;
    let went_well = again.failure.is_none();
    let tone = if went_well { Tone::Good } else { Tone::Bad };
    let nothing = would.is_empty();
    view! {
        <Heading title=title up=(up.clone(), plugin.name) />
        <Notice tone=tone title=texts::outcome(went_well) text=texts::NOTHING_COMES_OF_IT />
        {unrecorded
            .then(|| {
                view! {
                    <Notice
                        tone=Tone::Warn
                        title=texts::UNRECORDED_TITLE
                        text=texts::UNRECORDED
                    />
                }
            })}
        <section class="part">
            <h2>{texts::now(&plugin.version)}</h2>
            <ul class="rows">
                <Call path=up.clone() call=again again=None now />
            </ul>
            <h3>{texts::WOULD}</h3>
            {nothing.then(|| view! { <p class="muted">{texts::WOULD_NOTHING}</p> })}
            <ul>
                {would
                    .into_iter()
                    .map(|it| view! { <li class="breakable">{it}</li> })
                    .collect_view()}
            </ul>
        </section>
        <section class="part">
            <h2>{texts::THEN}</h2>
            <ul class="rows">
                <Call path=up.clone() call=before again=None now />
            </ul>
        </section>
        <div class="actions">
            <ButtonLink href=up label=texts::BACK look=Look::Secondary />
        </div>
    }
}
