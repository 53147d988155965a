//! What did not happen, and the way on.

mod texts;

use leptos::prelude::*;

use super::{Frame, Viewer};
use crate::{
    components::{ButtonLink, Heading, Look},
    contract::PortalError,
    texts as shared,
};

pub(crate) fn title(error: &PortalError) -> String {
    texts::title(error).to_owned()
}

#[component]
pub fn ErrorPage(error: PortalError, frame: Frame) -> impl IntoView {
    let for_operators = frame.path.starts_with("/operator");
    let (href, label) = match (&error, frame.viewer) {
        (PortalError::SignedOut, _) if for_operators => ("/operator/sign-in", shared::SIGN_IN),
        (PortalError::SignedOut, _) => ("/sign-in", shared::SIGN_IN),
        (_, Viewer::Visitor) => ("/", texts::TO_FRONT),
        (_, Viewer::Account { .. }) => ("/home", texts::TO_HOME),
        (_, Viewer::Operator { .. }) => ("/operator", texts::TO_OVERVIEW),
    };
    view! {
        <Heading title=texts::title(&error) />
        <p class="lede">{shared::sentence(&error)}"."</p>
        <p>{texts::advice(&error)}</p>
        <div class="actions">
            <ButtonLink href=href label=label look=Look::Secondary />
        </div>
    }
}
