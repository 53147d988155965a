//! Plugins in Python: componentize-py puts them into a component together with CPython.

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
};

use anyhow::{Context as _, Result, bail};
use myrelay_bill_of_materials::Part;
use myrelay_plugin_host::{ARTIFACT_BYTES, Manifest};

use crate::{
    build::{Built, process, requirements, world},
    files,
};

/// Where the plugin begins.
const ENTRY: &str = "src/plugin.py";
const PROGRAM: &str = "componentize-py";

/// Builds the plugin in a folder.
///
/// # Errors
/// When `componentize-py` is missing, when it refuses the plugin, for instance because it imports an
/// interface that `plugin.toml` does not ask for, and when `requirements.txt` is not understood.
pub(super) fn build(folder: &Path, manifest: &Manifest) -> Result<Built> {
    if !folder.join(ENTRY).is_file() {
        bail!("{ENTRY} is missing: the plugin begins there");
    }
    let mut parts = requirements::parts(folder, &[PROGRAM])?;
    let place = folder.join("target/build");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot empty {}", place.display()))?;
    }
    let wit = place.join("wit");
    world::write(&wit, &world::asked(manifest), manifest)?;
    let component = place.join("plugin.wasm");
    let mut python = program(folder);
    python.args(["--quiet", "--wit-path"]).arg(&wit).args(["--world", world::NAME]);
    python.args(["componentize", "--stub-wasi", "plugin", "--python-path", "src"]);
    python.args(["--python-path", ".", "--output"]).arg(&component);
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
    let component = files::read(&component, ARTIFACT_BYTES)?;
    parts.extend(engine(folder, &component));
    Ok(Built { component, parts: Ok(parts) })
}

/// The program that builds, that of the folder's own environment first.
fn program(folder: &Path) -> Process {
    let environment = folder.join(".venv");
    let own = environment.join("bin").join(PROGRAM);
    let mut python = process(if own.is_file() { own } else { PathBuf::from(PROGRAM) });
    python.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
    if environment.is_dir() {
        python.env("VIRTUAL_ENV", &environment);
    }
    python
}

/// What the program puts into every component.
fn engine(folder: &Path, component: &[u8]) -> BTreeSet<Part> {
    // `componentize-py 0.25.1`
    let told = program(folder).arg("--version").output().ok();
    let told = told.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    let runtime = Part {
        name: PROGRAM.to_owned(),
        version: told.split(' ').nth(1).unwrap_or_default().trim().to_owned(),
        licence: Some("Apache-2.0 WITH LLVM-exception".to_owned()),
        registry: Some("pypi"),
        about: Some("What Python speaks to the host through, and the C library below it"),
        builds: false,
    };
    let python = Part {
        name: "cpython".to_owned(),
        version: version(component).unwrap_or_default(),
        licence: Some("Python-2.0".to_owned()),
        registry: None,
        about: Some("Python itself, with its standard library"),
        builds: false,
    };
    BTreeSet::from([runtime, python])
}

/// The version of the Python in a component: what `sys.version` says there, or what its library is
/// called by.
fn version(component: &[u8]) -> Option<String> {
    const LIBRARY: &[u8] = b"libpython";
    let number = |from: &[u8]| -> String {
        let digits = from.iter().take_while(|it| it.is_ascii_digit() || **it == b'.');
        digits.map(|it| char::from(*it)).collect()
    };
    let at = component.windows(LIBRARY.len()).position(|it| it == LIBRARY)?;
    let minor = number(component.get(at + LIBRARY.len()..)?);
    let minor = minor.trim_end_matches('.').to_owned();
    let begins = format!("{minor}.");
    // `3.14.0 (main, …) [Clang …]`
    let whole = component.windows(begins.len()).enumerate().find_map(|(at, it)| {
        let rest = component.get(at..).filter(|_| it == begins.as_bytes())?;
        let found = number(rest);
        rest.get(found.len()..)?.starts_with(b" (").then_some(found)
    });
    Some(whole.unwrap_or(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_says_which_python_is_in_it() {
        let whole = b"\0libpython3.14.so\0x3.14.7-\0 3.14.2 (main, Sep 11) [Clang]\0";
        assert_eq!(version(whole).as_deref(), Some("3.14.2"));
        assert_eq!(version(b"\0libpython3.14.so\0").as_deref(), Some("3.14"));
        assert_eq!(version(b"\0asm"), None);
    }
}
