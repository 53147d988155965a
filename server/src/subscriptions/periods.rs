//! When a period ends: on the day of the month on which the subscription began, in UTC, or on the
//! last day of a month that does not have it.

use jiff::{Span, Timestamp, tz::TimeZone};
use myrelay_domain::money::Interval;

/// What is beyond the calendar: a month of 30 days.
const MONTH_MS: i64 = 30 * 24 * 3_600_000;

/// The end of the period that begins at `from`, of a subscription that began at `began`, in
/// milliseconds since 1970.
pub(super) fn end_of(began: i64, from: i64, interval: Interval) -> i64 {
    let months = i64::from(interval.months());
    let passed = (from - began).max(0) / (31 * 24 * 3_600_000) / months;
    // Counted from the beginning each time: the 31st stays the 31st after a February.
    // What is counted in months of 31 days is too little by a fiftieth.
    (passed..passed + passed / 32 + 4)
        .filter_map(|periods| after(began, periods.checked_mul(months)?))
        .find(|end| from < *end)
        .unwrap_or_else(|| from.saturating_add(months * MONTH_MS))
}

fn after(began: i64, months: i64) -> Option<i64> {
    let began = Timestamp::from_millisecond(began).ok()?.to_zoned(TimeZone::UTC);
    let end = began.checked_add(Span::new().try_months(months).ok()?).ok()?;
    Some(end.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn the_31st_stays_the_31st() {
        let began = ms("2026-01-31T10:00:00Z");
        let mut from = began;
        let ends = [
            "2026-02-28T10:00:00Z",
            "2026-03-31T10:00:00Z",
            "2026-04-30T10:00:00Z",
            "2026-05-31T10:00:00Z",
        ];
        for end in ends {
            from = end_of(began, from, Interval::Month);
            assert_eq!(from, ms(end));
        }
        for _ in 0..1200 {
            let next = end_of(began, from, Interval::Month);
            assert!((28 * 86_400_000..=31 * 86_400_000).contains(&(next - from)), "{next}");
            from = next;
        }
    }

    #[test]
    fn a_year_from_a_leap_day_ends_on_the_last_of_february() {
        let began = ms("2028-02-29T00:00:00Z");
        let first = end_of(began, began, Interval::Year);
        assert_eq!(first, ms("2029-02-28T00:00:00Z"));
        assert_eq!(end_of(began, first, Interval::Year), ms("2030-02-28T00:00:00Z"));
    }

    #[test]
    fn a_time_within_a_period_ends_with_it() {
        let began = ms("2026-01-10T00:00:00Z");
        let end = end_of(began, ms("2026-02-15T12:00:00Z"), Interval::Month);
        assert_eq!(end, ms("2026-03-10T00:00:00Z"));
    }
}
