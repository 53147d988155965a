//! Enrolment, renewal and the answers to questions.

use myrelay_domain::ids::NodeId;
use serde::{Deserialize, Serialize};

/// A new node asks to be taken in. The certificate request proves possession of the key; the
/// portal uses nothing of it but the public key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The part `<id>.<secret>` of the join token: its CA hash is for the agent alone.
    pub token: String,
    /// PKCS #10 (RFC 2986) as PEM, ECDSA P-256.
    pub csr_pem: String,
    pub agent_version: String,
}

/// The node is taken in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolled {
    pub node: NodeId,
    pub certificate_pem: String,
    /// The CAs that portals of this deployment may present, newest first.
    pub ca_pem: String,
    /// When the certificate ends, in milliseconds since 1970-01-01 UTC.
    pub not_after_ms: i64,
}

/// A node asks for its next certificate, with a new key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    pub csr_pem: String,
}

/// The next certificate.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewed {
    pub certificate_pem: String,
    pub ca_pem: String,
    pub not_after_ms: i64,
}

/// The node's answer to a [`StateMessage::Check`](crate::StateMessage::Check).
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckAnswer {
    pub request: String,
    pub outcome: CheckOutcome,
}

/// Whether a device is connected now: it shook hands within the last three minutes (the
/// lifetime of a WireGuard session, REJECT_AFTER_TIME in the WireGuard paper, section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    Connected,
    NotConnected,
    /// The node does not have this device yet, or no longer.
    UnknownPeer,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A word for programs, such as `token_used`.
    pub code: String,
    /// A sentence for people: what was tried and what to do.
    pub message: String,
    /// The field that is wrong, if one is.
    pub field: Option<String>,
}
