//! `cargo xtask dist`: what a release consists of, in `target/dist`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
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

/// All packages that end up in what people run, as CycloneDX 1.6
/// (<https://cyclonedx.org/docs/1.6/json/>).
fn bill_of_materials(workspace: &Workspace) -> Result<String> {
    let mut cargo = workspace.cargo();
    cargo.args(["metadata", "--format-version", "1", "--locked"]);
    let metadata: Value = serde_json::from_str(&process::output(&mut cargo)?)?;
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();

    let is_root = |id: &&&str| ROOTS.contains(&text(&packages[**id]["name"]));
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut next: VecDeque<&str> = packages.keys().filter(is_root).copied().collect();
    while let Some(id) = next.pop_front() {
        if found.insert(id) {
            let needed = list(&nodes[id]["deps"]).filter(|dependency| {
                // Not what only builds or tests it.
                list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null())
            });
            next.extend(needed.map(|dependency| text(&dependency["pkg"])));
        }
    }
    let components: Vec<Value> = found.iter().map(|id| component(packages[id])).collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "type": "application", "name": "myrelay", "version": env!("CARGO_PKG_VERSION"),
        } },
        "components": components,
    });
    Ok(serde_json::to_string_pretty(&bill)?)
}

fn component(package: &Value) -> Value {
    let (name, version) = (text(&package["name"]), text(&package["version"]));
    let mut component = json!({
        "type": "library",
        "name": name,
        "version": version,
        "purl": format!("pkg:cargo/{name}@{version}"),
    });
    if let Some(license) = package["license"].as_str() {
        // Older packages write `MIT/Apache-2.0` for what SPDX spells out.
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    component
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p47_the_bill_of_materials_names_what_is_run_and_nothing_else() {
        let bill = bill_of_materials(&Workspace::find().unwrap()).unwrap();
        let bill: Value = serde_json::from_str(&bill).unwrap();
        let names: BTreeSet<&str> =
            list(&bill["components"]).map(|component| text(&component["name"])).collect();
        for run in ["axum", "gotatun", "leptos", "myrelay-server", "wasm-bindgen", "x25519-dalek"] {
            assert!(names.contains(run), "{run} is missing");
        }
        for other in ["proptest", "tempfile", "wasm-bindgen-cli-support", "xtask"] {
            assert!(!names.contains(other), "{other} is not part of what is run");
        }
    }
}
