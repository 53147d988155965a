//! `build`: a component of what stands in the plugin's folder, whatever it is written in.

mod python;
mod rust;
mod script;
mod world;

use std::{ffi::OsStr, io::Write, path::Path, process::Command as Process};

use anyhow::{Context as _, Result, bail};
use clap::{ArgMatches, Command};
use myrelay_plugin_host::Manifest;

use crate::{files, report};

pub(crate) fn command() -> Command {
    Command::new("build")
        .about("Build plugin.wasm from what is in the plugin's folder")
        .arg(crate::folder_argument())
}

pub(crate) fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    build(&crate::path(matches, "folder"), out)
}

/// Builds the plugin in a folder, and says where it is.
pub(crate) fn build(folder: &Path, out: &mut dyn Write) -> Result<()> {
    let folder =
        folder.canonicalize().with_context(|| format!("no folder {}", folder.display()))?;
    let manifest = files::read_text(&folder.join("plugin.toml"), 64 << 10)?;
    let manifest = Manifest::parse(&manifest)?;
    let component = match manifest.language.as_deref() {
        None | Some("rust") => rust::build(&folder)?,
        Some("js") => script::build(&folder, "src/plugin.js", &manifest)?,
        Some("ts") => script::build(&folder, "src/plugin.ts", &manifest)?,
        Some("python") => python::build(&folder, &manifest)?,
        Some(other) => {
            bail!("plugin.toml: build.language: {other} is not built here; bring plugin.wasm along")
        }
    };
    let place = folder.join("plugin.wasm");
    files::write(&place, &component)?;
    writeln!(out, "{}  {}", place.display(), report::bytes(component.len()))?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "building is starting a compiler")]
fn process(program: impl AsRef<OsStr>) -> Process {
    Process::new(program)
}
