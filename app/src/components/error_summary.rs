//! What went wrong with a form, on top of the screen, with links to the fields
//! (<https://design-system.service.gov.uk/components/error-summary/>).

use leptos::prelude::*;

use super::field::field_id;
use crate::{contract::PortalError, texts};

/// Nothing where nothing is wrong. `fields` are the names of the screen's own fields.
#[component]
pub fn ErrorSummary(
    error: Option<PortalError>,
    #[prop(optional)] fields: &'static [&'static str],
) -> impl IntoView {
    error.map(|error| {
        let message = texts::sentence(&error);
        let target = match &error {
            PortalError::Invalid { field, .. } => {
                fields.iter().find(|it| *it == field).map(|name| format!("#{}", field_id(name)))
            }
            _ => None,
        };
        let message = match target {
            Some(target) => view! { <a href=target>{message}</a> }.into_any(),
            None => message.into_any(),
        };
        view! {
            <div class="error-summary" role="alert" tabindex="-1" autofocus>
                <h2>{texts::ERROR_TITLE}</h2>
                <p>{message}</p>
                <p class="muted">{texts::after(&error)}</p>
            </div>
        }
    })
}
