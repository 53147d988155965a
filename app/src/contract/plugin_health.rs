//! How a plugin does.

use serde::{Deserialize, Serialize};

use super::Millis;

/// The hours of a day.
pub const HEALTH_HOURS: usize = 24;

/// What became of the calls of an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HourOfCalls {
    /// When it began.
    pub at: Millis,
    pub well: u32,
    pub failed: u32,
}

/// What a plugin said when it was asked how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginSaidView {
    /// It said that it could do its work.
    pub well: bool,
    /// Its words, or why it had none.
    pub words: String,
    pub at: Millis,
}

/// How a plugin does, by its calls of the last day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginHealthView {
    /// Failures since it did anything well.
    pub failures: u32,
    /// It is left in peace until then.
    pub rests_until: Option<Millis>,
    /// What the version that is in place said last; none where nobody asked it.
    pub said: Option<PluginSaidView>,
    pub calls: u32,
    pub failed: u32,
    /// There were more calls than are kept: these are the last of them.
    pub cut: bool,
    /// Half of the calls, and 99 of 100, took no longer: microseconds by the clock; none where
    /// there was no call.
    pub half_us: Option<u64>,
    pub most_us: Option<u64>,
    /// [`HEALTH_HOURS`] of them, oldest first.
    pub hours: Vec<HourOfCalls>,
}
