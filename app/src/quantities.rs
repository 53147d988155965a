//! Bytes, speeds and times as people read them: three digits that count, a point for decimals.

use jiff::{Timestamp, tz::TimeZone};
use myrelay_domain::{
    limits::Speed,
    money::{Interval, Price},
};

use crate::contract::Millis;

/// Powers of 1000 (IEC 80000-13).
const BYTES: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const BITS: [&str; 7] = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s", "Ebit/s"];

/// A number of bytes, such as `1.23 GB`.
pub(crate) fn bytes(number: u64) -> String {
    with_unit(number, &BYTES)
}

/// An amount of memory, such as `1.1 MiB`: its limits are powers of two.
pub(crate) fn memory(number: u64) -> String {
    let (size, unit) = match number {
        0..0x400 => return format!("{number}\u{a0}B"),
        0x400..0x10_0000 => (0x400, "KiB"),
        _ => (0x10_0000, "MiB"),
    };
    let (whole, tenth) = (number / size, number % size * 10 / size);
    let tenth = if tenth == 0 { String::new() } else { format!(".{tenth}") };
    format!("{whole}{tenth}\u{a0}{unit}")
}

/// Bits per second, such as `100 Mbit/s`.
pub(crate) fn rate(number: u64) -> String {
    with_unit(number, &BITS)
}

/// Both directions of a speed, or one number where they are the same.
pub(crate) fn speed(speed: Speed) -> String {
    if speed.down == speed.up {
        rate(speed.down)
    } else {
        format!("{} down, {} up", rate(speed.down), rate(speed.up))
    }
}

/// What a plan costs, such as `9.99 EUR a month`.
pub(crate) fn price(price: Price) -> String {
    // A space that does not break (U+00A0).
    let amount = price.amount.to_string().replace(' ', "\u{a0}");
    match price.interval {
        Interval::Month => format!("{amount} a month"),
        Interval::Year => format!("{amount} a year"),
    }
}

/// How many percent of a whole, rounded down and never above 100.
pub(crate) fn percent(part: u64, whole: u64) -> u64 {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    u64::try_from(percent).unwrap_or(100).min(100)
}

/// The smallest of 1, 2 and 5 with zeros behind it that is not less: where an axis ends.
pub(crate) fn axis_end(most: u64) -> u64 {
    let mut unit: u64 = 1;
    loop {
        for step in [1, 2, 5] {
            let end = unit.saturating_mul(step);
            if most <= end {
                return end;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// The hour of a moment in UTC, such as `20 Mar, 14:00`.
pub(crate) fn hour(at: Millis) -> String {
    told(at, "%-d %b, %H:00")
}

/// The day of a moment in UTC, such as `20 March 2026`.
pub(crate) fn day(at: Millis) -> String {
    told(at, "%-d %B %Y")
}

/// The same where there is little room, such as `20 Mar`.
pub(crate) fn short_day(at: Millis) -> String {
    told(at, "%-d %b")
}

fn told(at: Millis, format: &str) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

fn with_unit(number: u64, units: &[&str; 7]) -> String {
    let mut size: u128 = 1;
    for unit in units {
        for (decimals, factor) in [(2, 100), (1, 10), (0, 1)] {
            let digits = (u128::from(number) * factor + size / 2) / size;
            if digits < 1000 {
                let (whole, part) = (digits / factor, digits % factor);
                let part =
                    if decimals == 0 { String::new() } else { format!(".{part:0decimals$}") };
                let part = part.trim_end_matches('0').trim_end_matches('.');
                // A space that does not break (U+00A0).
                return format!("{whole}{part}\u{a0}{unit}");
            }
        }
        size *= 1000;
    }
    // Not reached: 64 bits end at 18.4 of the last unit.
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        for (number, told) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 kB"),
            (1_234, "1.23 kB"),
            (12_345, "12.3 kB"),
            (999_499, "999 kB"),
            (999_500, "1 MB"),
            (9_995_000, "10 MB"),
            (1_500_000_000, "1.5 GB"),
            (100_000_000_000, "100 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(bytes(number).replace('\u{a0}', " "), told, "{number}");
        }
        for (number, told) in [
            (0, "0 B"),
            (1_000, "1000 B"),
            (1_024, "1 KiB"),
            (1_180_000, "1.1 MiB"),
            (64 << 20, "64 MiB"),
        ] {
            assert_eq!(memory(number).replace('\u{a0}', " "), told, "{number}");
        }
        assert_eq!(rate(2_500_000), "2.5\u{a0}Mbit/s");
    }

    #[test]
    fn an_axis_ends_at_a_round_number() {
        for (most, end) in [(0, 1), (1, 1), (3, 5), (11, 20), (500, 500), (501, 1000)] {
            assert_eq!(axis_end(most), end, "{most}");
        }
        assert_eq!(axis_end(u64::MAX), u64::MAX);
    }

    #[test]
    fn a_share_is_never_above_the_whole() {
        assert_eq!([percent(799, 1000), percent(2, 1), percent(0, 0)], [79, 100, 0]);
    }

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(hour(1_773_999_000_000), "20 Mar, 09:00");
        assert_eq!(day(1_773_999_000_000), "20 March 2026");
    }
}
