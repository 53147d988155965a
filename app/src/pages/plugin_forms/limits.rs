//! What a plugin that is installed may use.

use leptos::prelude::*;

use super::{fields::Fields, limit_texts as texts, summary::Summary};
use crate::{
    components::{ButtonLink, Heading, Look, Submit},
    contract::{LimitField, PluginLimitsView, SettingField, SettingInput, SettingsForm},
    texts as shared,
};

pub(crate) fn title(view: &PluginLimitsView) -> String {
    texts::limits_of(&view.name)
}

/// Whether it came back with an error.
pub(crate) fn is_refused(view: &PluginLimitsView) -> bool {
    let is_wrong = view.fields.iter().any(|it| it.error.is_some());
    is_wrong || !view.problems.is_empty() || view.error.is_some()
}

/// A limit as a number is asked for.
fn field(limit: LimitField) -> SettingField {
    SettingField {
        name: limit.kind.name().to_owned(),
        label: texts::label(limit.kind),
        description: Some(texts::hint(&limit)),
        input: SettingInput::Number,
        value: limit.value,
        required: false,
        // The hint has them, with their unit.
        least: None,
        most: None,
        default: None,
        error: limit.error,
    }
}

#[component]
pub fn Limits(view: PluginLimitsView) -> impl IntoView {
    let up = format!("/operator/plugins/{}", view.id);
    let (title, action, calls) = (title(&view), format!("{up}/limits"), format!("{up}/calls"));
    let PluginLimitsView { name, revision, fields, is_set, problems, error, .. } = view;
    let fields: Vec<SettingField> = fields.into_iter().map(field).collect();
    let form = SettingsForm { fields: fields.clone(), secrets: Vec::new(), problems };
    let revision = revision.to_string();
    view! {
        <Summary form error refused=texts::REFUSED />
        <Heading title=title up=(up.clone(), name) />
        <p class="lede">{texts::LEDE}</p>
        <p class="muted">{texts::USED}" "<a href=calls>{texts::CALLS}</a>"."</p>
        <form method="post" action=action.clone() class="form" autocomplete="off" novalidate>
            <input type="hidden" name="revision" value=revision.clone() />
            <Fields fields />
            <div class="actions">
                <Submit label=super::texts::SAVE />
                <ButtonLink href=up label=shared::CANCEL look=Look::Quiet />
            </div>
        </form>
        {is_set
            .then(|| {
                // What is not sent is as if it were left empty.
                view! {
                    <form method="post" action=action class="actions">
                        <input type="hidden" name="revision" value=revision />
                        <Submit label=texts::DEFAULTS look=Look::Secondary />
                    </form>
                }
            })}
    }
    .into_any()
}
