//! The words about what a location moved.

use myrelay_domain::limits::{QuotaEnd, Speed};

use crate::quantities;

pub(crate) const DATA: &str = "Data";
pub(crate) const MORE: &str = "Usage by hour and day";
pub(crate) const LAST_HOURS: &str = "The last 48 hours";
pub(crate) const LAST_DAYS: &str = "The last 62 days";
pub(crate) const ANEW: &str = "Counts anew ";
pub(crate) const WHAT_IS_KEPT: &str = "Nodes count the bytes of your whole location by the hour. They \
     do not count by device or destination. Hours are kept for 62 days, days for two years.";

pub(crate) const REFUSED: &str = "Some of what it counted was not taken";

/// Why it was not taken, and what to do.
pub(crate) fn refused(reason: &str) -> String {
    format!(
        "The node reported usage that cannot be: {reason}. Look at its clock, and whether its folder \
         was copied or changed."
    )
}

/// The heading of the page.
pub(crate) fn title(location: &str) -> String {
    format!("Data in {location}")
}

/// How much of how much.
pub(crate) fn used(used: u64, quota: Option<u64>) -> String {
    let used = quantities::bytes(used);
    match quota {
        Some(quota) => format!("{used} of {} used this month", quantities::bytes(quota)),
        None => format!("{used} used this month"),
    }
}

/// The bar in words.
pub(crate) fn percent(percent: u64) -> String {
    format!("{percent} % of this month's data is used")
}

/// How fast a plan is.
pub(crate) fn speed(speed: Speed) -> String {
    format!("Up to {}.", quantities::speed(speed))
}

/// When all is used up: what it is called, and what it means.
pub(crate) fn used_up(then: QuotaEnd) -> (&'static str, String) {
    match then {
        QuotaEnd::Stop => (
            "Used up: stopped",
            "This month's data is used up, and nothing passes until the next month begins. Your \
             devices and keys are kept."
                .to_owned(),
        ),
        QuotaEnd::Throttle(slow) => (
            "Used up: slowed down",
            format!(
                "This month's data is used up. Your devices go on at {} until the next month \
                 begins.",
                quantities::speed(slow)
            ),
        ),
    }
}
