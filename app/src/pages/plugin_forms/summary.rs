//! What went wrong with a form of settings, on top of the screen, with links to the fields.

use leptos::prelude::*;

use super::{fields::id, texts};
use crate::{
    contract::{PortalError, SecretField, SettingField, SettingInput, SettingsForm},
    texts as shared,
};

/// Nothing where nothing is wrong.
#[component]
pub fn Summary(
    form: SettingsForm,
    /// What is wrong beside the form.
    error: Option<PortalError>,
    /// What is wrong with the screen's own fields: the ids of their inputs, and the texts.
    #[prop(optional)]
    others: Vec<(String, String)>,
    /// What is said where nothing was changed.
    #[prop(default = texts::REFUSED)]
    refused: &'static str,
) -> impl IntoView {
    let linked = others.into_iter().chain(of_fields(&form.fields)).chain(of_secrets(&form.secrets));
    let linked = linked.map(|(id, text)| view! { <a href=format!("#{id}")>{text}</a> }.into_any());
    let plain = form.problems.into_iter().map(shared::capital);
    let plain = plain.chain(error.as_ref().map(shared::sentence));
    let lines: Vec<_> = linked.chain(plain.map(IntoAny::into_any)).collect();
    let after = error.as_ref().filter(|it| !matches!(it, PortalError::Invalid { .. }));
    let after = after.map_or(refused, shared::after);
    (!lines.is_empty()).then(|| {
        view! {
            <div class="error-summary" role="alert" tabindex="-1" autofocus>
                <h2>{shared::ERROR_TITLE}</h2>
                <ul class="error-list">
                    {lines
                        .into_iter()
                        .map(|it| view! { <li class="breakable">{it}</li> })
                        .collect_view()}
                </ul>
                <p class="muted">{after}</p>
            </div>
        }
    })
}

fn of_fields(fields: &[SettingField]) -> Vec<(String, String)> {
    let of = |field: &SettingField| {
        let own = field.error.clone().map(|it| (id(&field.name), texts::problem(field, &it)));
        let inside = match &field.input {
            SettingInput::Group(inside) => of_fields(inside),
            _ => Vec::new(),
        };
        own.into_iter().chain(inside).collect::<Vec<_>>()
    };
    fields.iter().flat_map(of).collect()
}

fn of_secrets(secrets: &[SecretField]) -> Vec<(String, String)> {
    let of = |secret: &SecretField| {
        let error = secret.error.clone()?;
        Some((id(&secret.name), format!("{}: {error}", texts::secret_label(secret))))
    };
    secrets.iter().filter_map(of).collect()
}
