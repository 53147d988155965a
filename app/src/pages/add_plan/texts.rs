//! The words of the page that adds a plan.

use myrelay_domain::money::Interval;

pub(crate) const TITLE: &str = "Add a plan";
pub(crate) const LEDE: &str = "A plan cannot be changed later, only replaced by another one.";
pub(crate) const NAME: &str = "Name";
pub(crate) const NAME_HINT: &str = "Customers see it.";
pub(crate) const PODS: &str = "Locations";
pub(crate) const PODS_HINT: &str = "How many an account may have at once: 1 to 100.";
pub(crate) const DEVICES: &str = "Devices in each location";
pub(crate) const DEVICES_HINT: &str =
    "1 to 1021. A location with more than 61 needs more addresses.";
pub(crate) const PRICE_PART: &str = "Price";
pub(crate) const PRICE_PART_HINT: &str = "Customers choose a plan with a price by themselves and pay \
     for each period before it begins. Leave the price empty for a free plan, which only you give.";
pub(crate) const PRICE: &str = "Price of one period";
pub(crate) const PRICE_HINT: &str = "A number with a point, such as 9.99.";
pub(crate) const CURRENCY: &str = "Currency";
pub(crate) const USUAL_CURRENCY: &str = "EUR";
pub(crate) const INTERVAL: &str = "How long a period is";
pub(crate) const INTERVALS: [(Interval, &str); 2] =
    [(Interval::Month, "A month"), (Interval::Year, "A year")];
pub(crate) const SPEED: &str = "Speed";
pub(crate) const SPEED_HINT: &str = "For all devices of a location together. Leave both empty for as \
     fast as the node can.";
pub(crate) const SPEED_DOWN: &str = "Mbit/s to devices";
pub(crate) const SPEED_UP: &str = "Mbit/s from devices";
pub(crate) const DATA: &str = "Data";
pub(crate) const QUOTA: &str = "GB in each location and month";
pub(crate) const QUOTA_HINT: &str = "Both directions together. Empty: as much as one likes. A month \
     begins on the day on which the account was made.";
pub(crate) const THEN: &str = "When it is used up";
pub(crate) const ENDS: [(&str, &str); 2] =
    [("throttle", "Go on slowly until the next month"), ("stop", "Stop until the next month")];
pub(crate) const THROTTLE: &str = "Mbit/s once it is used up";
pub(crate) const THROTTLE_HINT: &str = "For going on slowly, in each direction, such as 2 or 0.5.";
pub(crate) const SUBMIT: &str = "Add the plan";
