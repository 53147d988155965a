//! What xtask says on the terminal.

use std::io::Write as _;

/// Prints one line on standard output; a closed pipe is not an error.
pub(crate) fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{}", text.as_ref()));
    drop(out.flush());
}

/// Prints what is about to happen, so that a long silence has a name.
pub(crate) fn step(text: impl AsRef<str>) {
    line(format!("› {}", text.as_ref()));
}
