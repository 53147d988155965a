//! The words of the sign-in page.

pub(crate) const TITLE: &str = "Sign in";
pub(crate) const NO_ACCOUNT: &str = "No account yet? ";
