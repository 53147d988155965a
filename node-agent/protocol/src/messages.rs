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

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    /// Whether a message reads back as it was, and refuses one field more and one field less.
    fn is_exact<T: Serialize + DeserializeOwned>(wire: &Value) {
        let read: T = serde_json::from_value(wire.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), *wire);
        let mut more = wire.clone();
        more["private_key"] = json!("x");
        assert!(serde_json::from_value::<T>(more).is_err(), "a field too many: {wire}");
        for field in wire.as_object().unwrap().keys() {
            let mut less = wire.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(serde_json::from_value::<T>(less).is_err(), "without {field}: {wire}");
        }
    }

    #[test]
    fn messages_have_one_form() {
        let node = "node_00000000000000000000000000000007";
        is_exact::<EnrolRequest>(&json!({"token": "t", "csr_pem": "c", "agent_version": "0.1.0"}));
        is_exact::<Enrolled>(
            &json!({"node": node, "certificate_pem": "c", "ca_pem": "a", "not_after_ms": 1}),
        );
        is_exact::<RenewRequest>(&json!({"csr_pem": "c"}));
        is_exact::<Renewed>(&json!({"certificate_pem": "c", "ca_pem": "a", "not_after_ms": 1}));
        for outcome in ["connected", "not_connected", "unknown_peer"] {
            is_exact::<CheckAnswer>(&json!({"request": "r", "outcome": outcome}));
        }
    }

    #[test]
    fn a_refusal_of_a_later_portal_is_still_read() {
        let wire = json!({"code": "token_used", "message": "no", "field": null, "hint": "new"});
        let refusal: Refusal = serde_json::from_value(wire).unwrap();
        assert_eq!(refusal.code, "token_used");
    }
}
