//! `build`: a component of what stands in the plugin's folder, whatever it is written in.

mod bill;
mod python;
mod requirements;
mod rust;
mod script;
mod world;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    io::{ErrorKind, Write},
    path::Path,
    process::Command as Process,
};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use clap::{ArgMatches, Command};
use myrelay_bill_of_materials::Part;
use myrelay_plugin_host::{ARTIFACT_BYTES, Manifest, stamp, stamped};

use crate::{files, report};

pub(crate) use bill::{BILL, counted};

/// What the component of an earlier build is called once a later one failed.
const BEFORE: &str = "plugin.wasm.before";
/// The language of what is not built here.
const BROUGHT: &str = "prebuilt";

pub(crate) fn command() -> Command {
    Command::new("build")
        .about("Build plugin.wasm from what is in the plugin's folder")
        .arg(crate::folder_argument())
}

pub(crate) fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    build(&crate::path(matches, "folder"), out)
}

/// What was built, and what of others' is in it, as far as that is known.
struct Built {
    component: Vec<u8>,
    /// Or why it is not.
    parts: Result<BTreeSet<Part>, String>,
}

/// Builds the plugin in a folder, stamps it with the interface's version, writes down what it is made
/// of, and says where both are. Where that fails nothing takes what an earlier build made for it.
pub(crate) fn build(folder: &Path, out: &mut dyn Write) -> Result<()> {
    let folder =
        folder.canonicalize().with_context(|| format!("no folder {}", folder.display()))?;
    let manifest = files::read_text(&folder.join("plugin.toml"), 64 << 10)?;
    let manifest = Manifest::parse(&manifest)?;
    let place = folder.join("plugin.wasm");
    let built = made(&folder, &place, &manifest);
    let Built { component, parts } = built.map_err(|why| match manifest.language.as_deref() {
        Some(BROUGHT) => why,
        _ => with_nothing_there(&folder, &place, why),
    })?;
    files::write(&place, &component)?;
    forget(&folder.join(BEFORE))?;
    writeln!(out, "{}  {}", place.display(), report::bytes(component.len()))?;
    if let Err(why) = parts.as_ref().map_err(String::as_str)
        && !why.is_empty()
    {
        writeln!(out, "what it is made of is not known: {why}")?;
    }
    bill::write(&folder, &manifest, parts.as_ref().ok(), out)
}

/// The component, stamped.
fn made(folder: &Path, place: &Path, manifest: &Manifest) -> Result<Built> {
    let Built { component, parts } = match manifest.language.as_deref() {
        None | Some("rust") => rust::build(folder)?,
        Some("js") => script::build(folder, "src/plugin.js", manifest)?,
        Some("ts") => script::build(folder, "src/plugin.ts", manifest)?,
        Some("python") => python::build(folder, manifest)?,
        Some(other) => Built { component: brought(place, other)?, parts: Err(String::new()) },
    };
    let component = stamp(component, manifest).with_context(|| place.display().to_string())?;
    Ok(Built { component, parts })
}

/// Why nothing was built, after what an earlier build made was put aside: it would be checked, packed
/// and called as if it were of what stands in the folder now. It is not deleted: it may be the only
/// one.
fn with_nothing_there(folder: &Path, place: &Path, why: Error) -> Error {
    let bytes = files::read(place, ARTIFACT_BYTES).unwrap_or_default();
    // Builds stamp what they make. What has no stamp is taken by nothing.
    if !stamped(&bytes).is_ok_and(|it| it.is_some()) {
        return why;
    }
    let aside = folder.join(BEFORE);
    let moved =
        fs::rename(place, &aside).with_context(|| format!("cannot move {}", place.display()));
    match moved.and_then(|()| bill::forget(folder)) {
        Ok(()) => anyhow!(
            "{why:#}; there is no plugin.wasm now: the one that was there is of before, and called \
             {BEFORE}"
        ),
        Err(left) => anyhow!("{why:#}; what an earlier build made is still there: {left:#}"),
    }
}

/// Removes what was put aside, if anything was.
fn forget(aside: &Path) -> Result<()> {
    match fs::remove_file(aside) {
        Err(why) if why.kind() != ErrorKind::NotFound => {
            Err(why).with_context(|| format!("cannot remove {}", aside.display()))
        }
        _ => Ok(()),
    }
}

/// A component that was built by other tools than ours, and only has to say what for.
fn brought(place: &Path, language: &str) -> Result<Vec<u8>> {
    if !place.exists() {
        bail!("plugin.toml: build.language: {language} is not built here; bring plugin.wasm along");
    }
    files::read(place, ARTIFACT_BYTES)
}

#[expect(clippy::disallowed_methods, reason = "building is starting a compiler")]
fn process(program: impl AsRef<OsStr>) -> Process {
    Process::new(program)
}
