//! What a measurement is, and how it is shown.

use std::time::Duration;

use serde_json::{Value, json};

/// How often things are done.
#[derive(Clone, Copy)]
pub(crate) enum Effort {
    /// As often as a number needs to be worth something.
    Full,
    /// A tenth of it.
    Quick,
}

impl Effort {
    /// How often to do what is done so often.
    pub(crate) fn times(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => full.div_ceil(10),
        }
    }
}

/// One number with what is behind it.
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    /// Of the samples; none where there is one number and no samples.
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    /// How many samples.
    pub(crate) n: usize,
    /// What was measured, on what.
    pub(crate) setup: String,
}

impl Metric {
    /// The times that something took; the value is their median in milliseconds.
    pub(crate) fn of_times(name: &'static str, times: &[Duration], setup: String) -> Self {
        let samples = times.iter().map(|it| it.as_secs_f64() * 1e3).collect();
        Self::of_samples(name, "ms", samples, setup)
    }

    /// Samples of any unit; the value is their median.
    pub(crate) fn of_samples(
        name: &'static str,
        unit: &'static str,
        mut samples: Vec<f64>,
        setup: String,
    ) -> Self {
        samples.sort_by(f64::total_cmp);
        let p50 = percentile(&samples, 50);
        let p99 = percentile(&samples, 99);
        let value = p50.unwrap_or(f64::NAN);
        Self { name, unit, value, p50, p99, n: samples.len(), setup }
    }

    /// One number.
    pub(crate) fn of_value(
        name: &'static str,
        unit: &'static str,
        value: f64,
        n: usize,
        setup: String,
    ) -> Self {
        Self { name, unit, value, p50: None, p99: None, n, setup }
    }

    /// As it stands in the JSON file.
    pub(crate) fn json(&self) -> Value {
        let Self { name, unit, value, p50, p99, n, setup } = self;
        json!({
            "name": name, "unit": unit, "value": value, "p50": p50, "p99": p99, "n": n,
            "setup": setup,
        })
    }

    /// A line of the table.
    pub(crate) fn line(&self) -> String {
        let shown = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), short);
        format!(
            "{:<26} {:>9} {:<8} {:>9} {:>9} {:>6}",
            self.name,
            short(self.value),
            self.unit,
            shown(self.p50),
            shown(self.p99),
            self.n
        )
    }
}

/// What stands above the lines.
pub(crate) fn heading() -> String {
    format!("{:<26} {:>9} {:<8} {:>9} {:>9} {:>6}", "name", "value", "unit", "p50", "p99", "n")
}

/// Three digits are what such a measurement is worth.
fn short(number: f64) -> String {
    if number.abs() < 10.0 && number.fract() != 0.0 {
        format!("{number:.2}")
    } else if number.abs() < 100.0 && number.fract() != 0.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}

/// By the nearest rank: always one of the samples.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 50), Some(50.0));
        assert_eq!(percentile(&hundred, 99), Some(99.0));
        assert_eq!(percentile(&[7.0], 99), Some(7.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
