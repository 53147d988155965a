//! The words of the list of accounts.

use crate::components::Column;

pub(crate) const TITLE: &str = "Accounts";
pub(crate) const SEARCH: &str = "Search by e-mail address";
pub(crate) const SEARCH_BUTTON: &str = "Search";
pub(crate) const SUSPEND: &str = "Suspend";
pub(crate) const RESUME: &str = "Resume";
pub(crate) const EMPTY_TITLE: &str = "No accounts yet";
pub(crate) const EMPTY_TEXT: &str = "Customers make their accounts themselves, on the front page.";
pub(crate) const EMAIL: Column = ("Account", false);
pub(crate) const STATE: Column = ("State", false);
pub(crate) const PLAN: Column = ("Plan", false);
pub(crate) const PODS: Column = ("Pods", true);
pub(crate) const CREATED: Column = ("Created", false);
pub(crate) const ACTION: Column = ("Action", false);
pub(crate) const COLUMNS: &[Column] = &[EMAIL, STATE, PLAN, PODS, CREATED, ACTION];

/// When a search finds nobody.
pub(crate) fn nobody(search: &str) -> String {
    format!("No account's address contains “{search}”.")
}

/// A button's name for those who do not see the row.
pub(crate) fn on(action: &str, email: &str) -> String {
    format!("{action} {email}")
}
