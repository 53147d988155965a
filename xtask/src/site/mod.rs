//! `cargo xtask site`: what the browser loads, named by its content, compressed, in one folder.
//!
//! The folder holds the files and `manifest.json`, which maps the names that pages use (`app.css`,
//! `boot.js`, `app.js`, `app.wasm`, and the names below `style/static`) to the names of the files,
//! with the hashes that the browser checks them by.

mod browser;
mod output;
mod style;
mod wasm_opt;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

use crate::report;
use crate::setup;
use crate::setup::wasm::Compiler;
use crate::workspace::{Profile, Workspace};

pub(crate) use output::{Manifest, hex};
pub(crate) use style::files_below;

/// Part of the hash of the inputs: raise it when this code makes something else of the same inputs.
const RECIPE: &str = "1";

/// Builds the site and puts it beside the programs of a profile, as `site`.
///
/// # Errors
/// When something does not compile, or a tool or a source file is missing.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    let compiler = setup::run(workspace)?;
    build_with(workspace, &compiler)?;
    link(workspace, profile)
}

/// Builds the site into `target/site`; does nothing but ask Cargo where nothing has changed.
pub(crate) fn build_with(workspace: &Workspace, compiler: &Compiler) -> Result<()> {
    let sources = Sources::collect(workspace, browser::compile(workspace, compiler)?)?;
    let optimizer = wasm_opt::find(workspace)?;
    let inputs = sources.hash(optimizer.as_ref().map_or("none", |_| wasm_opt::VERSION));

    let folder = folder(workspace);
    let stamp = workspace.target().join("site.inputs");
    let unchanged = fs::read_to_string(&stamp).is_ok_and(|before| before == inputs);
    if unchanged && folder.join(output::MANIFEST).is_file() {
        return Ok(());
    }
    report::step("Putting together what the browser loads");
    let part = browser::bind(&sources.wasm)?;
    let wasm = match &optimizer {
        Some(optimizer) => optimizer.shrink(workspace, &part.wasm)?,
        None => part.wasm,
    };
    let mut files = sources.files;
    files.push(("app.js".into(), part.script));
    files.push(("app.wasm".into(), wasm));

    // Written beside and swapped in, so that a running portal never sees half of it.
    let fresh = workspace.target().join("site.new");
    remove(&fresh)?;
    let manifest = output::write(&fresh, files)?;
    remove(&folder)?;
    fs::rename(&fresh, &folder)?;
    fs::write(&stamp, inputs)?;
    for (name, entry) in &manifest {
        let (bytes, compressed) = (entry.bytes, entry.brotli_bytes);
        report::line(format!("  {name:<24} {bytes:>8} bytes, {compressed:>7} with brotli"));
    }
    Ok(())
}

/// The folder the site is built into.
pub(crate) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("site")
}

/// Shows the site beside the programs of a profile, where the portal looks for it.
pub(crate) fn link(workspace: &Workspace, profile: Profile) -> Result<()> {
    let place = workspace.target().join(profile.folder());
    fs::create_dir_all(&place)?;
    let link = place.join("site");
    if fs::read_link(&link).is_ok_and(|to| to == Path::new("../site")) {
        return Ok(());
    }
    remove(&link)?;
    symlink("../site", &link).with_context(|| format!("cannot make {}", link.display()))
}

fn remove(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(_) => Ok(()),
        Ok(found) if found.is_dir() => Ok(fs::remove_dir_all(path)?),
        Ok(_) => Ok(fs::remove_file(path)?),
    }
}

/// Everything the site is made of.
struct Sources {
    /// The browser part as the compiler left it.
    wasm: Vec<u8>,
    /// What needs no more than a name: the name pages use, and the content.
    files: Vec<(String, Vec<u8>)>,
}

impl Sources {
    fn collect(workspace: &Workspace, wasm: Vec<u8>) -> Result<Self> {
        let boot = workspace.root().join("app/src/browser/boot.js");
        let boot = fs::read(&boot).with_context(|| format!("cannot read {}", boot.display()))?;
        let style = workspace.root().join("style");
        let mut files = vec![
            ("app.css".to_owned(), style::bundle(&style)?.into_bytes()),
            ("boot.js".to_owned(), boot),
        ];
        let folder = style.join("static");
        for path in style::files_below(&folder)? {
            let name = path.strip_prefix(&folder)?.to_string_lossy().into_owned();
            files.push((name, fs::read(&path)?));
        }
        Ok(Self { wasm, files })
    }

    /// One hash over everything, the code that works on it included.
    fn hash(&self, optimizer: &str) -> String {
        let mut hash = Sha256::new();
        for text in [RECIPE, optimizer, browser::BINDGEN] {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        for (name, content) in &self.files {
            hash.update(name.as_bytes());
            hash.update([0]);
            hash.update(Sha256::digest(content));
        }
        hash.update(Sha256::digest(&self.wasm));
        hex(&hash.finalize())
    }
}
