//! `cargo xtask build`: the site and both programs.

use anyhow::Result;

use crate::process;
use crate::report;
use crate::site;
use crate::workspace::{Profile, Workspace};

/// Builds the site, `myrelay` and `myrelay-agent` for a profile.
///
/// # Errors
/// When something does not compile.
pub(crate) fn run(workspace: &Workspace, profile: Profile) -> Result<()> {
    site::build(workspace, profile)?;
    report::step("Compiling the portal and the agent");
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", "myrelay-server", "--package", "myrelay-agent"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    process::run(&mut cargo)
}
