//! The tools that build plugins in JavaScript and in Python, at the versions that authors get too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;
use crate::report;
use crate::setup::debian;
use crate::workspace::Workspace;

/// The folder below `target` that npm installs into.
pub(crate) fn node(workspace: &Workspace) -> PathBuf {
    workspace.target().join("guests/node")
}

/// The folder below `target` that pip installs into.
pub(crate) fn python(workspace: &Workspace) -> PathBuf {
    workspace.target().join("guests/python")
}

/// Installs what is missing. Every package is the one whose hash stands in the SDK's lock.
///
/// # Errors
/// When node, npm, Python or a package cannot be installed.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    if !process::exists("node") || !process::exists("npm") {
        // Others than Debian's bring npm along with node, and do not go together with Debian's.
        debian::install(&["nodejs", "npm"])?;
    }
    let sdk = workspace.root().join("plugins/sdk-js");
    once(&node(workspace), &sdk, &["package.json", "package-lock.json"], |folder| {
        let mut npm = process::command("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]);
        npm.current_dir(folder);
        vec![npm]
    })?;
    let sdk = workspace.root().join("plugins/sdk-python");
    once(&python(workspace), &sdk, &["requirements.txt"], |folder| {
        let mut venv = process::command("python3");
        venv.args(["-m", "venv", "."]).current_dir(folder);
        let mut pip = process::command(folder.join("bin/pip"));
        pip.args(["install", "--quiet", "--disable-pip-version-check", "--require-hashes"]);
        pip.args(["--requirement", "requirements.txt"]).current_dir(folder);
        vec![venv, pip]
    })
}

/// Runs commands in a folder with copies of some files, unless they ran with the same files before.
fn once(
    folder: &Path,
    from: &Path,
    names: &[&str],
    commands: impl Fn(&Path) -> Vec<Command>,
) -> Result<()> {
    let read = |folder: &Path| -> Option<Vec<Vec<u8>>> {
        names.iter().map(|it| fs::read(folder.join(it)).ok()).collect()
    };
    let stamp = folder.join("installed");
    if stamp.is_file() && read(folder) == read(from) {
        return Ok(());
    }
    report::step(format!("Installing what {} names", from.join(names[0]).display()));
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for name in names {
        fs::copy(from.join(name), folder.join(name)).with_context(|| format!("no {name}"))?;
    }
    for mut command in commands(folder) {
        process::run(&mut command)?;
    }
    Ok(fs::write(stamp, "")?)
}
