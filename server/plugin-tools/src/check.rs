//! `check`: everything that an installation would refuse, found before anybody installs.

use std::{io::Write, path::Path};

use anyhow::{Context as _, Result, bail};
use clap::{ArgMatches, Command};
use myrelay_plugin_host::{Kind, check_stamp, undeclared, unused};
use myrelay_plugin_package::Package;
use tokio::runtime;

use crate::{report, trial};

pub(crate) fn command() -> Command {
    Command::new("check")
        .about("Check manifest, settings' schema and component as an installation does")
        .arg(crate::folder_argument())
        .arg(trial::compiler_option())
}

pub(crate) fn run(matches: &ArgMatches, events: &[String], out: &mut dyn Write) -> Result<()> {
    let threads = runtime::Builder::new_current_thread().enable_all().build()?;
    threads.block_on(check(matches, &crate::path(matches, "folder"), events, out))
}

/// Checks the plugin in a folder, and says what it is.
///
/// # Errors
/// What an installation would refuse.
pub(crate) async fn check(
    matches: &ArgMatches,
    folder: &Path,
    events: &[String],
    out: &mut dyn Write,
) -> Result<()> {
    let package = Package::from_folder(folder)?;
    let manifest = package.manifest();
    let (id, version) = (&manifest.id, &manifest.version);
    writeln!(out, "plugin.toml         {id} {version}, {}", kinds(&manifest.kinds))?;
    manifest.check_portal(env!("CARGO_PKG_VERSION"))?;
    manifest.check_events(events)?;
    manifest.check_checkout_hosts()?;
    if let Some(schema) = package.schema() {
        let properties = schema.value().get("properties").and_then(|it| it.as_object());
        let count = properties.map_or(0, serde_json::Map::len);
        writeln!(out, "config.schema.json  {count} setting{}", if count == 1 { "" } else { "s" })?;
    }
    component(matches, folder, &package, out).await?;
    writeln!(out, "ok")?;
    Ok(())
}

/// The component: valid, built for the interface it says, imports what it says, exports what it has to, and is who it says.
async fn component(
    matches: &ArgMatches,
    folder: &Path,
    package: &Package,
    out: &mut dyn Write,
) -> Result<()> {
    let manifest = package.manifest();
    let compiler = trial::compiler(matches, folder)?;
    let compiled = compiler.compile(package.wasm()).await?;
    let size = report::bytes(package.wasm().len());
    writeln!(out, "plugin.wasm         {size}, SHA-256 {}", compiled.digest)?;
    check_stamp(package.wasm(), manifest).context("plugin.wasm")?;
    writeln!(out, "built for           myrelay:plugin@{}", manifest.api())?;
    let missing = undeclared(&compiled.imports, manifest);
    if !missing.is_empty() {
        bail!("plugin.wasm: {}", missing.join("\n             "));
    }
    writeln!(out, "imports             {}", names(&compiled.imports))?;
    for name in unused(&compiled.imports, manifest) {
        writeln!(out, "                    plugin.toml asks for {name}, and nothing imports it")?;
    }
    trial::install(compiler, package, &[], None).await?;
    // QuickJS also exports a function of its own, which is of no interface and nobody calls.
    let exports: Vec<String> =
        compiled.exports.iter().filter(|it| it.contains('/')).cloned().collect();
    writeln!(out, "exports             {}", names(&exports))?;
    writeln!(out, "describe()          as in plugin.toml")?;
    Ok(())
}

/// The interfaces without their package and version.
fn names(interfaces: &[String]) -> String {
    let short = interfaces.iter().map(|it| {
        let name = it.rsplit_once('/').map_or(it.as_str(), |(_, name)| name);
        name.split('@').next().unwrap_or(name)
    });
    let mut short: Vec<&str> = short.collect();
    short.sort_unstable();
    if short.is_empty() { "none".to_owned() } else { short.join(", ") }
}

/// What a plugin is, in words.
pub(crate) fn kinds(kinds: &[Kind]) -> String {
    let word = |kind: &Kind| match kind {
        Kind::Billing => "billing",
        Kind::Notification => "notification",
        Kind::Event => "event",
        Kind::Invoicing => "invoicing",
    };
    kinds.iter().map(word).collect::<Vec<_>>().join(", ")
}
