//! The words of the error page: what happened, what was not lost, what to do.

use crate::contract::PortalError;

pub(crate) const TO_FRONT: &str = "Go to the front page";
pub(crate) const TO_HOME: &str = "Go to your locations";
pub(crate) const TO_OVERVIEW: &str = "Go to the overview";

/// What happened, in a few words.
pub(crate) fn title(error: &PortalError) -> &'static str {
    match error {
        PortalError::SignedOut => "You are signed out",
        PortalError::NotAllowed => "This is not for you to do",
        PortalError::NotFound { .. } => "There is nothing here",
        PortalError::Invalid { .. } => "The request was not understood",
        PortalError::Limit { .. } => "A limit was reached",
        PortalError::Refused { .. } => "This request was refused",
        PortalError::Busy { .. } => "The service is busy",
        PortalError::Unavailable { .. } => "A part of the service is away",
        PortalError::Internal { .. } => "Something went wrong on our side",
        PortalError::Unreachable => "The portal cannot be reached",
    }
}

/// What to do about it.
pub(crate) fn advice(error: &PortalError) -> &'static str {
    match error {
        PortalError::SignedOut => "Sign in to go on. A session ends after a while without use.",
        PortalError::NotAllowed => "If you think it should be, ask an operator of this service.",
        PortalError::NotFound { .. } => {
            "The address may be mistyped, or the thing was removed since."
        }
        PortalError::Invalid { .. } => "Nothing was changed. Go back and try again.",
        PortalError::Limit { .. } => "Nothing was changed.",
        PortalError::Refused { .. } => {
            "Nothing was changed. If you wanted this, open the page for it on this site, and do it \
             there."
        }
        PortalError::Busy { .. } | PortalError::Unavailable { .. } => {
            "Nothing was changed. Tunnels that exist go on working. Try again in a moment."
        }
        PortalError::Internal { .. } => {
            "Tunnels that exist go on working. If it happens again, give an operator the request's \
             number above."
        }
        PortalError::Unreachable => "Check your connection and try again.",
    }
}
