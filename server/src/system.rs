//! The real clock and the real randomness, and the one place where tasks are started.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::context::{Clock, Random};

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "this is where the time comes from")]
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The system's generator (`getrandom(2)`).
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            // Without randomness no key, no token and no session is safe: nothing can go on.
            tracing::error!("the system has no random numbers");
            std::process::abort();
        }
    }
}

/// What runs beside the requests, and the word that it is time to stop.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Starts a task that shutdown waits for.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker.spawn(task);
    }

    /// Starts a task that ends where it stands when it is time to stop.
    pub fn spawn_until_stop<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            stop.run_until_cancelled(task).await;
        });
    }

    /// Tells everything to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Done when it is time to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Done when every task has ended; call [`stop`](Self::stop) before.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}
