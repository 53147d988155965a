//! The settings and secrets of a plugin that is installed.

use leptos::prelude::*;

use super::{
    fields::{Fields, Secrets},
    summary::Summary,
    texts,
};
use crate::{
    components::{ButtonLink, Heading, Look, Submit},
    contract::PluginSettingsView,
    texts as shared,
};

pub(crate) fn title(view: &PluginSettingsView) -> String {
    texts::settings_of(&view.name)
}

#[component]
pub fn Settings(view: PluginSettingsView) -> impl IntoView {
    let up = format!("/operator/plugins/{}", view.id);
    let (title, action) = (title(&view), format!("{up}/settings"));
    let PluginSettingsView { name, revision, form, error, .. } = view;
    let is_empty = form.fields.is_empty() && form.secrets.is_empty();
    view! {
        <Summary form=form.clone() error=error />
        <Heading title=title up=(up.clone(), name) />
        {if is_empty {
            view! { <p class="muted">{texts::NOTHING}</p> }.into_any()
        } else {
            view! {
                <p class="lede">{texts::SETTINGS_LEDE}</p>
                <form
                    method="post"
                    action=action
                    class="form"
                    autocomplete="off"
                    novalidate
                >
                    <input type="hidden" name="revision" value=revision.to_string() />
                    <Fields fields=form.fields />
                    <Secrets secrets=form.secrets />
                    <div class="actions">
                        <Submit label=texts::SAVE />
                        <ButtonLink href=up label=shared::CANCEL look=Look::Quiet />
                    </div>
                </form>
            }
                .into_any()
        }}
    }
    .into_any()
}
