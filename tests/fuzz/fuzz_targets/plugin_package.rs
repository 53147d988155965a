//! A plugin's package, from whoever hands it over: opened strictly, or refused with a reason.

use myrelay_plugin_package::{ARCHIVE_BYTES, ENTRIES, Package, PackageError};

/// How every frame of zstd begins.
const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A frame is opened as it came. Its checksum stops nearly every change of one, so that what is no
/// frame is taken for what stands inside.
pub(crate) fn run(input: &[u8]) -> bool {
    let package =
        if input.starts_with(&FRAME) { Package::open(input) } else { Package::from_archive(input) };
    match package {
        Ok(package) => sound(&package),
        Err(PackageError { entry, rule }) => {
            for text in [&entry, &rule] {
                assert!((1..600).contains(&text.chars().count()), "{text}");
                assert!(!text.chars().any(char::is_control), "{text:?}");
            }
            return false;
        }
    }
    true
}

fn sound(package: &Package) {
    let mut total = 0;
    for (name, bytes) in package.files() {
        // Whatever is written out by its name stays where it is put.
        let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_./".contains(&it);
        let inside = !name.starts_with('/') && !name.split('/').any(|it| it.starts_with('.'));
        assert!(name.bytes().all(plain) && inside && !name.ends_with('/'), "{name:?}");
        total += bytes.len();
    }
    assert!(total <= ARCHIVE_BYTES && package.files().count() <= ENTRIES);
    assert_eq!(package.file("plugin.wasm"), Some(package.wasm()));
    assert_eq!(package.manifest().config_schema.is_some(), package.schema().is_some());
    let packed = package.pack().unwrap();
    let again = Package::open(&packed).unwrap();
    assert!(package.files().eq(again.files()), "what was packed is what is opened");
    assert_eq!(again.pack().unwrap(), packed, "one content, one package");
}
