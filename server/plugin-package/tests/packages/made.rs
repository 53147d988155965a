//! A package that an author makes of a folder.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use myrelay_plugin_package::Package;
use tempfile::TempDir;

pub(crate) const MANIFEST: &str = r#"manifest = 1
[plugin]
id = "dev.example.mail"
name = "Mail"
version = "1.2.0"
kind = ["notification"]
api = "1.0"
[config]
schema = "config.schema.json"
"#;
pub(crate) const SCHEMA: &str = r#"{ "type": "object", "properties": { "from": {} } }"#;
/// How every component begins; what follows is the plugin host's to judge.
pub(crate) const WASM: &[u8] = b"\0asm\x0d\0\x01\0";

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let place = folder.join(name);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, bytes).unwrap();
}

/// A folder with all that a package may have, and things that it has not.
fn whole() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("plugin.toml", MANIFEST.as_bytes()),
        ("plugin.wasm", WASM),
        ("config.schema.json", SCHEMA.as_bytes()),
        ("README.md", b"# Mail"),
        ("CHANGELOG.md", b"## 1.2.0"),
        ("icon.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("sbom.json", b"{}"),
        ("fixtures/deliver.json", b"{}"),
        ("fixtures/health.json", b"\"Health\""),
        ("src/lib.rs", b"//! Not a part of the package."),
        ("dev/secrets.json", b"{ \"token\": \"never-in-a-package\" }"),
    ] {
        write(folder.path(), name, bytes);
    }
    folder
}

fn refusal(folder: &TempDir) -> String {
    Package::from_folder(folder.path()).unwrap_err().to_string()
}

#[test]
fn what_is_packed_is_what_is_opened() {
    let folder = whole();
    let package = Package::from_folder(folder.path()).unwrap();
    let bytes = package.pack().unwrap();
    let opened = Package::open(&bytes).unwrap();
    let names: Vec<&str> = opened.files().map(|it| it.0).collect();
    assert_eq!(
        names,
        [
            "CHANGELOG.md",
            "README.md",
            "config.schema.json",
            "fixtures/deliver.json",
            "fixtures/health.json",
            "icon.svg",
            "plugin.toml",
            "plugin.wasm",
            "sbom.json",
        ]
    );
    for (name, bytes) in opened.files() {
        assert_eq!(fs::read(folder.path().join(name)).unwrap(), bytes, "{name}");
    }
    assert_eq!(opened.manifest().id, "dev.example.mail");
    assert_eq!(opened.manifest_text(), MANIFEST);
    assert_eq!((opened.wasm(), opened.readme()), (WASM, Some("# Mail")));
    assert!(opened.schema().is_some());
    assert!(!bytes.windows(18).any(|it| it == b"never-in-a-package"));
}

#[test]
fn the_same_content_is_the_same_bytes_whenever_and_by_whomever_it_is_packed() {
    let (one, other) = (whole(), whole());
    let first = Package::from_folder(one.path()).unwrap().pack().unwrap();
    // Other modes, another time of change, and another order of making.
    for name in ["plugin.wasm", "README.md"] {
        let place = other.path().join(name);
        let bytes = fs::read(&place).unwrap();
        fs::remove_file(&place).unwrap();
        write(other.path(), name, &bytes);
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let second = Package::from_folder(other.path()).unwrap().pack().unwrap();
    assert_eq!(first, second);
    assert_eq!(Package::open(&first).unwrap().pack().unwrap(), first);
    // The archive in it is the same on every machine, with every version of zstd.
    assert_eq!(
        Package::digest(&zstd::decode_all(&first[..]).unwrap()),
        "b0a3118d7fd614a255d58f06339826fb1671ad4baf82084325328853b85aa48b"
    );
}

#[test]
fn a_folder_that_makes_no_package_is_told_by_file_and_rule() {
    for (name, bytes, says) in [
        ("plugin.toml", &b"manifest = 2"[..], "plugin.toml: manifest: a number from 1 to 1"),
        ("plugin.wasm", b"\0asm\x01\0\0\0", "plugin.wasm: it is no component"),
        ("config.schema.json", b"[]", "config.schema.json: it is no JSON object"),
        ("README.md", b"\xff", "README.md: it is not UTF-8"),
        ("icon.png", b"GIF89a", "icon.png: it is no PNG"),
        ("icon.png", b"\x89PNG\r\n\x1a\n", "icon.png: one icon is enough"),
        ("sbom.json", b"[]", "sbom.json: it is no JSON object"),
        ("fixtures/.hidden", b"", "fixtures/.hidden: a package holds"),
        ("fixtures/a b.json", b"", "fixtures/a b.json: a package holds"),
    ] {
        let folder = whole();
        write(folder.path(), name, bytes);
        let error = refusal(&folder);
        assert!(error.starts_with(says), "{error}");
    }
    for (name, says) in [
        ("plugin.toml", "plugin.toml: it is missing"),
        ("plugin.wasm", "plugin.wasm: it is missing; `myrelay plugin build` makes it"),
        ("config.schema.json", "config.schema.json: it is missing, and config.schema of"),
    ] {
        let folder = whole();
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = refusal(&folder);
        assert!(error.starts_with(says), "{error}");
    }
    for (from, to, says) in [
        ("[config]\nschema = \"config.schema.json\"\n", "", "config.schema.json: plugin.toml does"),
        ("config.schema.json", "sbom.json", "plugin.toml: config.schema: sbom.json is called"),
    ] {
        let folder = whole();
        write(folder.path(), "plugin.toml", MANIFEST.replace(from, to).as_bytes());
        let error = refusal(&folder);
        assert!(error.starts_with(says), "{error}");
    }
}

#[test]
fn links_and_folders_are_no_files_and_large_ones_too_large() {
    let folder = whole();
    let readme = folder.path().join("README.md");
    fs::remove_file(&readme).unwrap();
    symlink("/etc/hostname", &readme).unwrap();
    assert!(refusal(&folder).starts_with("README.md: it is no regular file"));
    fs::remove_file(&readme).unwrap();
    fs::create_dir(&readme).unwrap();
    assert!(refusal(&folder).starts_with("README.md: it is no regular file"));
    fs::remove_dir(&readme).unwrap();
    fs::write(&readme, vec![b'x'; (256 << 10) + 1]).unwrap();
    assert_eq!(refusal(&folder), "README.md: it has 262145 bytes, and 262144 are allowed");

    let folder = whole();
    for number in 0..60 {
        write(folder.path(), &format!("fixtures/{number}.json"), b"{}");
    }
    let many = Package::from_folder(folder.path()).and_then(|it| it.pack());
    assert_eq!(many.unwrap_err().to_string(), "the package: it has more than 64 files");
}
