//! `cargo xtask build`: the site and the programs.

use anyhow::Result;

use crate::process;
use crate::report;
use crate::site;
use crate::workspace::{Profile, Workspace, for_this_machine};

/// Builds the site, `myrelay` with the two programs that run and compile plugins, and `myrelay-agent`.
///
/// # Errors
/// When something does not compile.
pub(crate) fn run(workspace: &Workspace, profile: Profile) -> Result<()> {
    site::build(workspace, profile)?;
    report::step("Compiling the portal and the agent");
    let mut cargo = workspace.cargo();
    cargo.arg("build");
    match profile {
        // With everything that the tests compile, so that both share what was compiled: Cargo
        // picks other features of the libraries for a part of the workspace.
        Profile::Debug => cargo.args(for_this_machine()),
        Profile::Release => {
            let packages = ["myrelay-server", "myrelay-plugin-host", "myrelay-agent"];
            cargo.arg("--release").args(packages.into_iter().flat_map(|it| ["--package", it]))
        }
    };
    process::run(&mut cargo)
}
