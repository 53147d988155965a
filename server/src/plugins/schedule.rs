//! The times of jobs, as cron reads them.

use std::str::FromStr as _;

use croner::Cron;
use jiff::{Timestamp, tz::TimeZone};

/// The first time after `after` that fits five fields of cron, in UTC; both in milliseconds since
/// 1970. None where there is none in sight, as on the thirtieth of February. Where both days are
/// named, one of them is enough (POSIX, `crontab`).
pub(crate) fn next(cron: &str, after: i64) -> Option<i64> {
    let cron = Cron::from_str(cron).ok()?;
    let after = Timestamp::from_millisecond(after).ok()?.to_zoned(TimeZone::UTC);
    let next = cron.find_next_occurrence(&after, false).ok()?;
    Some(next.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::next;

    fn after(cron: &str, after: &str) -> Option<String> {
        let after: jiff::Timestamp = after.parse().unwrap();
        let next = next(cron, after.as_millisecond())?;
        Some(jiff::Timestamp::from_millisecond(next).unwrap().to_string())
    }

    #[test]
    fn the_next_time_is_the_first_that_fits() {
        for (cron, from, expected) in [
            ("17 3 * * *", "2026-03-01T03:16:59Z", "2026-03-01T03:17:00Z"),
            ("17 3 * * *", "2026-03-01T03:17:00Z", "2026-03-02T03:17:00Z"),
            ("*/15 * * * *", "2026-12-31T23:50:01Z", "2027-01-01T00:00:00Z"),
            ("0 9-17/4 * * 1-5", "2026-03-06T17:30:00Z", "2026-03-09T09:00:00Z"),
            ("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            // The thirteenth, or a Friday.
            ("0 0 13 * 5", "2026-03-07T00:00:00Z", "2026-03-13T00:00:00Z"),
            ("0 0 13 * 5", "2026-04-11T00:00:00Z", "2026-04-13T00:00:00Z"),
            ("0 0 * * 7", "2026-03-02T00:00:00Z", "2026-03-08T00:00:00Z"),
            // Clocks go forward elsewhere.
            ("30 1 * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"),
        ] {
            assert_eq!(after(cron, from).as_deref(), Some(expected), "{cron} after {from}");
        }
        assert_eq!(after("0 0 30 2 *", "2026-03-01T00:00:00Z"), None);
        assert_eq!(after("99 0 * * *", "2026-03-01T00:00:00Z"), None);
    }
}
