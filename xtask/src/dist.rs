//! `cargo xtask dist`: what a release consists of, in `target/dist`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use myrelay_bill_of_materials::{Subject, bill, needed, package};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::process;
use crate::report;
use crate::site;
use crate::workspace::{Profile, Workspace};

/// What people run or load; everything else in the workspace builds or tests these.
const ROOTS: &[&str] =
    &["myrelay-server", "myrelay-plugin-host", "myrelay-agent", "myrelay-browser"];

/// Builds the programs and the site for release, with a bill of materials and checksums.
///
/// # Errors
/// When something does not compile or cannot be written.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    crate::build::run(workspace, Profile::Release)?;
    let folder = workspace.target().join("dist");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for program in ["myrelay", "myrelay-plugin-host", "myrelay-plugin-compile", "myrelay-agent"] {
        let built = workspace.target().join(Profile::Release.folder()).join(program);
        fs::copy(&built, folder.join(program))
            .with_context(|| format!("Cargo left no {}", built.display()))?;
    }
    copy(&site::folder(workspace), &folder.join("site"))?;
    node_archive(workspace, &folder)?;
    fs::write(folder.join("sbom.cdx.json"), bill_of_materials(workspace)?)?;
    fs::write(folder.join("SHA256SUMS"), checksums(&folder)?)?;
    report::line(format!("  {}", folder.display()));
    Ok(())
}

/// What a server needs to become a node: the agent, its installer, and the agent's checksum.
fn node_archive(workspace: &Workspace, folder: &Path) -> Result<()> {
    const NAME: &str = "myrelay-node";
    let node = folder.join(NAME);
    copy(&workspace.root().join("node-agent/deploy"), &node)?;
    fs::copy(folder.join("myrelay-agent"), node.join("myrelay-agent"))?;
    let digest = site::hex(&Sha256::digest(fs::read(node.join("myrelay-agent"))?));
    fs::write(node.join("SHA256SUMS"), format!("{digest}  myrelay-agent\n"))?;
    let mut tar = process::command("tar");
    tar.current_dir(folder).args(["--create", "--gzip", "--owner=0", "--group=0"]);
    tar.args(["--file", "myrelay-node.tar.gz", NAME]);
    process::output(&mut tar)?;
    fs::remove_dir_all(node)?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for path in site::files_below(from)? {
        let target = to.join(path.strip_prefix(from)?);
        fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
        fs::copy(&path, &target)?;
    }
    Ok(())
}

/// In the form that `sha256sum --check` reads.
fn checksums(folder: &Path) -> Result<String> {
    let mut lines = String::new();
    for path in site::files_below(folder)? {
        let digest = site::hex(&Sha256::digest(fs::read(&path)?));
        lines.push_str(&format!("{digest}  {}\n", path.strip_prefix(folder)?.display()));
    }
    Ok(lines)
}

/// All packages that end up in what people run.
fn bill_of_materials(workspace: &Workspace) -> Result<String> {
    let mut cargo = workspace.cargo();
    cargo.args(["metadata", "--format-version", "1", "--locked"]);
    let metadata: Value = serde_json::from_str(&process::output(&mut cargo)?)?;
    let is_root =
        |package: &Value| package["name"].as_str().is_some_and(|name| ROOTS.contains(&name));
    let parts = needed(&metadata, is_root).map(package).collect();
    let version = env!("CARGO_PKG_VERSION");
    Ok(bill(&Subject { name: "myrelay", version, licence: None, tool: None }, &parts)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn p47_the_bill_of_materials_names_what_is_run_and_nothing_else() {
        let bill = bill_of_materials(&Workspace::find().unwrap()).unwrap();
        let bill: Value = serde_json::from_str(&bill).unwrap();
        let components = bill["components"].as_array().unwrap().iter();
        let names: BTreeSet<&str> =
            components.map(|component| component["name"].as_str().unwrap()).collect();
        for run in ["axum", "gotatun", "leptos", "myrelay-server", "wasm-bindgen", "x25519-dalek"] {
            assert!(names.contains(run), "{run} is missing");
        }
        for other in ["proptest", "tempfile", "wasm-bindgen-cli-support", "xtask"] {
            assert!(!names.contains(other), "{other} is not part of what is run");
        }
    }
}
