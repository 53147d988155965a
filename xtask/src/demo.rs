//! `cargo xtask demo`: builds everything and shows it on this machine.

use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};

use crate::build;
use crate::process;
use crate::setup;
use crate::workspace::{Profile, Workspace};

/// Sets up what is missing, builds everything, and runs the demo; with `check` it walks the main
/// job once instead and ends with `demo ok`.
///
/// # Errors
/// When something cannot be set up or does not compile, or the demo fails.
pub(crate) fn run(workspace: &Workspace, check: bool) -> Result<()> {
    setup::run(workspace)?;
    build::run(workspace, Profile::Debug)?;
    let program = workspace.target().join(Profile::Debug.folder()).join("demo");
    let mut demo = process::command(program);
    if check {
        demo.arg("--check");
    }
    // The demo takes this process's place, and with it Ctrl-C and every other signal.
    let error = demo.exec();
    Err(error).with_context(|| format!("cannot start {}", process::shown(&demo)))
}
