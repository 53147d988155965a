//! Whether another checkout gives the browser the same bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::process;
use crate::setup::wasm::Compiler;
use crate::site::{self, Manifest};
use crate::workspace::Workspace;

/// A copy of the sources in another folder, with what the browser loads built from nothing.
pub(crate) struct Elsewhere {
    checkout: Workspace,
    _folder: TempDir,
}

impl Elsewhere {
    /// Copies the sources and builds.
    ///
    /// # Errors
    /// When that does not build.
    pub(crate) fn build(workspace: &Workspace, compiler: &Compiler) -> Result<Self> {
        // A folder of another depth, and with another length of its path.
        let folder = tempfile::Builder::new().prefix("myrelay-elsewhere-").tempdir()?;
        let checkout = folder.path().join("another/place/for-it");
        copy(workspace.root(), &checkout)?;
        let checkout = Workspace::at(&checkout);
        site::build_with(&checkout, compiler)?;
        Ok(Self { checkout, _folder: folder })
    }
}

/// Compares what was built here with what was built elsewhere.
///
/// # Errors
/// When a byte differs: the error names the files.
pub(crate) fn p47_two_clean_builds_give_the_same_bytes(
    workspace: &Workspace,
    elsewhere: &Elsewhere,
) -> Result<()> {
    let (here, there) = (manifest(workspace)?, manifest(&elsewhere.checkout)?);
    let names: Vec<_> = here.keys().chain(there.keys()).collect();
    let differing: Vec<_> =
        names.into_iter().filter(|name| here.get(*name) != there.get(*name)).collect();
    ensure!(differing.is_empty(), "these are not the same bytes: {differing:?}");
    Ok(())
}

/// Copies what a commit of the folder would hold.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut git = process::command("git");
    git.current_dir(from).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    for file in process::output(&mut git)?.lines() {
        let source = from.join(file);
        // Git still lists what was deleted and not yet committed.
        if source.is_file() {
            let target = to.join(file);
            fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

fn manifest(workspace: &Workspace) -> Result<Manifest> {
    let text = fs::read_to_string(site::folder(workspace).join("manifest.json"))?;
    Ok(serde_json::from_str(&text)?)
}
