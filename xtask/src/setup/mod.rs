//! `cargo xtask setup`: what a fresh Debian with git and Rust still lacks.

mod debian;
pub(crate) mod guests;
pub(crate) mod wasm;

pub(crate) use debian::is_root;

use std::time::Duration;

use anyhow::Result;

use crate::process;
use crate::report;
use crate::setup::wasm::{Compiler, Toolchain};
use crate::workspace::Workspace;

/// Packages that building and testing use, and nothing that only one of our machines has.
const PACKAGES: &[&str] = &[
    // A browser as people have it, and the driver through which a test moves its hands.
    "chromium",
    "chromium-driver",
    "fonts-liberation",
    // The second database engine.
    "postgresql",
    // Stock WireGuard clients in namespaces of their own.
    "iproute2",
    "iputils-ping",
    "nftables",
    "procps",
    "tcpdump",
    "wireguard-go",
    "wireguard-tools",
    // What the unit of the agent leaves open.
    "systemd",
    // What the installer sets up is judged by fail2ban, sshd and apt, which the tests unpack.
    "openssh-client",
    "python3",
    // An environment of its own for what builds plugins in Python.
    "python3-venv",
    // The machine with a kernel of its own.
    "busybox-static",
    "dmsetup",
    "e2fsprogs",
    "qemu-system-x86",
];

/// Installs what is missing and returns the compiler for the browser part.
///
/// # Errors
/// When something is missing and cannot be installed; the error says what to type.
pub(crate) fn run(workspace: &Workspace) -> Result<Compiler> {
    debian::install(PACKAGES)?;
    let toolchain = Toolchain::find()?;
    lints(&toolchain);
    guests::install(workspace)?;
    wasm::install(workspace, &toolchain)
}

/// Asks rustup for the formatter and the lints where a minimal installation left them out.
/// Without them the tests still run, and say what they skipped.
fn lints(toolchain: &Toolchain) {
    let missing: Vec<&str> = [("clippy", "cargo-clippy"), ("rustfmt", "rustfmt")]
        .into_iter()
        .filter(|(_, program)| !toolchain.sysroot.join("bin").join(program).is_file())
        .map(|(component, _)| component)
        .collect();
    if missing.is_empty() {
        return;
    }
    let mut command = process::command("rustup");
    command.args(["component", "add"]).args(&missing);
    if let Err(error) = process::run_for(&mut command, Duration::from_secs(120)) {
        report::line(format!("  no {}: {error:#}", missing.join(", ")));
    }
}
