//! Operators: forms about plugins.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::{
    Content, PluginForm,
    contract::{PortalError, SettingsChange, TypedFields},
};

use super::{Answer, Ask};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::Form,
};

/// `GET /operator/plugins/{plugin}/settings`
pub(crate) async fn settings_page(ask: Ask, Path(plugin): Path<String>) -> Answer {
    let view = ask.portal.plugin_settings(&plugin).await?;
    Ok(Screen(Content::PluginForm(PluginForm::Settings(view))).into_response())
}

/// `POST /operator/plugins/{plugin}/settings`
pub(crate) async fn settings(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(typed): Form<Vec<(String, String)>>,
) -> Answer {
    match ask.portal.change_plugin_settings(&plugin, TypedFields(typed)).await? {
        SettingsChange::Saved => Ok(see_other(&format!("/operator/plugins/{plugin}"))),
        SettingsChange::Refused(view) => {
            let error = view.error.clone();
            let error = error.unwrap_or_else(|| PortalError::invalid("settings", "see the form"));
            Ok(screen_with(&error, Content::PluginForm(PluginForm::Settings(*view))))
        }
    }
}
