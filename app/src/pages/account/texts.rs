//! The words of an account's page.

pub(crate) const PLAN: &str = "Plan";
pub(crate) const PODS: &str = "Locations";
pub(crate) const CREATED: &str = "Created";
pub(crate) const CHANGE: &str = "Change the plan";
pub(crate) const CHANGE_HINT: &str = "Speed and data count at once. Locations and devices beyond the \
     new plan stay, and none can be added to them.";
pub(crate) const USAGE: &str = "Data";
pub(crate) const NO_USAGE: &str = "This account has no location and used nothing lately.";
pub(crate) const SUSPEND: &str = "Suspend this account";
pub(crate) const RESUME: &str = "Resume this account";

/// A section's heading.
pub(crate) fn data_in(location: &str) -> String {
    format!("Data in {location}")
}
