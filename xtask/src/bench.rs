//! `cargo xtask bench`: builds everything for release and measures it on this machine.

use std::path::PathBuf;

use anyhow::Result;

use crate::build;
use crate::plugins;
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
    let compiler = setup::run(workspace)?;
    build::run(workspace, Profile::Release)?;
    report::step("Compiling what measures them");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--release", "--package", "myrelay-tests", "--bin", "bench"]);
    process::run(&mut cargo)?;
    let programs = workspace.target().join(Profile::Release.folder());
    let mut bench = process::command(programs.join("bench"));
    if names.is_empty() || names.iter().any(|it| needs_plugins(it)) {
        let folder = plugins::build_for_bench(workspace, &compiler, &programs.join("myrelay"))?;
        bench.env("MYRELAY_BENCH_PLUGINS", folder);
    }
    if let Some(json) = json {
        bench.arg("--json").arg(json);
    }
    if quick {
        bench.arg("--quick");
    }
    report::step("Measuring");
    process::run(bench.args(names))
}

/// Whether a measurement loads plugins, by its name.
fn needs_plugins(name: &str) -> bool {
    name.contains("plugin") || ["events", "events_mixed", "webhook"].contains(&name)
}
