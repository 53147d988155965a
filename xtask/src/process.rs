//! Running other programs: compilers, package managers, tests.

use std::ffi::OsStr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// A command that is not run yet.
#[expect(clippy::disallowed_methods, reason = "building and testing is starting programs")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Runs a command to its end; it reads and writes where we do.
///
/// # Errors
/// When it cannot be started or ends with anything but 0.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command to its end and returns what it wrote on standard output, trimmed.
///
/// # Errors
/// When it cannot be started, ends with anything but 0 (what it wrote on standard error is in
/// the error), or writes something that is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}: {}", shown(command), output.status, said.trim());
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("{} wrote something that is not UTF-8", shown(command)))?;
    Ok(text.trim().to_owned())
}

/// Waits for a child's end until the deadline; `None` when it passed. The child then still runs.
///
/// # Errors
/// When the operating system cannot tell.
pub(crate) fn wait_until(child: &mut Child, deadline: Instant) -> Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        sleep(Duration::from_millis(20));
    }
}

/// Whether a program of this name is on the path.
pub(crate) fn exists(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Runs a command as [`run`] does, but ends it when it takes longer than `limit`.
///
/// # Errors
/// As [`run`], and when the limit passed.
pub(crate) fn run_for(command: &mut Command, limit: Duration) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", shown(command)))?;
    match wait_until(&mut child, Instant::now() + limit)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("{} ended with {status}", shown(command)),
        None => {
            child.kill()?;
            child.wait()?;
            bail!("{} was still at it after {} s", shown(command), limit.as_secs())
        }
    }
}
