//! The forms about plugins: what operators type to have one, and to have one otherwise.

#[cfg(feature = "ssr")]
mod choose;
#[cfg(feature = "ssr")]
mod fields;
#[cfg(feature = "ssr")]
mod gallery;
#[cfg(feature = "ssr")]
mod gallery_texts;
#[cfg(feature = "ssr")]
mod install;
#[cfg(feature = "ssr")]
pub(crate) mod limit_texts;
#[cfg(feature = "ssr")]
mod limits;
#[cfg(feature = "ssr")]
mod settings;
#[cfg(feature = "ssr")]
mod summary;
#[cfg(feature = "ssr")]
mod texts;
#[cfg(feature = "ssr")]
mod upload;

#[cfg(feature = "ssr")]
use leptos::prelude::*;

use super::FormState;
use crate::contract::{
    GalleryView, InstallView, PackageCard, PluginLimitsView, PluginSettingsView,
};

/// One form about plugins with what it shows.
#[derive(Clone)]
pub enum PluginForm {
    /// The settings and secrets of one that is installed.
    Settings(PluginSettingsView),
    /// What one that is installed may use.
    Limits(PluginLimitsView),
    /// The package is sent.
    Upload {
        /// What nobody signed may be installed too.
        takes_unsigned: bool,
        form: FormState,
    },
    /// The packages that are on the portal's machine.
    Gallery(GalleryView),
    /// The form asks for the publisher's key of one of those.
    Choose { card: Box<PackageCard>, form: FormState },
    /// The package is read, set and installed.
    Install(Box<InstallView>),
}

#[cfg(feature = "ssr")]
impl PluginForm {
    /// What the browser's tab says.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Settings(view) => settings::title(view),
            Self::Limits(view) => limits::title(view),
            Self::Upload { .. } => upload::title(),
            Self::Gallery(_) => gallery::title(),
            Self::Choose { card, .. } => choose::title(card),
            Self::Install(view) => install::title(view),
        }
    }

    /// Whether it came back with an error.
    pub(crate) fn is_refused(&self) -> bool {
        match self {
            Self::Settings(view) => view.error.is_some() || view.form.is_wrong(),
            Self::Limits(view) => limits::is_refused(view),
            Self::Upload { form, .. } | Self::Choose { form, .. } => form.error.is_some(),
            Self::Gallery(_) => false,
            Self::Install(view) => {
                view.error.is_some() || !view.errors.is_empty() || view.form.is_wrong()
            }
        }
    }
}

/// Draws one of them.
#[cfg(feature = "ssr")]
#[component]
pub fn PluginFormPage(form: PluginForm) -> impl IntoView {
    match form {
        PluginForm::Settings(view) => view! { <settings::Settings view /> }.into_any(),
        PluginForm::Limits(view) => view! { <limits::Limits view /> }.into_any(),
        PluginForm::Upload { takes_unsigned, form } => {
            view! { <upload::Upload takes_unsigned form /> }.into_any()
        }
        PluginForm::Gallery(view) => view! { <gallery::Gallery view /> }.into_any(),
        PluginForm::Choose { card, form } => {
            view! { <choose::Choose card=*card form /> }.into_any()
        }
        PluginForm::Install(view) => {
            let view = *view;
            view! { <install::Install view /> }.into_any()
        }
    }
}
