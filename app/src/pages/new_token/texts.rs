//! The words of the page with a new token.

pub(crate) const UP: &str = "API tokens";
pub(crate) const SELECT: &str = "A click selects the whole token.";
pub(crate) const ENDLESS: &str = "It has no end: revoke it when it is not needed any more.";
pub(crate) const ONCE_TITLE: &str = "Shown this once";
pub(crate) const ONCE: &str = "We keep only a hash of it. If you lose it, revoke it and make \
     another. Keep it in a file that only the program can read, and never in an address, which \
     ends up in logs.";
pub(crate) const DONE: &str = "I have kept it";

/// The heading.
pub(crate) fn title(name: &str) -> String {
    format!("Token {name}")
}

/// What it is good for.
pub(crate) fn lede(location: &str) -> String {
    format!("Whoever has this token manages the devices in {location}, and nothing else.")
}

/// Until when it counts.
pub(crate) fn ends(until: &str) -> String {
    format!("It ends on {until}.")
}
