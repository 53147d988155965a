//! The words of charts.

use super::Column;

pub(crate) const NOTHING_MOVED: &str = "Nothing was moved in this time.";
pub(crate) const AS_TABLE: &str = "Show as a table";
pub(crate) const HOUR: Column = ("Hour (UTC)", false);
pub(crate) const DAY: Column = ("Day (UTC)", false);
pub(crate) const DOWN: Column = ("To devices", true);
pub(crate) const UP: Column = ("From devices", true);
pub(crate) const HOUR_COLUMNS: &[Column] = &[HOUR, DOWN, UP];
pub(crate) const DAY_COLUMNS: &[Column] = &[DAY, DOWN, UP];

/// What moved in a time: the words of one bar.
pub(crate) fn moved(time: &str, down: &str, up: &str) -> String {
    format!("{time}: {down} to devices, {up} from them")
}

/// The highest bar of a chart.
pub(crate) fn most_moved(words: &str) -> String {
    format!("Most was moved on {words}.")
}
