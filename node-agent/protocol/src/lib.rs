//! What the portal and its node agents say to each other.
//!
//! Every request is HTTP/1.1 over TLS 1.3 to the portal's node listener. All of it is JSON;
//! the state stream is one [`StateMessage`] per line (`application/x-ndjson`).
//!
//! | request | certificate | body | answer |
//! |---|---|---|---|
//! | `POST /enrol` | none | [`EnrolRequest`] | [`Enrolled`] |
//! | `POST /v1/renew` | node | [`RenewRequest`] | [`Renewed`] |
//! | `GET /v1/state?epoch=E&have=G` | node | | lines of [`StateMessage`], without end |
//! | `POST /v1/observed` | node | [`ObservedState`] | 204 |
//! | `POST /v1/answers` | node | [`CheckAnswer`] | 204 |
//!
//! An error is a [`Refusal`] with a 4xx or 5xx status. A retired node gets 410 with the code
//! [`NODE_RETIRED`] on every path under `/v1` and then removes its pods; whatever else it is
//! refused with, it serves on and asks again.

mod join_token;
mod messages;
mod state;

pub use join_token::{CaHash, JoinToken, JoinTokenError};
pub use messages::{
    CheckAnswer, CheckOutcome, EnrolRequest, Enrolled, Refusal, RenewRequest, Renewed,
};
pub use state::{
    Apply, Delta, DesiredPeer, DesiredPod, DesiredState, Digest, Epoch, Generation, ObservedPod,
    ObservedState, PodFault, StateError, StateMessage,
};

/// The version of this protocol: the first part of every path, and the ALPN name.
pub const ALPN: &[u8] = b"myrelay-node/1";
/// The longest line or body either side reads, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
/// The code of the one refusal that ends what a node serves.
pub const NODE_RETIRED: &str = "node_retired";
/// How often the portal sends something on a stream, in seconds.
pub const HEARTBEAT_SECONDS: u64 = 15;
/// After this much silence on a stream the agent dials again, in seconds.
pub const SILENCE_SECONDS: u64 = 45;
