//! Plugins in Python: componentize-py puts them into a component together with CPython.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use myrelay_plugin_host::{ARTIFACT_BYTES, Manifest};

use crate::{
    build::{process, world},
    files,
};

/// Where the plugin begins.
const ENTRY: &str = "src/plugin.py";
const PROGRAM: &str = "componentize-py";

/// Builds the plugin in a folder.
///
/// # Errors
/// When `componentize-py` is missing, and when it refuses the plugin, for instance because it imports
/// an interface that `plugin.toml` does not ask for.
pub(crate) fn build(folder: &Path, manifest: &Manifest) -> Result<Vec<u8>> {
    if !folder.join(ENTRY).is_file() {
        bail!("{ENTRY} is missing: the plugin begins there");
    }
    let place = folder.join("target/build");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot empty {}", place.display()))?;
    }
    let wit = place.join("wit");
    world::write(&wit, &world::asked(manifest), manifest)?;
    let component = place.join("plugin.wasm");
    let environment = folder.join(".venv");
    let own = environment.join("bin").join(PROGRAM);
    let mut python = process(if own.is_file() { own } else { PathBuf::from(PROGRAM) });
    python.args(["--quiet", "--wit-path"]).arg(&wit).args(["--world", world::NAME]);
    python.args(["componentize", "--stub-wasi", "plugin", "--python-path", "src"]);
    python.args(["--python-path", ".", "--output"]).arg(&component);
    python.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    if environment.is_dir() {
        python.env("VIRTUAL_ENV", &environment);
    }
    let ran = match python.output() {
        Ok(ran) => ran,
        Err(why) if why.kind() == ErrorKind::NotFound => bail!(
            "there is no {PROGRAM}, which builds plugins in Python: type `python3 -m venv .venv && \
             .venv/bin/pip install --require-hashes -r requirements.txt` in {}",
            folder.display()
        ),
        Err(why) => return Err(why).with_context(|| format!("cannot start {PROGRAM}")),
    };
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        bail!(
            "the plugin was not built; what it imports has to be in it, or asked for in \
             plugin.toml: {}",
            said.trim()
        );
    }
    files::read(&component, ARTIFACT_BYTES)
}
