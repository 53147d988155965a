//! The forms about plugins: what operators type to have one, and to have one otherwise.

#[cfg(feature = "ssr")]
mod fields;
#[cfg(feature = "ssr")]
mod settings;
#[cfg(feature = "ssr")]
mod summary;
#[cfg(feature = "ssr")]
mod texts;

#[cfg(feature = "ssr")]
use leptos::prelude::*;

use crate::contract::PluginSettingsView;

/// One form about plugins with what it shows.
#[derive(Clone)]
pub enum PluginForm {
    /// The settings and secrets of one that is installed.
    Settings(PluginSettingsView),
}

#[cfg(feature = "ssr")]
impl PluginForm {
    /// What the browser's tab says.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Settings(view) => settings::title(view),
        }
    }

    /// Whether it came back with an error.
    pub(crate) fn is_refused(&self) -> bool {
        match self {
            Self::Settings(view) => view.error.is_some() || view.form.is_wrong(),
        }
    }
}

/// Draws one of them.
#[cfg(feature = "ssr")]
#[component]
pub fn PluginFormPage(form: PluginForm) -> impl IntoView {
    match form {
        PluginForm::Settings(view) => view! { <settings::Settings view /> },
    }
}
