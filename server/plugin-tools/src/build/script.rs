//! Plugins in JavaScript and TypeScript: esbuild makes one file of them, and componentize-qjs puts it
//! into a component together with the engine QuickJS.

use std::{collections::BTreeSet, fs, io::ErrorKind, path::Path, process::Stdio};

use anyhow::{Context as _, Result, bail};
use myrelay_bill_of_materials::Part;
use myrelay_plugin_host::{ARTIFACT_BYTES, Manifest, undeclared};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    build::{Built, process, world},
    files,
};

/// What npm installs by.
const LOCK: &str = "package-lock.json";
/// The most bytes of it.
const LOCK_BYTES: usize = 64 << 20;

/// What node runs for us.
const SCRIPT: &str = include_str!("script.cjs");
/// The status of the script that says: a package is missing.
const MISSING: i32 = 3;

/// What one file of the plugin imports and exports, and the packages that went into it.
#[derive(Deserialize)]
struct Bundle {
    imports: Vec<String>,
    exports: Vec<String>,
    packages: Vec<Package>,
}

/// What the component was made with.
#[derive(Deserialize)]
struct Made {
    engine: Option<Package>,
}

/// A package as it is installed.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// What the lock calls the folder that it lies in, if that is of npm's.
    place: Option<String>,
}

/// A package that is not there, and what node says about it.
#[derive(Deserialize)]
struct Missing {
    name: String,
    why: String,
}

/// Builds the plugin whose first file is `entry`, as seen from its folder.
///
/// # Errors
/// When node or a package of `package.json` is missing, when a file does not parse, when the plugin
/// imports what `plugin.toml` does not ask for, and when another package is installed than locked.
pub(super) fn build(folder: &Path, entry: &str, manifest: &Manifest) -> Result<Built> {
    if !folder.join(entry).is_file() {
        bail!("{entry} is missing: the plugin begins there");
    }
    let lock = lock(folder)?;
    let place = folder.join("target/build");
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("cannot empty {}", place.display()))?;
    }
    let wit = place.join("wit");
    fs::create_dir_all(&wit).with_context(|| format!("cannot make {}", wit.display()))?;
    let (bundle, component) = (place.join("plugin.mjs"), place.join("plugin.wasm"));
    let mut ask = json!({ "step": "bundle", "folder": folder, "entry": entry, "bundle": bundle });
    let told = node(folder, &ask)?;
    let told: Bundle = serde_json::from_str(&told).context("node did not answer as our script")?;
    let missing = undeclared(&told.imports, manifest);
    if !missing.is_empty() {
        bail!("{entry}: {}", missing.join("\n             "));
    }
    let mut exports = world::exports(manifest).into_iter();
    if let Some(name) = exports.find(|it| !told.exports.iter().any(|has| has == it)) {
        bail!("{entry}: it exports no {name}: plugin.toml says what the plugin is");
    }
    let parts = told.packages.into_iter().map(|it| part(it, &lock));
    let mut parts: BTreeSet<Part> = parts.collect::<Result<_>>()?;
    world::write(&wit, &told.imports, manifest)?;
    ask["step"] = Value::from("component");
    ask["wit"] = json!(wit);
    ask["world"] = Value::from(world::NAME);
    ask["component"] = json!(component);
    let made: Made = serde_json::from_str(&node(folder, &ask)?).context("node did not answer")?;
    if let Some(engine) = made.engine {
        let about = Some("The engine QuickJS, and what speaks to the host for it");
        parts.insert(Part { about, ..part(engine, &lock)? });
    }
    Ok(Built { component: files::read(&component, ARTIFACT_BYTES)?, parts: Ok(parts) })
}

/// What `package-lock.json` says, where there is one: other tools than npm have others.
fn lock(folder: &Path) -> Result<Value> {
    let place = folder.join(LOCK);
    if !place.exists() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&files::read_text(&place, LOCK_BYTES)?).context(LOCK)
}

/// A package as a part of the plugin.
fn part(package: Package, lock: &Value) -> Result<Part> {
    let Package { name, version, license, place } = package;
    let locked = place.and_then(|it| lock["packages"].get(&*it));
    let locked = |field: &str| locked.and_then(|it| it[field].as_str());
    if let Some(other) = locked("version").filter(|it| *it != version) {
        bail!(
            "{name}: {version} is installed, and {LOCK} says {other}: type `npm ci --ignore-scripts`"
        );
    }
    let licence = license.or_else(|| locked("license").map(str::to_owned));
    Ok(Part { name, version, licence, registry: Some("npm"), about: None, builds: false })
}

/// Runs one step of the script and returns what it wrote.
fn node(folder: &Path, ask: &Value) -> Result<String> {
    let mut node = process("node");
    node.args(["--input-type=commonjs", "--eval", SCRIPT, "--", &ask.to_string()])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let ran = match node.output() {
        Ok(ran) => ran,
        Err(why) if why.kind() == ErrorKind::NotFound => {
            bail!(
                "there is no node, which builds plugins in JavaScript: install Node.js 18 or newer"
            )
        }
        Err(why) => return Err(why).context("cannot start node"),
    };
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    if ran.status.code() == Some(MISSING) {
        let Missing { name, why } = serde_json::from_str(&told)?;
        bail!(
            "the package {name} cannot be loaded: type `npm ci --ignore-scripts` in {}, which \
             installs what package-lock.json names ({why})",
            folder.display()
        );
    }
    if !ran.status.success() {
        bail!("the plugin was not built: node ended with {}", ran.status);
    }
    Ok(told)
}
