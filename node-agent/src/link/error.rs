//! Why the agent and the portal did not understand each other.

use std::{error::Error, fmt::Write as _, io};

use http::StatusCode;
use myrelay_node_protocol::{Refusal, StateError};
use rustls::{AlertDescription, CertificateError};

use crate::{identity::IdentityError, private_dir::FileError};

/// What went wrong on the way to the portal. What the node serves goes on in every case.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error("the portal cannot be reached: {0}")]
    Unreachable(String),
    #[error(
        "this is not the portal of the join line: it shows no certificate of that portal. Nothing \
         was sent to it. Check the address, and take a new join line if you trust this portal"
    )]
    Impostor,
    #[error(
        "the portal's certificate is not valid at this machine's time: check the clocks of this \
         machine and of the portal ({0})"
    )]
    Clock(String),
    #[error("the portal's certificate does not name {0}: use the address it was made for")]
    WrongName(String),
    #[error(
        "the portal does not take this node's certificate ({0}): it ended or was withdrawn; ask the \
         operator for a new join line and run it with `--again`"
    )]
    Unwelcome(String),
    #[error("no TLS 1.3 connection to the portal: {0}")]
    Tls(String),
    #[error("the portal refused: {} ({}, {status})", refusal.message, refusal.code)]
    Refused { status: StatusCode, refusal: Refusal },
    #[error("the portal retired this node: its pods are removed here")]
    Retired,
    #[error("the portal was silent for too long")]
    Silent,
    #[error("the portal ended the stream")]
    Closed,
    #[error("the portal's answer makes no sense: {0}")]
    Nonsense(String),
    #[error("the portal's state is not taken: {0}")]
    State(#[from] StateError),
    #[error("this node's state differs from the portal's though both are of the same generation")]
    Drifted,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl LinkError {
    /// Whether the next stream should begin with everything.
    pub fn wants_snapshot(&self) -> bool {
        matches!(self, Self::Drifted | Self::State(StateError::Gap { .. }))
    }

    /// Why no connection came about.
    pub(crate) fn from_connect(error: &io::Error, host: &str) -> Self {
        match tls_cause(error) {
            Some(cause) => Self::from_tls(cause, host),
            None => Self::Unreachable(error.to_string()),
        }
    }

    /// Why a request got no answer.
    pub(crate) fn from_hyper(error: &hyper::Error) -> Self {
        match tls_cause(error) {
            Some(cause) => Self::from_tls(cause, ""),
            None => Self::Unreachable(chain(error)),
        }
    }

    fn from_tls(error: &rustls::Error, host: &str) -> Self {
        match error {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => {
                    Self::Clock(certificate.to_string())
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    Self::WrongName(host.to_owned())
                }
                CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::Impostor,
                other => Self::Tls(other.to_string()),
            },
            rustls::Error::AlertReceived(alert) if is_about_us(*alert) => {
                Self::Unwelcome(format!("{alert:?}"))
            }
            other => Self::Tls(other.to_string()),
        }
    }
}

/// Whether an alert says that our certificate is not taken (RFC 8446 section 6.2).
fn is_about_us(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

/// The TLS error somewhere behind another one: `io::Error` hides what it wraps from `source`.
fn tls_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|it| it as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        // Writing to a string does not fail.
        write!(text, ": {error}").unwrap_or_default();
        next = error.source();
    }
    text
}
