//! `sbom.json`, which goes into the package: what of others' is in the component.

use std::{collections::BTreeSet, fs, io::Write, path::Path};

use anyhow::{Context as _, Result};
use myrelay_bill_of_materials::{Part, Subject, bill};
use myrelay_plugin_host::Manifest;
use serde_json::Value;

use crate::files;

/// The file's name in a folder and in a package.
pub(crate) const BILL: &str = "sbom.json";
/// How a bill says that it is of ours, and is written anew by each build.
const TOOL: &str = "myrelay plugin build";
/// The most bytes of a bill in a package.
const BILL_BYTES: usize = 4 << 20;

/// Writes a bill of the parts that are known, and says so. One that an author wrote stays.
pub(super) fn write(
    folder: &Path,
    manifest: &Manifest,
    parts: Option<&BTreeSet<Part>>,
    out: &mut dyn Write,
) -> Result<()> {
    let place = folder.join(BILL);
    let shown = place.display();
    if place.symlink_metadata().is_ok() && !is_ours(&place) {
        writeln!(out, "{shown}  yours, and left as it is")?;
        return Ok(());
    }
    let Some(parts) = parts else {
        // What an earlier build wrote is not of a component that was brought along.
        return forget(folder);
    };
    let of = Subject {
        name: &manifest.id,
        version: &manifest.version,
        licence: manifest.license.as_deref(),
        tool: Some((TOOL, env!("CARGO_PKG_VERSION"))),
    };
    files::write(&place, bill(&of, parts)?.as_bytes())?;
    let builds = parts.iter().filter(|it| it.builds).count();
    writeln!(out, "{shown}  {}", counted(parts.len() - builds, builds))?;
    Ok(())
}

/// Removes the bill of an earlier build. One that an author wrote stays.
pub(super) fn forget(folder: &Path) -> Result<()> {
    let place = folder.join(BILL);
    if !is_ours(&place) {
        return Ok(());
    }
    fs::remove_file(&place).with_context(|| format!("cannot remove {}", place.display()))
}

/// Whether a bill was written by a build. What cannot be read is not.
fn is_ours(place: &Path) -> bool {
    let text = files::read_text(place, BILL_BYTES).unwrap_or_default();
    let bill: Value = serde_json::from_str(&text).unwrap_or_default();
    let tools = bill["metadata"]["tools"]["components"].as_array();
    tools.into_iter().flatten().any(|it| it["name"] == TOOL)
}

/// `1 component`, `7 components, and 21 that wrote code of it`.
pub(crate) fn counted(inside: usize, builds: usize) -> String {
    let ending = if inside == 1 { "" } else { "s" };
    let more =
        if builds == 0 { String::new() } else { format!(", and {builds} that wrote code of it") };
    format!("{inside} component{ending}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path, parts: Option<&BTreeSet<Part>>) -> String {
        let manifest = "manifest = 1\n[plugin]\nid = \"org.example.it\"\nname = \"It\"\n\
            version = \"0.1.0\"\nkind = [\"event\"]\napi = \"1.0\"\nlicense = \"MIT\"\n";
        let mut out = Vec::new();
        write(folder, &Manifest::parse(manifest).unwrap(), parts, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_bill_of_ours_is_written_anew_and_one_of_the_authors_stays() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join(BILL);
        let parts = BTreeSet::from([Part { name: "one".to_owned(), ..Part::default() }]);
        assert!(written(root.path(), Some(&parts)).ends_with("sbom.json  1 component\n"));
        let first = fs::read_to_string(&place).unwrap();
        assert!(first.contains("org.example.it") && first.contains("\"one\""), "{first}");
        assert!(written(root.path(), Some(&BTreeSet::new())).ends_with("  0 components\n"));
        assert!(!fs::read_to_string(&place).unwrap().contains("\"one\""));
        // It was of what was built before.
        assert_eq!(written(root.path(), None), "");
        assert!(!place.exists());

        for own in [first.replace(TOOL, "Ada's tool"), "{\"spdxVersion\"".to_owned()] {
            fs::write(&place, &own).unwrap();
            for parts in [Some(&parts), None] {
                assert!(written(root.path(), parts).ends_with("  yours, and left as it is\n"));
                assert_eq!(fs::read_to_string(&place).unwrap(), own);
            }
        }
    }
}
