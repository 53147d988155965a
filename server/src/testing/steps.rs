//! Where a portal may end: before every transaction that it begins, and before and after every call
//! of a plugin. What it did since the last commit is nowhere then, as after `kill -9`.

use std::{
    future::{Future, pending},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

/// The steps that a portal takes outside of its own memory, counted.
#[derive(Clone, Default)]
pub(crate) struct Steps(Arc<Inner>);

#[derive(Default)]
struct Inner {
    taken: AtomicU64,
    /// The step that is never taken; 0: all are.
    ends_at: AtomicU64,
    ended: Notify,
}

impl Steps {
    /// One step; the last one never comes back.
    pub(crate) async fn step(&self) {
        let number = self.0.taken.fetch_add(1, Ordering::SeqCst) + 1;
        if number == self.0.ends_at.load(Ordering::SeqCst) {
            self.0.ended.notify_one();
            pending::<()>().await;
        }
    }

    /// Works until a step that is counted from 1, and drops the work there. What it came to; none
    /// where it ended before.
    pub(crate) async fn end_at<T>(&self, step: u64, work: impl Future<Output = T>) -> Option<T> {
        self.0.taken.store(0, Ordering::SeqCst);
        self.0.ends_at.store(step, Ordering::SeqCst);
        let done = tokio::select! {
            biased;
            done = work => Some(done),
            () = self.0.ended.notified() => None,
        };
        self.0.ends_at.store(0, Ordering::SeqCst);
        done
    }
}
