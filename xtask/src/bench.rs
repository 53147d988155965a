//! `cargo xtask bench`: builds everything for release and measures it on this machine.

use std::path::PathBuf;

use anyhow::Result;

use crate::build;
use crate::process;
use crate::report;
use crate::setup;
use crate::workspace::{Profile, Workspace};

/// Builds everything and measures what is named, or everything; the numbers go to the terminal and
/// to a JSON file.
///
/// # Errors
/// When something cannot be set up or does not compile, or not everything could be measured.
pub(crate) fn run(
    workspace: &Workspace,
    json: Option<&PathBuf>,
    quick: bool,
    names: &[String],
) -> Result<()> {
    setup::run(workspace)?;
    build::run(workspace, Profile::Release)?;
    report::step("Compiling what measures them");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--package", "myrelay-tests", "--bin", "bench"]);
    process::run(&mut cargo)?;
    let program = workspace.target().join(Profile::Release.folder()).join("bench");
    let mut bench = process::command(program);
    if let Some(json) = json {
        bench.arg("--json").arg(json);
    }
    if quick {
        bench.arg("--quick");
    }
    report::step("Measuring");
    process::run(bench.args(names))
}
