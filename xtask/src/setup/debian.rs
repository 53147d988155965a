//! Debian's packages: which are missing, and installing them.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::report;

/// Installs those of the packages that are missing.
///
/// The package lists are fetched only when something is missing, so this takes milliseconds on a
/// machine that is set up.
///
/// # Errors
/// When something is missing and we are not root, or `apt-get` fails. The error holds the one
/// command to type.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let missing = missing(packages)?;
    if missing.is_empty() {
        return Ok(());
    }
    let install = format!("apt-get install --yes --no-install-recommends {}", missing.join(" "));
    if !is_root() {
        bail!("packages are missing; run this once: sudo apt-get update && sudo {install}");
    }
    report::step(format!("Installing {}", missing.join(", ")));
    process::run(process::command("apt-get").args(["update", "--quiet=2"]))?;
    let mut command = process::command("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(&missing);
    process::output(&mut command).map(drop).context("the packages could not be installed")
}

/// Those of the packages that are not installed, in the given order.
fn missing<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    let mut query = process::command("dpkg-query");
    query.args(["--show", "--showformat", "${db:Status-Status} ${Package}\n"]).args(packages);
    // It ends with 1 when it knows one of the names from nowhere: that is the answer, not an error.
    let answer = query
        .stderr(Stdio::null())
        .output()
        .context("no dpkg-query: this is not Debian; install by hand what README.md lists")?;
    let answer = String::from_utf8_lossy(&answer.stdout);
    let installed: BTreeSet<&str> =
        answer.lines().filter_map(|line| line.strip_prefix("installed ")).collect();
    Ok(packages.iter().copied().filter(|name| !installed.contains(name)).collect())
}

/// Whether this process may change the system.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
