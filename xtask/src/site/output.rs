//! The folder the portal serves: files named by their content, compressed, and the manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha384};

/// The manifest's own name in the folder.
pub(crate) const MANIFEST: &str = "manifest.json";

/// What the portal needs to know to serve a file and to name it in a page.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// Its name in the folder; the same name never has another content.
    pub(crate) file: String,
    /// For the page's `integrity` attribute: <https://www.w3.org/TR/SRI/>.
    pub(crate) integrity: String,
    pub(crate) bytes: usize,
    /// Size of the file of the same name with `.br` appended.
    pub(crate) brotli_bytes: usize,
}

/// From the names that pages use to the files.
pub(crate) type Manifest = BTreeMap<String, Entry>;

/// Writes the files (name in pages, content), their compressed twins and the manifest.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn write(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Result<Manifest> {
    fs::create_dir_all(folder)?;
    let mut manifest = Manifest::new();
    for (name, content) in files {
        let file = named_by_content(&name, &content);
        let path = folder.join(&file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let compressed = compress(&content)?;
        fs::write(&path, &content).with_context(|| format!("cannot write {}", path.display()))?;
        fs::write(folder.join(format!("{file}.br")), &compressed)?;
        let integrity = format!("sha384-{}", BASE64_STANDARD.encode(Sha384::digest(&content)));
        let entry = Entry { file, integrity, bytes: content.len(), brotli_bytes: compressed.len() };
        manifest.insert(name, entry);
    }
    let mut text = serde_json::to_string_pretty(&manifest)?;
    text.push('\n');
    fs::write(folder.join(MANIFEST), text)?;
    Ok(manifest)
}

/// `app.css` → `app.3f2a9c1d4b5e6f70.css`: 64 bits are plenty against accidents, and against
/// malice there is the integrity hash.
fn named_by_content(name: &str, content: &[u8]) -> String {
    let digest = hex(&Sha256::digest(content)[..8]);
    match name.rsplit_once('.') {
        Some((stem, ending)) => format!("{stem}.{digest}.{ending}"),
        None => format!("{name}.{digest}"),
    }
}

/// Brotli as small as it gets (RFC 7932): quality 11, window 2²².
fn compress(content: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: content.len(),
        ..Default::default()
    };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut compressed, &parameters)?;
    Ok(compressed)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_manifest_and_survives_compression() {
        let folder = tempfile::tempdir().unwrap();
        let files = vec![("icons/sprite.svg".to_owned(), b"<svg></svg>".to_vec())];
        let manifest = write(folder.path(), files).unwrap();
        let entry = &manifest["icons/sprite.svg"];

        assert_eq!(fs::read(folder.path().join(&entry.file)).unwrap(), b"<svg></svg>");
        assert!(entry.file.starts_with("icons/sprite.") && entry.file.ends_with(".svg"));

        let compressed = fs::read(folder.path().join(format!("{}.br", entry.file))).unwrap();
        let mut back = Vec::new();
        brotli::BrotliDecompress(&mut &*compressed, &mut back).unwrap();
        assert_eq!(back, b"<svg></svg>");

        let written = fs::read_to_string(folder.path().join(MANIFEST)).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&written).unwrap(), manifest);
    }

    #[test]
    fn another_content_gets_another_name() {
        assert_ne!(named_by_content("app.css", b"a"), named_by_content("app.css", b"b"));
    }
}
