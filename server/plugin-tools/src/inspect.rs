//! `pack` and `inspect`: a package of a folder, and what stands in a package.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use clap::{Arg, ArgMatches, Command, value_parser};
use myrelay_plugin_host::{Manifest, SecretUse, check_stamp, stamped};
use myrelay_plugin_package::{PACKAGE_BYTES, Package, peek_key_id};
use serde_json::Value;

use crate::{
    build::{BILL, counted},
    check, files, report,
};

pub(crate) fn pack_command() -> Command {
    Command::new("pack")
        .about("Make a package of the plugin's folder")
        .arg(crate::folder_argument())
        .arg(crate::file_option("out", "Where to; by default ID-VERSION.pplug in the folder"))
}

pub(crate) fn pack(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let folder = crate::path(matches, "folder");
    let package = Package::from_folder(&folder)?;
    check_stamp(package.wasm(), package.manifest()).context("plugin.wasm")?;
    let Manifest { id, version, .. } = package.manifest();
    let usual = || folder.join(format!("{id}-{version}.pplug"));
    let place = matches.get_one::<PathBuf>("out").cloned().unwrap_or_else(usual);
    let bytes = package.pack()?;
    files::write(&place, &bytes)?;
    let (size, digest) = (report::bytes(bytes.len()), Package::digest(&bytes));
    writeln!(out, "{}  {size}  SHA-256 {digest}", place.display())?;
    if let Some(other) = other_version(&folder, version) {
        writeln!(
            out,
            "plugin.toml says version {version}, and Cargo.toml {other}: where the plugin says what \
             Cargo.toml does, no portal takes this package, and `myrelay plugin check` says so"
        )?;
    }
    Ok(())
}

/// The version in `Cargo.toml`, where it is another one.
fn other_version(folder: &Path, version: &str) -> Option<String> {
    let cargo = files::read_text(&folder.join("Cargo.toml"), 1 << 20).ok()?;
    let cargo: toml::Table = cargo.parse().ok()?;
    let other = cargo.get("package")?.get("version")?.as_str()?;
    (other != version).then(|| other.to_owned())
}

pub(crate) fn package_argument() -> Arg {
    Arg::new("package")
        .value_name("PACKAGE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("The package, a .pplug")
}

/// Opens a package, and hands out its bytes too.
pub(crate) fn open(place: &Path) -> Result<(Package, Vec<u8>)> {
    let bytes = files::read(place, PACKAGE_BYTES)?;
    let package = Package::open(&bytes).with_context(|| place.display().to_string())?;
    Ok((package, bytes))
}

/// Where a package's signature stands.
pub(crate) fn signature_of(package: &Path) -> PathBuf {
    package.with_added_extension("minisig")
}

pub(crate) fn command() -> Command {
    Command::new("inspect")
        .about("Tell who a package is, what it asks for and what is in it")
        .arg(package_argument())
}

pub(crate) fn run(matches: &ArgMatches, out: &mut dyn Write) -> Result<()> {
    let place = crate::path(matches, "package");
    let (package, bytes) = open(&place)?;
    let manifest = package.manifest();
    identity(manifest, out)?;
    writeln!(out, "asks for")?;
    capabilities(manifest, out)?;
    writeln!(out, "files")?;
    for (name, bytes) in package.files() {
        writeln!(out, "  {name:<24} {}", report::bytes(bytes.len()))?;
    }
    writeln!(
        out,
        "package    {}  SHA-256 {}",
        report::bytes(bytes.len()),
        Package::digest(&bytes)
    )?;
    writeln!(out, "component  SHA-256 {}", Package::digest(package.wasm()))?;
    let built = match stamped(package.wasm()) {
        Ok(Some(version)) => format!("myrelay:plugin@{version}"),
        Ok(None) => "it does not say".to_owned(),
        Err(error) => error.to_string(),
    };
    writeln!(out, "built for  {built}")?;
    writeln!(out, "made of    {}", made_of(&package))?;
    let signature = signature_of(&place);
    if signature.exists() {
        let id = files::read_text(&signature, 4096)?;
        let id = peek_key_id(&id).with_context(|| signature.display().to_string())?;
        writeln!(out, "signature  says it is by the key {id}; `myrelay plugin verify` tells")?;
    } else {
        writeln!(out, "signature  none: there is no {}", signature.display())?;
    }
    Ok(())
}

/// How much of others' the package says to be in it. Nobody has looked whether that is so.
fn made_of(package: &Package) -> String {
    let Some(bill) = package.file(BILL) else {
        return format!("it does not say: there is no {BILL}");
    };
    let bill: Value = serde_json::from_slice(bill).unwrap_or_default();
    match bill["components"].as_array() {
        Some(parts) => {
            let builds = parts.iter().filter(|it| it["scope"] == "excluded").count();
            format!("{}, by {BILL}", counted(parts.len() - builds, builds))
        }
        None => format!("{BILL} tells, in another form than CycloneDX"),
    }
}

fn identity(manifest: &Manifest, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "plugin     {}", manifest.name)?;
    writeln!(out, "id         {}", manifest.id)?;
    writeln!(out, "version    {}", manifest.version)?;
    writeln!(out, "kind       {}", check::kinds(&manifest.kinds))?;
    writeln!(out, "interface  myrelay:plugin@{}", manifest.api())?;
    for (name, value) in [
        ("needs", manifest.min_portal.as_ref()),
        ("licence", manifest.license.as_ref()),
        ("homepage", manifest.homepage.as_ref()),
        ("language", manifest.language.as_ref()),
    ] {
        if let Some(value) = value {
            let what = if name == "needs" { "a portal of " } else { "" };
            writeln!(out, "{name:<10} {what}{value}")?;
        }
    }
    Ok(())
}

/// What the operator would have to grant.
fn capabilities(manifest: &Manifest, out: &mut dyn Write) -> Result<()> {
    for asked in &manifest.http {
        writeln!(out, "  requests  {}", asked.rule)?;
        writeln!(out, "            {}", asked.reason)?;
    }
    if let Some(most) = manifest.kv {
        let most = most.map_or(String::new(), |it| format!(", {it} bytes at most"));
        writeln!(out, "  memory    to remember something{most}")?;
    }
    if manifest.crypto {
        writeln!(out, "  crypto    to calculate with secrets")?;
    }
    for secret in &manifest.secrets {
        let uses: Vec<String> = secret.uses.iter().map(using).collect();
        let label = secret.label.as_deref().unwrap_or("no label");
        let made = if secret.generated { ", made by the provider" } else { "" };
        writeln!(out, "  secret    {} ({label}{made}): {}", secret.name, uses.join("; "))?;
    }
    if let Some(webhooks) = &manifest.webhooks {
        writeln!(out, "  webhooks  at {}, {} bytes at most", webhooks.path, webhooks.max_body)?;
    }
    for host in manifest.checkout_hosts() {
        writeln!(out, "  customers are sent to {host}")?;
    }
    for event in &manifest.events {
        writeln!(out, "  event     {event}")?;
    }
    for job in &manifest.jobs {
        writeln!(out, "  job       {} at {}", job.name, job.cron)?;
    }
    if let Some(memory) = manifest.memory_mib {
        writeln!(out, "  limits    {memory} MiB of memory in a call")?;
    }
    Ok(())
}

fn using(using: &SecretUse) -> String {
    match using {
        SecretUse::Hmac => "as a key for HMAC".to_owned(),
        SecretUse::Http { host, places } => {
            let places: Vec<&str> = places.iter().map(|it| it.name()).collect();
            format!("in requests to {host} ({})", places.join(", "))
        }
    }
}
