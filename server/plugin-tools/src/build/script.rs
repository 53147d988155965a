//! Plugins in JavaScript and TypeScript: esbuild makes one file of them, and componentize-qjs puts it
//! into a component together with the engine QuickJS.

use std::{fs, io::ErrorKind, path::Path, process::Stdio};

use anyhow::{Context as _, Result, bail};
use myrelay_plugin_host::{ARTIFACT_BYTES, Manifest, undeclared};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    build::{process, world},
    files,
};

/// What node runs for us.
const SCRIPT: &str = include_str!("script.cjs");
/// The status of the script that says: a package is missing.
const MISSING: i32 = 3;

/// What one file of the plugin imports and exports.
#[derive(Deserialize)]
struct Bundle {
    imports: Vec<String>,
    exports: Vec<String>,
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
/// When node or a package of `package.json` is missing, when a file does not parse, and when the
/// plugin imports what `plugin.toml` does not ask for.
pub(crate) fn build(folder: &Path, entry: &str, manifest: &Manifest) -> Result<Vec<u8>> {
    if !folder.join(entry).is_file() {
        bail!("{entry} is missing: the plugin begins there");
    }
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
    world::write(&wit, &told.imports, manifest)?;
    ask["step"] = Value::from("component");
    ask["wit"] = json!(wit);
    ask["world"] = Value::from(world::NAME);
    ask["component"] = json!(component);
    node(folder, &ask)?;
    files::read(&component, ARTIFACT_BYTES)
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
