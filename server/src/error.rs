//! One error for the whole portal. A variant exists only where somebody reacts differently.

use myrelay_app::contract::PortalError;
use myrelay_plugin_package::SettingsProblem;

use crate::database::is_beaten;

/// `Result` with the portal's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("sign in first")]
    SignedOut,
    #[error("this is not for you to do")]
    NotAllowed,
    /// Also what somebody else's thing looks like.
    #[error("this {0} does not exist, or is not yours")]
    NotFound(&'static str),
    #[error("`{field}`: {message}")]
    Invalid { field: &'static str, message: String },
    /// A plugin's settings do not fit: each problem stands beside its field.
    #[error("`settings`: {}", joined(.0))]
    Settings(Vec<SettingsProblem>),
    /// Something else has this value already.
    #[error("`{field}`: {message}")]
    Taken { field: &'static str, message: String },
    #[error("{0}")]
    Limit(String),
    #[error("the service is busy: try again in {retry_after_s} seconds")]
    Busy { retry_after_s: u32 },
    #[error("{0}")]
    Unavailable(String),
    /// A certificate that is not its node's current one.
    #[error("{0}")]
    Refused(&'static str),
    /// Two agents ran with one node's identity: neither is believed.
    #[error(
        "two agents ran with this node's identity: make a new join line on the node's page, and \
         join the machine that should stay"
    )]
    Quarantined,
    /// A run of a node's agent that another run replaced.
    #[error(
        "another run of this node's agent took its place: if this one should stay, make a new join \
         line on the node's page and join this machine"
    )]
    Replaced,
    /// The node was retired: it shall take its pods down.
    #[error("this node was retired")]
    Retired,
    #[error("internal error")]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// What is shown beside a form that stays as it was typed.
    ///
    /// # Errors
    /// What is no answer to what was typed.
    pub(crate) fn beside_a_form(self) -> Result<PortalError> {
        match self {
            Self::Invalid { .. } | Self::Limit(_) | Self::Busy { .. } | Self::Unavailable(_) => {
                Ok(self.into_portal_error(""))
            }
            error => Err(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy { retry_after_s: 2 },
            error if is_beaten(&error) => Self::Busy { retry_after_s: 1 },
            error => Self::Internal(anyhow::Error::new(error).context("database")),
        }
    }
}

impl Error {
    /// A field and what is wrong with it.
    pub fn invalid(field: &'static str, message: impl ToString) -> Self {
        Self::Invalid { field, message: message.to_string() }
    }

    /// What is wrong as part of a sentence, where no form has the field that it names.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Invalid { message, .. } | Self::Taken { message, .. } => message.clone(),
            error => error.to_string(),
        }
    }

    /// The answer for people. An internal cause is logged here, once, and nowhere else.
    pub fn into_portal_error(self, request_id: &str) -> PortalError {
        match self {
            Self::SignedOut => PortalError::SignedOut,
            Self::NotAllowed
            | Self::Refused(_)
            | Self::Quarantined
            | Self::Replaced
            | Self::Retired => PortalError::NotAllowed,
            Self::NotFound(what) => PortalError::NotFound { what: what.to_owned() },
            Self::Invalid { field, message } | Self::Taken { field, message } => {
                PortalError::invalid(field, message)
            }
            Self::Settings(problems) => PortalError::invalid("settings", joined(&problems)),
            Self::Limit(message) => PortalError::Limit { message },
            Self::Busy { retry_after_s } => PortalError::Busy { retry_after_s },
            Self::Unavailable(message) => PortalError::Unavailable { message },
            Self::Internal(cause) => {
                tracing::error!(request = request_id, cause = format!("{cause:#}"), "failed");
                PortalError::Internal { request: request_id.to_owned() }
            }
        }
    }
}

/// Problems in one line.
fn joined(problems: &[SettingsProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Names the input's field on an error of the domain.
pub(crate) trait InField<T> {
    /// An error becomes [`Error::Invalid`] of this field.
    fn in_field(self, field: &'static str) -> Result<T>;
}

impl<T, E: std::fmt::Display> InField<T> for Result<T, E> {
    fn in_field(self, field: &'static str) -> Result<T> {
        self.map_err(|error| Error::invalid(field, error))
    }
}
