//! Making the wasm smaller with Binaryen's `wasm-opt`, where node and npm are there to run it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::process;
use crate::report;
use crate::workspace::Workspace;

/// The npm package `binaryen`; pinned, because another version makes other bytes.
pub(crate) const VERSION: &str = "132.0.0";

/// What every browser of the last four years knows and the compiler may have used.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// `wasm-opt`, installed below `target`.
pub(crate) struct Optimizer {
    script: PathBuf,
}

/// Installs `wasm-opt` below `target` when node and npm are there and it is not.
///
/// `None`, after a notice, where it cannot be had: the wasm works without, it is only larger.
pub(crate) fn find(workspace: &Workspace) -> Result<Option<Optimizer>> {
    let folder = workspace.target().join(format!("binaryen-{VERSION}"));
    let script = folder.join("node_modules/binaryen/bin/wasm-opt");
    if script.is_file() {
        return Ok(Some(Optimizer { script }));
    }
    if !process::exists("node") || !process::exists("npm") {
        report::line("  no node and npm: the wasm stays a tenth larger than it could be");
        return Ok(None);
    }
    report::step("Installing wasm-opt");
    fs::create_dir_all(&folder)?;
    let mut npm = process::command("npm");
    npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"])
        .arg("--prefix")
        .arg(&folder)
        .arg(format!("binaryen@{VERSION}"));
    if let Err(error) = process::run(&mut npm) {
        report::line(format!("  no wasm-opt: {error:#}"));
        return Ok(None);
    }
    Ok(Some(Optimizer { script }))
}

impl Optimizer {
    /// The same program in fewer bytes.
    ///
    /// # Errors
    /// When `wasm-opt` refuses it.
    pub(crate) fn shrink(&self, workspace: &Workspace, wasm: &[u8]) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir_in(workspace.target())?;
        let (before, after) = (folder.path().join("before.wasm"), folder.path().join("after.wasm"));
        fs::write(&before, wasm)?;
        let mut node = process::command("node");
        node.arg(&self.script).arg("-Oz").args(FEATURES).arg(&before).arg("-o").arg(&after);
        process::output(&mut node).context("wasm-opt failed")?;
        Ok(fs::read(&after)?)
    }
}
