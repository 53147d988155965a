//! What the portal and its node agents say to each other.
//!
//! Every request is HTTP/1.1 over TLS 1.3 to the portal's node listener. All of it is JSON;
//! the state stream is one [`StateMessage`] per line (`application/x-ndjson`).
//!
//! | request | certificate | body | answer |
//! |---|---|---|---|
//! | `POST /enrol` | none | [`EnrolRequest`] | [`Enrolled`] |
//! | `POST /v1/renew` | node | [`RenewRequest`] | [`Renewed`] |
//! | `GET /v1/state?epoch=E&have=G&instance=I` | node | | lines of [`StateMessage`], without end |
//! | `POST /v1/observed` | node | [`ObservedState`] | 204 |
//! | `POST /v1/usage` | node | [`UsageReport`] | 204 |
//! | `POST /v1/answers` | node | [`CheckAnswer`] | 204 |
//!
//! An error is a [`Refusal`] with a 4xx or 5xx status. A retired node gets 410 with the code
//! [`NODE_RETIRED`] on every path under `/v1` and then removes its pods; whatever else it is
//! refused with, it serves on and asks again. A node whose identity two agents used at a time gets
//! 409 with the code [`NODE_QUARANTINED`] until it joins anew. A certificate that is over lets its
//! node renew it, for 30 days, and do nothing else.

mod hardening;
mod join_token;
mod messages;
mod resolver;
mod state;
mod usage;

pub use hardening::{HardeningItem, HardeningReport, HardeningState, Verdict};
pub use join_token::{CaHash, JoinToken, JoinTokenError};
pub use messages::{
    CheckAnswer, CheckOutcome, EnrolRequest, Enrolled, Refusal, RenewRequest, Renewed,
};
pub use resolver::{
    DomainName, MAX_BLOCKED, MAX_UPSTREAMS, ResolverSettings, ResolverSettingsError,
    ResolverUpstream,
};
pub use state::{
    Apply, Carried, Delta, DesiredPeer, DesiredPod, DesiredState, Digest, Epoch, Generation,
    MAX_FAULT_CHARS, MAX_FAULTS, ObservedPod, ObservedState, PodFault, PodQuota, QuotaState,
    StateError, StateMessage,
};
pub use usage::{
    HOUR_MS, MAX_USAGE_RECORDS, USAGE_KEPT_HOURS, UsageRecord, UsageReport, period_end_ms,
    period_start_ms,
};

/// The version of this protocol: the first part of every path, and the ALPN name.
pub const ALPN: &[u8] = b"myrelay-node/1";
/// The longest line or body either side reads, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// The code of the one refusal that ends what a node serves.
pub const NODE_RETIRED: &str = "node_retired";
/// The code that says that two agents ran with one identity: none of them is believed.
pub const NODE_QUARANTINED: &str = "node_quarantined";
/// An agent's name for one run of itself has so many hexadecimal digits, made at random.
pub const INSTANCE_DIGITS: usize = 32;
/// How often the portal sends something on a stream, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 15;
/// After this much silence on a stream the agent dials again, in seconds.
pub const SILENCE_SECONDS: u64 = 45;
