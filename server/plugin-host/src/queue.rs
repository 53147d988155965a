//! Whose turn it is: how many calls run at a time, and how many strangers may cause.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Instant,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use crate::{
    limits::{CALLS_A_SECOND, CALLS_OF_ONE, CALLS_WAITING, TURN},
    messages::Failure,
};

/// The calls of one installation. It outlives upgrades.
pub(crate) struct Queue {
    at_a_time: Semaphore,
    waiting: AtomicUsize,
    rate: Mutex<Rate>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            at_a_time: Semaphore::new(CALLS_OF_ONE),
            waiting: AtomicUsize::new(0),
            rate: Mutex::new(Rate { left: f64::from(CALLS_A_SECOND), at: Instant::now() }),
        }
    }
}

/// A bucket that fills by so many calls a second.
struct Rate {
    left: f64,
    at: Instant,
}

impl Rate {
    fn take(&mut self, now: Instant) -> bool {
        let most = f64::from(CALLS_A_SECOND);
        let came = now.saturating_duration_since(self.at).as_secs_f64() * most;
        (self.left, self.at) = ((self.left + came).min(most), now);
        let there = 1.0 <= self.left;
        if there {
            self.left -= 1.0;
        }
        there
    }
}

/// A call that waits, counted as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Queue {
    /// The permits of a call: first of its installation, then of the process.
    pub(crate) async fn turn<'a>(
        &'a self,
        process: &'a Semaphore,
        by_strangers: bool,
    ) -> Result<(SemaphorePermit<'a>, SemaphorePermit<'a>), Failure> {
        let busy = |why: String| Failure::Busy(why);
        let rate = || self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        if by_strangers && !rate().take(Instant::now()) {
            return Err(busy(format!("more than {CALLS_A_SECOND} calls a second")));
        }
        let before = self.waiting.fetch_add(1, SeqCst);
        let _waiting = Waiting(&self.waiting);
        if CALLS_WAITING <= before {
            return Err(busy(format!("{CALLS_WAITING} calls wait already")));
        }
        let both = async { Ok((self.at_a_time.acquire().await?, process.acquire().await?)) };
        match timeout(TURN, both).await {
            Ok(Ok(permits)) => Ok(permits),
            Ok(Err::<_, tokio::sync::AcquireError>(error)) => Err(Failure::Host(error.to_string())),
            Err(_) => Err(busy(format!("no turn within {} s", TURN.as_secs()))),
        }
    }
}
