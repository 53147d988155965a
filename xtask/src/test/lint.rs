//! Format and lints, as tests like all others.

use std::process::Command;
use std::time::Instant;

use crate::process;
use crate::report;
use crate::setup::wasm::Compiler;
use crate::test::{Level, Outcome, Results};
use crate::workspace::{FOR_WASM, Workspace, for_this_machine};

/// Checks format and lints of everything, the browser part with its own compiler.
pub(crate) fn run(workspace: &Workspace, compiler: &Compiler, results: &mut Results) {
    report::step("Checking format and lints");
    let start = Instant::now();
    let mut format = workspace.cargo();
    check(results, "format", format.args(["fmt", "--all", "--check"]));

    let mut lints = workspace.cargo();
    lints.args(["clippy", "--quiet"]).args(for_this_machine());
    check(results, "lints", lints.args(["--all-targets", "--", "-D", "warnings"]));

    let mut browser = workspace.cargo();
    browser
        .args(["clippy", "--quiet"])
        .args(FOR_WASM.into_iter().flat_map(|it| ["--package", it]))
        .env("CARGO_TARGET_DIR", workspace.target_wasm());
    let name = "lints_of_the_browser_part";
    match compiler.configure(workspace, &mut browser) {
        Err(error) => failed(results, name, format!("{error:#}")),
        Ok(()) if !compiler.has_clippy() => {
            let reason = "the compiler for wasm is Debian's, and has no Clippy";
            results.record(Level::Lint, "xtask", name, Outcome::Skipped(reason.to_owned()));
        }
        Ok(()) => check(results, name, browser.args(["--", "-D", "warnings"])),
    }
    results.took(Level::Lint, start.elapsed());
}

fn check(results: &mut Results, name: &str, command: &mut Command) {
    match process::run(command) {
        Ok(()) => results.record(Level::Lint, "xtask", name, Outcome::Passed),
        Err(error) => failed(results, name, format!("{error:#}")),
    }
}

fn failed(results: &mut Results, name: &str, why: String) {
    results.record(Level::Lint, "xtask", name, Outcome::Failed(why));
}
