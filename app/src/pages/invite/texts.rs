//! The words of the page behind the one-time link.

pub(crate) const TITLE: &str = "Set up your operator account";
pub(crate) const LEDE: &str = "This link works once. Choose the address and the password that you \
     will sign in with.";
pub(crate) const SUBMIT: &str = "Create the operator account";
