//! The words of the page with a pod's tokens.

use crate::components::Column;

pub(crate) const LEDE: &str = "With a token a program of yours adds, reads and removes the devices \
     of this location, chooses what goes through their tunnels, and can do nothing else: not in another location, and not on these pages.";
pub(crate) const EMPTY_TITLE: &str = "No tokens yet";
pub(crate) const EMPTY_TEXT: &str = "Make one for each program, with a name that tells you which. \
     What is lost or not needed any more you revoke, and the others go on.";
pub(crate) const CAPTION: &str = "API tokens";
pub(crate) const NAME: Column = ("Name", false);
pub(crate) const MADE: Column = ("Made", false);
pub(crate) const USED: Column = ("Last used", false);
pub(crate) const ENDS: Column = ("Ends", false);
pub(crate) const ACTION: Column = ("Action", false);
pub(crate) const COLUMNS: &[Column] = &[NAME, MADE, USED, ENDS, ACTION];
pub(crate) const UNUSED: &str = "Not yet";
pub(crate) const TODAY: &str = "Today";
pub(crate) const NEVER: &str = "Never";
pub(crate) const OVER: &str = "Over";
pub(crate) const REVOKE: &str = "Revoke";
pub(crate) const MAKE: &str = "Make a token";
pub(crate) const NAME_HINT: &str = "Such as the program or the machine that will use it.";
pub(crate) const EXPIRY: &str = "Ends";
pub(crate) const EXPIRY_HINT: &str = "A token that is over is refused. Devices stay as they are.";
/// What is chosen at first.
pub(crate) const YEAR: &str = "1-year";
pub(crate) const EXPIRIES: [(&str, &str); 3] =
    [("30-days", "In 30 days"), (YEAR, "In a year"), ("never", "Never, until you revoke it")];
pub(crate) const SUBMIT: &str = "Make the token";
pub(crate) const USE: &str = "Use a token";
pub(crate) const USE_TEXT: &str = "Programs send it in the header Authorization, after the word \
     Bearer. This location has the path:";

/// The heading.
pub(crate) fn title(location: &str) -> String {
    format!("API tokens for {location}")
}

/// Why none can be made.
pub(crate) fn full(limit: u32) -> String {
    format!("A location has at most {limit} tokens. Revoke one to make another.")
}

/// A link's name for those who do not see the row.
pub(crate) fn revoke(name: &str) -> String {
    format!("{REVOKE}: {name}")
}
