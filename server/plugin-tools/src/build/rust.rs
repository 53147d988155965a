//! Plugins in Rust: Cargo makes a module of the crate, and this makes a component of it.

use std::{
    collections::BTreeSet,
    env,
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
};

use anyhow::{Context as _, Result, bail};
use myrelay_bill_of_materials::{Part, needed, package};
use myrelay_plugin_host::ARTIFACT_BYTES;
use myrelay_plugin_package::Package;
use serde_json::Value;
use wit_component::ComponentEncoder;

use crate::{
    build::{Built, process},
    files,
};

const TARGET: &str = "wasm32-unknown-unknown";
/// What Cargo reads.
const CRATE: &str = "Cargo.toml";
const FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
/// What Cargo's configuration is called in a folder of its own.
const CONFIGURED: [&str; 2] = ["config.toml", "config"];
/// The most bytes of `Cargo.toml`.
const MANIFEST_BYTES: usize = 1 << 20;
/// How a component begins; a module has another fifth byte.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// Builds the crate in a folder.
///
/// # Errors
/// When Cargo or the compiler's library for plugins is missing, and when the crate makes no plugin.
pub(super) fn build(folder: &Path) -> Result<Built> {
    let bytes = module(folder)?;
    let component = if bytes.starts_with(COMPONENT) { bytes } else { component(&bytes)? };
    let parts = parts(folder).map_err(|why| format!("{why:#}"));
    Ok(Built { component, parts })
}

/// A component of a module that was written with the SDK. Only what the module calls is imported.
fn component(module: &[u8]) -> Result<Vec<u8>> {
    let encoded = ComponentEncoder::default().module(module).and_then(ComponentEncoder::encode);
    encoded.context("the module is no plugin: it calls something that plugins do not have, or was not made with world! and export! of the SDK")
}

