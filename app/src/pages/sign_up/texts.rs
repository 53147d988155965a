//! The words of the sign-up page.

use myrelay_domain::password::MIN_CHARS;

pub(crate) const TITLE: &str = "Create an account";
pub(crate) const LEDE: &str = "An e-mail address and a password are all we ask for.";
pub(crate) const EMAIL_HINT: &str = "It is your name here. We do not write to it unasked.";
pub(crate) const HAVE_ACCOUNT: &str = "Have an account? ";

/// What a password has to be; the operators' link says the same.
pub(crate) fn password_hint() -> String {
    format!("At least {MIN_CHARS} characters. A few unrelated words make a good one.")
}
