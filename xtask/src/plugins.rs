//! What the plugin host loads in tests: our own plugins and the samples, as components.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process;
use crate::report;
use crate::setup::guests;
use crate::setup::wasm::{Compiler, TARGET};
use crate::workspace::Workspace;

/// The samples in other languages, with the folder of what they are written with.
const SAMPLES: [(&str, &str); 2] = [("chat-js", "sdk-js"), ("chat-python", "sdk-python")];

/// The plugins that the tests load.
const PLUGINS: [&str; 9] = [
    "myrelay-plugin-btcpay",
    "myrelay-plugin-email",
    "myrelay-plugin-manual",
    "myrelay-plugin-stripe",
    "myrelay-plugin-telegram",
    "myrelay-plugin-webhook",
    "myrelay-sample-hostile",
    "myrelay-sample-notifier",
    "myrelay-sample-recipes",
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

/// Builds what the benchmarks load, the samples in other languages by `myrelay plugin build`, and
/// returns the folder they are in.
///
/// # Errors
/// When one of them cannot be built or copied.
pub(crate) fn build_for_bench(
    workspace: &Workspace,
    compiler: &Compiler,
    myrelay: &Path,
) -> Result<PathBuf> {
    let built = build(workspace, compiler)?;
    report::step("Building the samples in JavaScript and Python");
    let folder = workspace.target().join("bench/plugins");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for name in PLUGINS {
        let file = format!("{}.wasm", name.replace('-', "_"));
        fs::copy(built.join(&file), folder.join(&file)).with_context(|| format!("copy {file}"))?;
    }
    let sources = workspace.root().join("plugins");
    for (name, sdk) in SAMPLES {
        // Away from the checkout, beside its SDK as there.
        let sample = folder.join("samples").join(name);
        copy(&sources.join("samples").join(name), &sample)?;
        copy(&sources.join(sdk), &folder.join(sdk))?;
        // Python finds packages in the plugin's folder.
        let modules = sources.join(sdk).join("myrelay_sdk");
        if modules.is_dir() {
            copy(&modules, &sample.join("myrelay_sdk"))?;
        }
        let mut command = process::command(myrelay);
        command.args(["plugin", "build"]).arg(&sample).envs(environment(workspace, compiler));
        process::run(&mut command)?;
    }
    Ok(folder)
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("read {}", from.display()))? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
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
