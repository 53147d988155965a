//! What a plan allows a pod's traffic: how fast, and how much in a month.

use serde::{Deserialize, Serialize};

/// The most bytes that one pod moves in a second, in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speed {
    /// Towards the devices, in bits per second.
    pub down: u64,
    /// From the devices, in bits per second.
    pub up: u64,
}

/// How much a pod may move in a month, both directions together, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    pub bytes: u64,
    pub then: QuotaEnd,
}

/// What becomes of a pod whose quota is used up, until the next month begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum QuotaEnd {
    /// Nothing passes.
    Stop,
    /// It goes on, at most this fast.
    Throttle(Speed),
}

/// What a plan allows a pod's traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficLimits {
    /// None: as fast as the node can.
    pub speed: Option<Speed>,
    /// None: as much as one likes.
    pub quota: Option<Quota>,
}

/// A limit that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrafficLimitError {
    #[error("a speed is between {} kbit/s and {} Gbit/s", Speed::MIN / 1000, Speed::MAX / 1_000_000_000)]
    Speed,
    #[error("a quota is between 1 MB and 1,000 TB")]
    Quota,
}

impl Speed {
    /// Slower than this, a handshake takes seconds.
    pub const MIN: u64 = 64_000;
    pub const MAX: u64 = 100_000_000_000;

    /// Bits per second, each way.
    pub fn new(down: u64, up: u64) -> Result<Self, TrafficLimitError> {
        let fits = |it| (Self::MIN..=Self::MAX).contains(&it);
        if fits(down) && fits(up) { Ok(Self { down, up }) } else { Err(TrafficLimitError::Speed) }
    }

    /// The slower of both, for each direction.
    pub fn min(self, other: Self) -> Self {
        Self { down: self.down.min(other.down), up: self.up.min(other.up) }
    }
}

impl Quota {
    pub const MIN: u64 = 1_000_000;
    pub const MAX: u64 = 1_000_000_000_000_000;

    /// Bytes in a month.
    pub fn new(bytes: u64, then: QuotaEnd) -> Result<Self, TrafficLimitError> {
        let fits = (Self::MIN..=Self::MAX).contains(&bytes);
        if fits { Ok(Self { bytes, then }) } else { Err(TrafficLimitError::Quota) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_bounds() {
        assert_eq!(Speed::new(63_999, 1_000_000), Err(TrafficLimitError::Speed));
        assert_eq!(Speed::new(1_000_000, 100_000_000_001), Err(TrafficLimitError::Speed));
        assert_eq!(Quota::new(999_999, QuotaEnd::Stop), Err(TrafficLimitError::Quota));
        let slow = Speed::new(1_000_000, 500_000).unwrap();
        let fast = Speed::new(500_000, 9_000_000).unwrap();
        assert_eq!(slow.min(fast), Speed { down: 500_000, up: 500_000 });
        assert!(Quota::new(1_000_000, QuotaEnd::Throttle(slow)).is_ok());
    }
}
