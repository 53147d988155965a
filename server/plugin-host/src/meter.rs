//! How much CPU time a call used: what its thread spent while it was being polled.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// Counts the CPU time of one call. Waiting for an answer, for the disk or for a turn is free.
#[derive(Default)]
pub(crate) struct Meter {
    /// Nanoseconds in polls that have ended.
    spent: AtomicU64,
    /// The thread's clock when the poll that is going on began.
    since: AtomicU64,
}

impl Meter {
    /// Only right on the thread that polls the call, or between two polls.
    pub(crate) fn during_poll(&self) -> Duration {
        let now = thread_nanoseconds().saturating_sub(self.since.load(Relaxed));
        Duration::from_nanos(self.spent.load(Relaxed) + now)
    }

    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Relaxed))
    }
}

fn thread_nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    seconds * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default()
}

/// A future whose CPU time a [`Meter`] counts.
pub(crate) struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<Meter>,
}

impl<F: Future> Metered<F> {
    pub(crate) fn new(inner: F, meter: Arc<Meter>) -> Self {
        Self { inner: Box::pin(inner), meter }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let start = thread_nanoseconds();
        self.meter.since.store(start, Relaxed);
        let polled = self.inner.as_mut().poll(cx);
        let took = thread_nanoseconds().saturating_sub(start);
        self.meter.spent.fetch_add(took, Relaxed);
        polled
    }
}
