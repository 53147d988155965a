//! The words of the page of payments.

use crate::components::Column;

pub(crate) const TITLE: &str = "Payments";
pub(crate) const ARRIVED: &str = "What arrived";
pub(crate) const EMPTY_TITLE: &str = "No payments yet";
pub(crate) const EMPTY_TEXT: &str = "What customers pay stands here, with what went back. To sell, add a plan with a price and \
     enable a plugin that takes payments.";
pub(crate) const AWAITED: &str = "Awaited transfers";
pub(crate) const AWAITED_HINT: &str = "Look for these on your bank account, the oldest first, and mark \
     as paid what is there.";
pub(crate) const REFERENCE: Column = ("Reference", false);
pub(crate) const ACCOUNT: Column = ("Account", false);
pub(crate) const PLAN: Column = ("Plan", false);
pub(crate) const MADE: Column = ("Made", false);
pub(crate) const DUE: Column = ("Due", true);
pub(crate) const AWAITED_COLUMNS: &[Column] = &[REFERENCE, ACCOUNT, PLAN, MADE, DUE];
