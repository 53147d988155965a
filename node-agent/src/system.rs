//! The machine's clock and generator: the one place where the agent meets them.

use std::{
    fmt, io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustls::{pki_types::UnixTime, time_provider::TimeProvider};

/// The time and the randomness that are handed to the agent, so that tests can set the one and
/// watch the other.
pub trait System: fmt::Debug + Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;

    /// Fills the buffer from a cryptographic generator.
    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()>;

    /// Names this run of the machine: random, made by the kernel at boot (random(4)).
    fn boot_id(&self) -> io::Result<String> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        Ok(id.trim().to_owned())
    }
}

/// The real clock and the kernel's generator (`getrandom(2)`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl System for Machine {
    #[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()> {
        getrandom::fill(buffer).map_err(io::Error::other)
    }
}

/// A number from 0 to below 1, for spreading what many nodes would do at once.
pub fn jitter(system: &dyn System) -> f64 {
    let mut bytes = [0; 4];
    match system.fill_random(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        // Without randomness nothing is spread, and nothing else is lost.
        Err(_) => 0.5,
    }
}

/// The clock as rustls reads it.
#[derive(Debug)]
pub(crate) struct TlsClock(pub(crate) std::sync::Arc<dyn System>);

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let now = u64::try_from(self.0.now_ms()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_below_one() {
        #[derive(Debug)]
        struct Fixed(u8);
        impl System for Fixed {
            fn now_ms(&self) -> i64 {
                0
            }
            fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()> {
                buffer.fill(self.0);
                Ok(())
            }
        }
        assert_eq!(jitter(&Fixed(0)).total_cmp(&0.0), std::cmp::Ordering::Equal);
        assert!(jitter(&Fixed(255)) < 1.0);
        assert!(0.99 < jitter(&Fixed(255)));
    }
}
