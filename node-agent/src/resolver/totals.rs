//! How much was done: totals of the whole node, of nobody and no name.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of questions since the resolver started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Answered from memory.
    pub remembered: u64,
    /// Answered by an upstream.
    pub forwarded: u64,
    /// Asked of the upstreams in vain.
    pub failed: u64,
    /// Answered with "no such name" because of a block list.
    pub blocked: u64,
    /// Answered here, because the name means nothing elsewhere.
    pub local: u64,
    /// Answered with a refusal.
    pub refused: u64,
    /// Not answered: malformed, too many at a time, or not from a pod.
    pub dropped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) remembered: Counter,
    pub(super) forwarded: Counter,
    pub(super) failed: Counter,
    pub(super) blocked: Counter,
    pub(super) local: Counter,
    pub(super) refused: Counter,
    pub(super) dropped: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn total(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn totals(&self) -> Totals {
        Totals {
            remembered: self.remembered.total(),
            forwarded: self.forwarded.total(),
            failed: self.failed.total(),
            blocked: self.blocked.total(),
            local: self.local.total(),
            refused: self.refused.total(),
            dropped: self.dropped.total(),
        }
    }
}
