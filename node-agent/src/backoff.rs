//! How long to wait before trying again.

use std::time::Duration;

use crate::agent::Pace;

/// A stream that lasted this many first pauses was a success: 5 s.
const SETTLED: u32 = 10;

/// Full jitter: anything from nothing to a limit that doubles, so that a thousand nodes do not
/// return to a restarted portal in one moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    pace: Pace,
    limit: Duration,
}

impl Backoff {
    pub(crate) fn new(pace: Pace) -> Self {
        Self { pace, limit: pace.first_retry }
    }

    /// The pause after an attempt that lasted so long; `jitter` is from 0 to below 1. One that held
    /// for a while was a success, and the next is quick.
    pub(crate) fn pause(&mut self, lasted: Duration, jitter: f64) -> Duration {
        if self.pace.first_retry * SETTLED <= lasted {
            self.limit = self.pace.first_retry;
        }
        let pause = self.limit.mul_f64(jitter);
        self.limit = (self.limit * 2).min(self.pace.slowest_retry);
        pause
    }

    /// The next pauses are the longest ones.
    pub(crate) fn slowest(&mut self) {
        self.limit = self.pace.slowest_retry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_start_again_after_a_success() {
        let mut backoff = Backoff::new(Pace::default());
        let short = Duration::from_secs(1);
        let limits: Vec<u128> = (0..8).map(|_| backoff.pause(short, 1.0).as_millis()).collect();
        assert_eq!(limits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(backoff.pause(Duration::from_secs(5), 1.0).as_millis(), 500);
        assert_eq!(backoff.pause(short, 0.0), Duration::ZERO);
        backoff.slowest();
        assert_eq!(backoff.pause(short, 1.0).as_secs(), 30);
    }
}
