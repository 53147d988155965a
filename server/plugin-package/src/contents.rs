//! What may be in a package, and how much of it.

use crate::error::{PackageError, about};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A package as it is handed on.
pub const PACKAGE_BYTES: usize = 64 * MIB;
/// What it is unpacked. A component has 48 MiB at most, and all the rest is small.
pub const ARCHIVE_BYTES: usize = 64 * MIB;
/// Files in a package.
pub const ENTRIES: usize = 64;

pub(crate) const MANIFEST: &str = "plugin.toml";
pub(crate) const COMPONENT: &str = "plugin.wasm";
pub(crate) const SCHEMA: &str = "config.schema.json";
pub(crate) const README: &str = "README.md";
pub(crate) const ICON_PNG: &str = "icon.png";
pub(crate) const ICON_SVG: &str = "icon.svg";
pub(crate) const BILL_OF_MATERIALS: &str = "sbom.json";
/// Inputs of calls, for whoever tries the plugin.
pub(crate) const FIXTURES: &str = "fixtures/";

/// Every file that a package may have beside its fixtures, and the most bytes of each.
pub(crate) const FILES: [(&str, usize); 8] = [
    ("CHANGELOG.md", 256 * KIB),
    (README, 256 * KIB),
    (SCHEMA, 64 * KIB),
    (ICON_PNG, 256 * KIB),
    (ICON_SVG, 64 * KIB),
    (MANIFEST, 64 * KIB),
    (COMPONENT, myrelay_plugin_host::ARTIFACT_BYTES),
    (BILL_OF_MATERIALS, 4 * MIB),
];
/// The most bytes of a fixture: what a call may be handed.
const FIXTURE_BYTES: usize = 2 * MIB;

/// What every name in a package is made of.
const NAMES: &str = "a package holds plugin.toml, plugin.wasm, config.schema.json, README.md, \
                     CHANGELOG.md, icon.svg or icon.png, sbom.json, and files in fixtures/ with \
                     names of letters, digits, - _ and .";

/// A letter or digit first, then those and `-_.`.
fn is_plain(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    (1..=80).contains(&name.len())
        && name.bytes().all(plain)
        && name.as_bytes()[0].is_ascii_alphanumeric()
}

/// The most bytes of the file of this name.
///
/// # Errors
/// When no package has such a file.
pub(crate) fn most_bytes(name: &str) -> Result<usize, PackageError> {
    if let Some((_, most)) = FILES.iter().find(|it| it.0 == name) {
        return Ok(*most);
    }
    match name.strip_prefix(FIXTURES) {
        Some(fixture) if is_plain(fixture) => Ok(FIXTURE_BYTES),
        _ if name.starts_with('/') || name.split('/').any(|it| it == "..") => {
            Err(about(name, "its name leads out of the package"))
        }
        _ => Err(about(name, NAMES)),
    }
}

/// Whether a file has no more bytes than it may have.
pub(crate) fn check_size(name: &str, bytes: usize) -> Result<(), PackageError> {
    let most = most_bytes(name)?;
    if most < bytes {
        return Err(about(name, format!("it has {bytes} bytes, and {most} are allowed")));
    }
    Ok(())
}

/// Whether the bytes of a file are what its name says.
pub(crate) fn check_form(name: &str, bytes: &[u8]) -> Result<(), PackageError> {
    let fits = match name {
        COMPONENT => bytes.starts_with(b"\0asm\x0d\0\x01\0"),
        ICON_PNG => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        BILL_OF_MATERIALS => {
            serde_json::from_slice::<serde_json::Value>(bytes).is_ok_and(|it| it.is_object())
        }
        _ if name.starts_with(FIXTURES) => true,
        _ => std::str::from_utf8(bytes).is_ok(),
    };
    let rule = match name {
        _ if fits => return Ok(()),
        COMPONENT => "it is no component; `myrelay plugin build` makes one",
        ICON_PNG => "it is no PNG",
        BILL_OF_MATERIALS => "it is no JSON object",
        _ => "it is not UTF-8",
    };
    Err(about(name, rule))
}
