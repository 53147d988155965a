//! What an author does that needs no compiler: a new folder, keys, packages and signatures.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod calls;
mod packages;
mod projects;
mod reference;
mod shapes;
mod types;

use myrelay_plugin_tools::{command, run_to};

/// What a command line writes, or why it stops.
fn plugin(line: &[&str]) -> Result<String, String> {
    let matches = command().try_get_matches_from([&["plugin"], line].concat());
    let matches = matches.map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    match run_to(&matches, &[], &mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => Err(format!("{error:#}")),
    }
}
