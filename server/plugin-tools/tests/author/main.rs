//! What an author does that needs no compiler: a new folder, keys, packages and signatures.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod calls;
mod packages;
mod projects;
mod reference;
mod shapes;
mod types;

use std::{env, fs, path::Path};

use myrelay_plugin_tools::{command, run_to};

/// A file of this checkout is what is made of the published interface; where its author says so, it
/// is written anew.
fn is_as_published(file: &str, made: impl Fn(&Path) -> String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (place, now) = (root.join(file), made(&root.join("plugins/wit/v1")));
    if env::var_os("MYRELAY_WRITE_TYPES").is_some() {
        fs::write(&place, &now).unwrap();
    }
    let written = fs::read_to_string(&place).unwrap_or_default();
    assert!(
        written == now,
        "{file} is not what plugins/wit/v1 says; write it anew: \
         MYRELAY_WRITE_TYPES=1 cargo test -p myrelay-plugin-tools --test author published"
    );
}

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
