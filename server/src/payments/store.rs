//! The payments' SQL.

pub(super) mod checkouts;
pub(super) mod hooks;
pub(super) mod payments;
pub(super) mod refunds;
pub(super) mod tasks;
