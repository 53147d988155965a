//! The words of the operators' sign-in page.

pub(crate) const TITLE: &str = "Sign in as an operator";
pub(crate) const LEDE: &str = "For the people who run this service. Customers sign in ";
pub(crate) const LEDE_LINK: &str = "on their own page";
