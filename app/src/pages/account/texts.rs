//! The words of an account's page.

pub(crate) const PLAN: &str = "Plan";
pub(crate) const PODS: &str = "Locations";
pub(crate) const CREATED: &str = "Created";
pub(crate) const CHANGE: &str = "Change the plan";
pub(crate) const CHANGE_HINT: &str = "Speed and data count at once. Locations and devices beyond the \
     new plan stay, and none can be added to them.";
pub(crate) const USAGE: &str = "Data";
pub(crate) const NO_USAGE: &str = "This account has no location and used nothing lately.";
pub(crate) const BILLING: &str = "Billing";
pub(crate) const NO_BILLING: &str = "This account never chose a plan that costs something.";
pub(crate) const UNPAID_TITLE: &str = "Its locations rest until it pays";
pub(crate) const UNPAID: &str = "The plan is not paid for, so no traffic passes. Give it a free plan \
     if it is to go on without paying.";
pub(crate) const INVOICES: &str = "Invoices";
pub(crate) const PAYMENTS: &str = "Payments";
pub(crate) const CREDIT: &str = "Paid, and not used for an invoice yet.";
pub(crate) const END_SUBSCRIPTION: &str = "End its subscription";
pub(crate) const SUSPEND: &str = "Suspend this account";
pub(crate) const RESUME: &str = "Resume this account";

/// A section's heading.
pub(crate) fn data_in(location: &str) -> String {
    format!("Data in {location}")
}