fn cargo(folder: &Path) -> Process {
    let mut cargo = process(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(folder).stdin(Stdio::null()).stderr(Stdio::inherit());
    cargo
}

/// The module of the crate as it is now.
///
/// Its file has the same name in every version and with all settings of the compiler, and Cargo looks
/// only whether it is there: whoever goes back to what Cargo made before is handed what it made last.
/// So beside it stands what it was made of; where that is something else, or nobody knows, it is made
/// anew.
fn module(folder: &Path) -> Result<Vec<u8>> {
    let mut made = compile(folder)?;
    let mut bytes = files::read(&made.place, ARTIFACT_BYTES)?;
    let beside = made.place.with_added_extension("made-of");
    let before = files::read_text(&beside, MANIFEST_BYTES).unwrap_or_default();
    if made.is_fresh && before != mark(folder, &made, &bytes) {
        forget(folder)?;
        made = compile(folder)?;
        bytes = files::read(&made.place, ARTIFACT_BYTES)?;
    }
    files::write(&beside, mark(folder, &made, &bytes).as_bytes())?;
    Ok(bytes)
}

/// A module and what it was made of, as a digest: the package with its version and place, the
/// compiler, and what the environment, Cargo's configuration and its manifests set.
fn mark(folder: &Path, made: &Made, bytes: &[u8]) -> String {
    let compiler = rustc(folder).arg("-vV").output().map(|it| it.stdout).unwrap_or_default();
    let sets = |name: &str| {
        let some = ["CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTC"];
        ["RUSTFLAGS", "RUSTUP_TOOLCHAIN"].contains(&name)
            || some.iter().any(|it| name.starts_with(it))
    };
    let set = env::vars_os().filter(|(name, _)| sets(&name.to_string_lossy()));
    let mut set: Vec<String> = set.map(|it| format!("{it:?}")).collect();
    set.sort_unstable();
    let parts = [
        made.package.clone(),
        set.join("\n"),
        configurations(folder),
        Package::digest(&compiler),
        Package::digest(bytes),
    ];
    Package::digest(parts.join("\n").as_bytes())
}

/// What Cargo's configuration of a folder says, and what stands in the manifests above it: a digest.
fn configurations(folder: &Path) -> String {
    let own = env::var_os("CARGO_HOME").map(PathBuf::from);
    let mut places: Vec<PathBuf> =
        own.iter().flat_map(|it| CONFIGURED.map(|name| it.join(name))).collect();
    for above in folder.ancestors() {
        places.extend(CONFIGURED.map(|name| above.join(".cargo").join(name)));
        places.push(above.join(CRATE));
    }
    let texts = places.iter().filter_map(|it| files::read(it, MANIFEST_BYTES).ok());
    Package::digest(&texts.collect::<Vec<_>>().concat())
}

/// Has Cargo forget what it made of the crate, in all its versions.
fn forget(folder: &Path) -> Result<()> {
    let manifest = files::read_text(&folder.join(CRATE), MANIFEST_BYTES)?;
    let manifest: toml::Table = manifest.parse().context(CRATE)?;
    let name = manifest.get("package").and_then(|it| it.get("name")?.as_str());
    let name = name.with_context(|| format!("{CRATE} names no package"))?;
    let mut cargo = cargo(folder);
    cargo.args(["clean", "--quiet", "--release", "--target", TARGET, "--package", name]);
    let done = cargo.output().context("cannot start cargo")?;
    if !done.status.success() {
        bail!(
            "cargo clean, which makes room for another version of the module, ended with {}",
            done.status
        );
    }
    Ok(())
}

/// What Cargo made of the crate.
struct Made {
    place: PathBuf,
    /// The package, as Cargo names it with its version and place.
    package: String,
    /// It was there already, as far as Cargo knows.
    is_fresh: bool,
}

/// Has Cargo compile the crate and returns the module that it made.
fn compile(folder: &Path) -> Result<Made> {
    let mut cargo = cargo(folder);
    cargo
        .args(["build", "--release", "--target", TARGET])
        .args(["--message-format", "json-render-diagnostics"]);
    shorten_paths(&mut cargo);
    let built =
        cargo.output().context("cannot start cargo: install Rust from https://rustup.rs")?;
    if !built.status.success() {
        if !has_target(folder) {
            bail!("the compiler has no library for {TARGET}: rustup target add {TARGET}");
        }
        bail!("cargo build ended with {}", built.status);
    }
    let own = folder.join(CRATE);
    let messages = String::from_utf8_lossy(&built.stdout).into_owned();
    let found = messages.lines().filter_map(|it| module_of(it, &own)).next_back();
    found.context("Cargo made no module: Cargo.toml needs [lib] crate-type = [\"cdylib\"]")
}

/// The module that one of Cargo's messages tells of, if it is of this package.
fn module_of(message: &str, own: &Path) -> Option<Made> {
    let message: Value = serde_json::from_str(message).ok()?;
    let manifest = message["manifest_path"].as_str()?;
    let files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
    let is_own = Path::new(manifest) == own && message["reason"] == "compiler-artifact";
    let place = files.filter(|_| is_own).find(|it| it.ends_with(".wasm"))?;
    Some(Made {
        place: PathBuf::from(place),
        package: message["package_id"].as_str()?.to_owned(),
        is_fresh: message["fresh"] == true,
    })
}

/// Takes the place of Cargo's downloads out of the module: where its author lives is nobody's
/// business, and the same source makes the same plugin elsewhere. Cargo itself names the files of
/// the plugin from its folder.
fn shorten_paths(cargo: &mut Process) {
    let downloads = env::var_os("CARGO_HOME").map(PathBuf::from);
    let downloads = downloads.or_else(|| env::home_dir().map(|it| it.join(".cargo")));
    let Some(downloads) = downloads else { return };
    let flag = format!("--remap-path-prefix={}=/cargo", downloads.display());
    // Cargo takes flags from one place only, and the environment goes first.
    if let Some(mut flags) = given_flags() {
        flags.push(flag);
        cargo.env(FLAGS, flags.join("\u{1f}"));
    } else {
        let flag = Value::String(flag);
        cargo.args(["--config", &format!("target.{TARGET}.rustflags=[{flag}]")]);
    }
}

/// The flags in the environment, if there are any.
fn given_flags() -> Option<Vec<String>> {
    if let Ok(encoded) = env::var(FLAGS) {
        return Some(encoded.split('\u{1f}').map(str::to_owned).collect());
    }
    let plain = env::var("RUSTFLAGS").or_else(|_| env::var("CARGO_BUILD_RUSTFLAGS")).ok()?;
    Some(plain.split_whitespace().map(str::to_owned).collect())
}

/// The packages that the crate is built from, by the lock that Cargo built it with, and the standard
/// library.
fn parts(folder: &Path) -> Result<BTreeSet<Part>> {
    let mut cargo = cargo(folder);
    cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", TARGET]);
    let told = cargo.output().context("cannot start cargo")?;
    if !told.status.success() {
        bail!("cargo metadata, which tells what is in the plugin, ended with {}", told.status);
    }
    let metadata: Value = serde_json::from_slice(&told.stdout).context("cargo metadata")?;
    let own = folder.join(CRATE);
    let is_own = |it: &Value| it["manifest_path"].as_str().is_some_and(|it| Path::new(it) == own);
    let others = needed(&metadata, is_own).filter(|it| !is_own(it.0));
    let mut parts: BTreeSet<Part> = others.map(package).collect();
    // `rustc 1.95.0 (…)`
    let told = rustc(folder).arg("--version").output().ok();
    let told = told.map(|it| String::from_utf8_lossy(&it.stdout).into_owned()).unwrap_or_default();
    parts.insert(Part {
        name: "rust-std".to_owned(),
        version: told.split(' ').nth(1).unwrap_or_default().trim().to_owned(),
        licence: Some("MIT OR Apache-2.0".to_owned()),
        registry: None,
        about: Some("The standard library, as it comes with the compiler"),
        builds: false,
    });
    Ok(parts)
}

fn rustc(folder: &Path) -> Process {
    let mut rustc = process(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    // A folder may name another compiler.
    rustc.current_dir(folder).stderr(Stdio::null());
    rustc
}

/// Whether the compiler has a standard library for plugins. Flags may say where it is.
fn has_target(folder: &Path) -> bool {
    let flags = given_flags().unwrap_or_default();
    let flags = flags.iter().filter(|it| it.starts_with("--sysroot"));
    let mut rustc = rustc(folder);
    rustc.args(flags).args(["--print", "target-libdir", "--target", TARGET]);
    let Ok(told) = rustc.output() else { return false };
    Path::new(String::from_utf8_lossy(&told.stdout).trim()).is_dir()
}
