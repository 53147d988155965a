//! How many bytes a pod moved: what nodes count and the portal adds up.
//!
//! A node counts in hours. Each record holds everything that one counter has seen of one pod in one
//! hour so far, so a record that comes again, late or out of order changes nothing: the larger one
//! of two stands. A counter is one folder's memory of counting; when the folder is lost, the next
//! counter has another name and starts at zero, and the sum over all counters stays right.

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use myrelay_domain::ids::PodId;
use serde::{Deserialize, Serialize};

/// An hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// The most records in one report.
pub const MAX_USAGE_RECORDS: usize = 2000;
/// How long a node keeps what it could not report, and how late a portal takes it, in hours.
pub const USAGE_KEPT_HOURS: i64 = 40 * 24;

/// What `POST /v1/usage` carries. The answer is 204 when all of it is on the portal's disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// Names the counter: 32 hexadecimal digits, made at random with its folder.
    pub counter: String,
    /// At most [`MAX_USAGE_RECORDS`].
    pub records: Vec<UsageRecord>,
}

/// What one pod moved in one hour, as far as this counter has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRecord {
    pub pod: PodId,
    /// When the hour began by the node's clock: milliseconds since 1970-01-01 UTC, a multiple of
    /// [`HOUR_MS`].
    pub hour_ms: i64,
    /// Bytes that came from the devices: the interface's `rx_bytes` (linux/if_link.h).
    pub received: u64,
    /// Bytes that went to the devices: the interface's `tx_bytes`.
    pub sent: u64,
}

/// When the month that holds this moment began: 00:00 UTC on the reset day, in milliseconds since
/// 1970-01-01 UTC. Days beyond 1 to 28 count as the nearest of them.
pub fn period_start_ms(now_ms: i64, reset_day: u8) -> i64 {
    let day = i8::try_from(reset_day.clamp(1, 28)).unwrap_or(1);
    let Ok(now) = Timestamp::from_millisecond(now_ms) else { return 0 };
    let date = now.to_zoned(TimeZone::UTC).date();
    let this = date.with().day(day).build().unwrap_or(date);
    let start = if date < this { this.saturating_sub(1.month()) } else { this };
    start.to_zoned(TimeZone::UTC).map_or(0, |it| it.timestamp().as_millisecond())
}

/// When the month after the one that holds this moment begins, as [`period_start_ms`].
pub fn period_end_ms(now_ms: i64, reset_day: u8) -> i64 {
    // 40 days after its start every month is over, and the one after it is not.
    period_start_ms(period_start_ms(now_ms, reset_day) + 40 * 24 * HOUR_MS, reset_day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_month_begins_on_its_day_at_midnight() {
        for (now, day, start, end) in [
            ("2026-03-15T12:00:00Z", 1, "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("2026-03-15T00:00:00Z", 15, "2026-03-15T00:00:00Z", "2026-04-15T00:00:00Z"),
            ("2026-03-14T23:59:59.999Z", 15, "2026-02-15T00:00:00Z", "2026-03-15T00:00:00Z"),
            ("2026-01-05T00:00:00Z", 28, "2025-12-28T00:00:00Z", "2026-01-28T00:00:00Z"),
            ("2024-02-29T23:00:00Z", 28, "2024-02-28T00:00:00Z", "2024-03-28T00:00:00Z"),
        ] {
            assert_eq!(period_start_ms(ms(now), day), ms(start), "{now} by day {day}");
            assert_eq!(period_end_ms(ms(now), day), ms(end), "{now} by day {day}");
        }
    }
}
