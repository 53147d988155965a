//! What is pressed: a form's button, and a link that looks like one.

use leptos::prelude::*;

/// How much a button asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// What most people come for; one per page.
    #[default]
    Primary,
    Secondary,
    /// What cannot be undone.
    Danger,
    /// Reads as a link.
    Quiet,
}

impl Look {
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button-primary",
            Self::Secondary => "button button-secondary",
            Self::Danger => "button button-danger",
            Self::Quiet => "button button-quiet",
        }
    }
}

/// A form's button. It has no name: forms hold only the fields that doors know.
#[component]
pub fn Submit(
    #[prop(into)] label: String,
    #[prop(default = Look::Primary)] look: Look,
) -> impl IntoView {
    view! { <button type="submit" class=look.class()>{label}</button> }
}

/// A link to where the next thing is done.
#[component]
pub fn ButtonLink(
    #[prop(into)] href: String,
    #[prop(into)] label: String,
    #[prop(default = Look::Primary)] look: Look,
) -> impl IntoView {
    view! { <a class=look.class() href=href>{label}</a> }
}
