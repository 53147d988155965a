//! The words of the customer's home.

use crate::texts::count;

pub(crate) const TITLE: &str = "Your locations";
pub(crate) const ADD: &str = "Add a location";
pub(crate) const ADD_BUTTON: &str = "Add";
pub(crate) const EMPTY_TITLE: &str = "Pick your first location";
pub(crate) const EMPTY_TEXT: &str = "A location is where your traffic reaches the internet. You get \
     a WireGuard interface of your own there, and then add your devices to it.";
pub(crate) const NO_LOCATIONS_TITLE: &str = "No locations yet";
pub(crate) const NO_LOCATIONS_TEXT: &str =
    "The people who run this service have not set up a location yet. Come back later.";
pub(crate) const IN_CONTACT: &str = "Available";
pub(crate) const AWAY: &str =
    "The node is away. You can add it now: it is made when the node returns.";
pub(crate) const TO_PLAN: &str = "See your plan and pay";
pub(crate) const ALL_ADDED: &str = "You have every location there is.";

/// The plan and how much of it is used.
pub(crate) fn usage(plan: &str, used: usize, limit: u32) -> String {
    format!("{plan} plan, {used} of {}", count(limit, "location", "locations"))
}

/// Why there is nothing to add.
pub(crate) fn full(limit: u32) -> String {
    format!("Your plan has {}. Delete one to add another.", count(limit, "location", "locations"))
}

/// A button's name for those who do not see the row.
pub(crate) fn add_where(location: &str) -> String {
    format!("{ADD_BUTTON} {location}")
}
