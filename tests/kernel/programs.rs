//! The one place that starts other programs.

use std::ffi::OsStr;
use std::path::PathBuf;
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

/// The agent's tests of its backends, compiled: `cargo xtask test` says where they are, and
/// without it Cargo is asked.
pub(crate) fn backend_tests() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MYRELAY_TEST_BACKEND") {
        return Ok(path.into());
    }
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--quiet", "--no-run", "--package", "myrelay-agent", "--test", "backend"]);
    cargo.args(["--message-format", "json-render-diagnostics"]);
    let messages = output(&mut cargo)?;
    let marker = "\"executable\":\"";
    let path = messages
        .lines()
        .filter_map(|message| message.split_once(marker).and_then(|(_, rest)| rest.split_once('"')))
        .map(|(path, _)| PathBuf::from(path))
        .next_back();
    path.context("Cargo named no test program")
}
