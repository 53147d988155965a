//! The browser part: compiled for wasm, and bound to JavaScript.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::process;
use crate::report;
use crate::setup::wasm::Compiler;
use crate::workspace::Workspace;

/// The version of wasm-bindgen that our own part of it must share with the compiled crate.
pub(crate) const BINDGEN: &str = "0.2.130";

/// The browser part, ready to be loaded.
pub(crate) struct Part {
    /// The script that loads it; exports `default` (give it `module_or_path`) and `hydrate`.
    pub(crate) script: Vec<u8>,
    pub(crate) wasm: Vec<u8>,
}

/// Compiles the browser crate and returns the wasm as the compiler left it.
///
/// # Errors
/// When it does not compile.
pub(crate) fn compile(workspace: &Workspace, compiler: &Compiler) -> Result<Vec<u8>> {
    check_version(workspace)?;
    let target = workspace.target_wasm();
    let wasm = target.join("wasm32-unknown-unknown/browser/myrelay_browser.wasm");
    if !wasm.is_file() {
        report::step("Compiling the browser part (two minutes the first time)");
    }
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--quiet", "--package", "myrelay-browser"])
        .args(["--profile", "browser"])
        .env("CARGO_TARGET_DIR", &target);
    compiler.configure(workspace, &mut cargo)?;
    process::run(&mut cargo).context("the browser part does not compile")?;
    fs::read(&wasm).with_context(|| format!("Cargo left no {}", wasm.display()))
}

/// Makes the script that loads the wasm, and the wasm that the script expects.
///
/// # Errors
/// When the wasm was built against another wasm-bindgen, or brings scripts of its own along.
pub(crate) fn bind(wasm: &[u8]) -> Result<Part> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_bytes("app", wasm.to_vec())
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        // The page says where the wasm is, and checks it by its hash.
        .omit_default_module_path(true);
    let mut output = bindgen.generate_output()?;
    let brought = output.snippets().values().any(|scripts| !scripts.is_empty());
    if brought || !output.local_modules().is_empty() {
        bail!("a crate of the browser part brings scripts along, which the site does not serve");
    }
    let script = output.js().as_bytes().to_vec();
    Ok(Part { script, wasm: output.wasm_mut().emit_wasm() })
}

/// wasm-bindgen's two halves only understand each other in the same version.
fn check_version(workspace: &Workspace) -> Result<()> {
    let lock = fs::read_to_string(workspace.root().join("Cargo.lock"))?;
    for name in ["wasm-bindgen", "wasm-bindgen-cli-support"] {
        let heading = format!("name = \"{name}\"\nversion = \"");
        let version = lock.split_once(&heading).and_then(|(_, rest)| rest.split_once('"'));
        let version = version.with_context(|| format!("Cargo.lock has no {name}"))?.0;
        ensure!(version == BINDGEN, "Cargo.lock has {name} {version}, xtask expects {BINDGEN}");
    }
    Ok(())
}
