//! What the agent's tests share: a portal on loopback, and real agents on a node in memory.

#![expect(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod authority;
pub(crate) mod machine;
pub(crate) mod pods;
pub(crate) mod portal;

use std::time::Duration;

/// Waits until a condition holds; fails the test when it does not within a generous time.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
