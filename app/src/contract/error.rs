//! The answers that are not what was asked for.

use serde::{Deserialize, Serialize};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

/// Why something did not happen, as the pages and the API say it. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case", from = "Wire")]
pub enum PortalError {
    #[error("sign in first")]
    SignedOut,
    #[error("this is not for you to do")]
    NotAllowed,
    /// Also what somebody else's thing looks like.
    #[error("this {what} does not exist, or is not yours")]
    NotFound { what: String },
    /// The field is one of the input's.
    #[error("{message}")]
    Invalid { field: String, message: String },
    /// A limit of the plan or of the deployment.
    #[error("{message}")]
    Limit { message: String },
    /// A request as no page of this site sends it, such as one from another site.
    #[error("{message}")]
    Refused { message: String },
    /// Too much at once; try again after so many seconds.
    #[error("the service is busy: try again in {retry_after_s} seconds")]
    Busy { retry_after_s: u32 },
    /// Something outside the portal is away, such as a node.
    #[error("{message}")]
    Unavailable { message: String },
    #[error("something went wrong on our side; nothing was changed (request {request})")]
    Internal { request: String },
    /// The request never reached the portal: only a browser makes this one.
    #[error("the portal cannot be reached: check your connection and try again")]
    Unreachable,
}

/// Any error, as it is read: one flat object takes a tenth of the code of a tagged enum, and the
/// browser loads it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Wire {
    code: String,
    what: String,
    field: String,
    message: String,
    retry_after_s: u32,
    request: String,
}

impl From<Wire> for PortalError {
    fn from(wire: Wire) -> Self {
        let Wire { code, what, field, message, retry_after_s, request } = wire;
        match code.as_str() {
            "signed_out" => Self::SignedOut,
            "not_allowed" => Self::NotAllowed,
            "not_found" => Self::NotFound { what },
            "invalid" => Self::Invalid { field, message },
            "limit" => Self::Limit { message },
            "refused" => Self::Refused { message },
            "busy" => Self::Busy { retry_after_s },
            "unavailable" => Self::Unavailable { message },
            "internal" => Self::Internal { request },
            _ => Self::Unreachable,
        }
    }
}

impl PortalError {
    /// A field and what is wrong with it.
    pub fn invalid(field: &str, message: impl ToString) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.to_string() }
    }

    /// The HTTP status that says the same (RFC 9110 section 15).
    pub fn status(&self) -> u16 {
        match self {
            Self::Refused { .. } => 400,
            Self::SignedOut => 401,
            Self::NotAllowed => 403,
            Self::NotFound { .. } => 404,
            Self::Invalid { .. } => 422,
            Self::Limit { .. } => 409,
            Self::Busy { .. } | Self::Unavailable { .. } | Self::Unreachable => 503,
            Self::Internal { .. } => 500,
        }
    }
}

impl FromServerFnError for PortalError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(message) | ServerFnErrorErr::MissingArg(message) => {
                Self::invalid("request", message)
            }
            _ => Self::Unreachable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_reads_back_as_itself() {
        let text = || "a text".to_owned();
        for error in [
            PortalError::SignedOut,
            PortalError::NotAllowed,
            PortalError::NotFound { what: text() },
            PortalError::invalid("name", "a text"),
            PortalError::Limit { message: text() },
            PortalError::Refused { message: text() },
            PortalError::Busy { retry_after_s: 3 },
            PortalError::Unavailable { message: text() },
            PortalError::Internal { request: text() },
            PortalError::Unreachable,
        ] {
            let json = serde_json::to_string(&error).unwrap();
            assert_eq!(serde_json::from_str::<PortalError>(&json).unwrap(), error, "{json}");
        }
    }
}
