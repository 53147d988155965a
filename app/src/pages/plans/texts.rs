//! The words of the list of plans.

use myrelay_domain::{
    limits::{Quota, QuotaEnd, Speed},
    money::Price,
};

use crate::{components::Column, contract::PlanRow, quantities, texts};

pub(crate) const TITLE: &str = "Plans";
pub(crate) const ADD: &str = "Add a plan";
pub(crate) const LEDE: &str = "What accounts may have. A plan is never changed, so that nobody's \
     terms change: add another one, and give it to accounts. Customers choose among the plans that \
     have a price; one that is withdrawn stays with those who have it. Speed and data are for each location.";
pub(crate) const EMPTY_TITLE: &str = "No plans yet";
pub(crate) const EMPTY_TEXT: &str = "The first account that signs up gets a free plan, which stands \
     here then. Or add your own and make it the default.";
pub(crate) const IS_DEFAULT: &str = "Default";
pub(crate) const MAKE_DEFAULT: &str = "Make default";
pub(crate) const IS_WITHDRAWN: &str = "Withdrawn";
pub(crate) const WITHDRAW: &str = "Withdraw";
pub(crate) const REMOVE: &str = "Remove";
pub(crate) const NAME: Column = ("Plan", false);
pub(crate) const PRICE: Column = ("Price", false);
pub(crate) const PODS: Column = ("Locations", true);
pub(crate) const DEVICES: Column = ("Devices each", true);
pub(crate) const SPEED: Column = ("Speed", false);
pub(crate) const QUOTA: Column = ("Data a month", false);
pub(crate) const ACCOUNTS: Column = ("Accounts", true);
pub(crate) const ACTION: Column = ("Action", false);
pub(crate) const COLUMNS: &[Column] = &[NAME, PRICE, PODS, DEVICES, SPEED, QUOTA, ACCOUNTS, ACTION];

const NO_LIMIT: &str = "No limit";
const FREE: &str = "Free";

/// A button's name for those who do not see the row.
pub(crate) fn of(action: &str, plan: &str) -> String {
    format!("{action}: {plan}")
}

/// What it costs.
pub(crate) fn price(price: Option<Price>) -> String {
    price.map_or_else(|| FREE.to_owned(), quantities::price)
}

/// How fast.
pub(crate) fn speed(speed: Option<Speed>) -> String {
    speed.map_or_else(|| NO_LIMIT.to_owned(), quantities::speed)
}

/// How much, and what happens then.
pub(crate) fn quota(quota: Option<Quota>) -> String {
    let Some(quota) = quota else { return NO_LIMIT.to_owned() };
    let bytes = quantities::bytes(quota.bytes);
    match quota.then {
        QuotaEnd::Stop => format!("{bytes}, then stopped"),
        QuotaEnd::Throttle(slow) => format!("{bytes}, then {}", quantities::speed(slow)),
    }
}

/// A plan in one line, to choose it by.
pub(crate) fn limits(plan: &PlanRow) -> String {
    let pods = texts::count(plan.pods, "location", "locations");
    let mut line =
        format!("{}: {pods}, {} in each", plan.name, texts::devices(plan.devices_per_pod));
    if plan.traffic.speed.is_some() {
        line += &format!(", {}", speed(plan.traffic.speed));
    }
    if plan.traffic.quota.is_some() {
        line += &format!(", {} a month", quota(plan.traffic.quota));
    }
    if let Some(price) = plan.price {
        line += &format!(", {}", quantities::price(price));
    }
    if plan.is_withdrawn {
        line += ", withdrawn";
    }
    line
}
