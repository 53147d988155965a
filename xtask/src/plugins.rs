//! What the plugin host loads in tests: our own plugins and the samples, as components.

use std::path::PathBuf;

use anyhow::Result;

use crate::process;
use crate::report;
use crate::setup::guests;
use crate::setup::wasm::{Compiler, TARGET};
use crate::workspace::Workspace;

/// The plugins that the tests load.
const PLUGINS: [&str; 8] = [
    "myrelay-plugin-btcpay",
    "myrelay-plugin-email",
    "myrelay-plugin-manual",
    "myrelay-plugin-stripe",
    "myrelay-plugin-telegram",
    "myrelay-plugin-webhook",
    "myrelay-sample-hostile",
    "myrelay-sample-notifier",
];

/// Builds the plugins and returns the folder they are in.
///
/// # Errors
/// When one of them does not compile.
pub(crate) fn build(workspace: &Workspace, compiler: &Compiler) -> Result<PathBuf> {
    report::step("Building the plugins");
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--quiet", "--profile", "plugin"])
        .args(PLUGINS.into_iter().flat_map(|it| ["--package", it]))
        .env("CARGO_TARGET_DIR", workspace.target_wasm());
    compiler.configure_plugins(workspace, &mut cargo)?;
    process::run(&mut cargo)?;
    Ok(workspace.target_wasm().join(TARGET).join("plugin"))
}

/// What `myrelay plugin build` needs in its environment here, where a stranger needs nothing: this
/// compiler, what is downloaded already, and a folder for what all the tests' plugins share.
pub(crate) fn environment(
    workspace: &Workspace,
    compiler: &Compiler,
) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        ("CARGO_NET_OFFLINE", "true".to_owned()),
        ("CARGO_TARGET_DIR", workspace.target_wasm().display().to_string()),
        ("NODE_PATH", guests::node(workspace).join("node_modules").display().to_string()),
    ];
    let programs = guests::python(workspace).join("bin");
    let path = std::env::var("PATH").unwrap_or_default();
    variables.push(("PATH", format!("{}:{path}", programs.display())));
    if let Compiler::Debian { rustc, sysroot, linker } = compiler {
        let flags =
            [format!("--sysroot={}", sysroot.display()), format!("-Clinker={}", linker.display())];
        variables.push(("RUSTC", rustc.display().to_string()));
        variables.push(("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")));
    }
    variables
}
