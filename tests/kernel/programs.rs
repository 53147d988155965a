//! The one place that starts other programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A command that is not run yet.
#[expect(clippy::disallowed_methods, reason = "a machine is a program")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs a command to its end and returns what it wrote on standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {said}", program.display(), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Tests of the agent, compiled: `cargo xtask test` says where they are in the variable, and
/// without it Cargo is asked.
pub(crate) fn agent_tests(name: &str, variable: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--quiet", "--no-run", "--package", "myrelay-agent", "--test", name]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let messages = output(&mut cargo)?;
    let marker = "\"executable\":\"";
    let path = messages
        .lines()
        .filter_map(|message| message.split_once(marker).and_then(|(_, rest)| rest.split_once('"')))
        .map(|(path, _)| PathBuf::from(path))
        .rfind(|path| path.parent().is_some_and(|folder| folder.ends_with("deps")));
    path.context("Cargo named no test program")
}

/// The agent itself: Cargo puts it beside the folder with the tests.
pub(crate) fn agent(tests: &Path) -> Result<PathBuf> {
    let folder = tests.parent().and_then(Path::parent).context("tests lie two folders deep")?;
    Ok(folder.join("myrelay-agent"))
}
