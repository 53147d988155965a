//! Looking for a private key in everything that could hold one.

use std::path::Path;

use base64::{Engine as _, prelude::*};

/// The key in every form that it could leave in.
pub(crate) fn forms(key: &str) -> Vec<(&'static str, Vec<u8>)> {
    let raw = BASE64_STANDARD.decode(key).unwrap();
    assert_eq!(raw.len(), 32);
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let percent = key.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let unpadded = key.trim_end_matches('=');
    let list: Vec<String> = raw.iter().map(u8::to_string).collect();
    vec![
        ("base64", unpadded.into()),
        ("base64url", BASE64_URL_SAFE_NO_PAD.encode(&raw).into_bytes()),
        ("percent-encoded base64", percent.trim_end_matches("%3D").into()),
        ("percent-encoded base64, lower case", percent.to_lowercase().into()),
        ("hexadecimal", hex.clone().into_bytes()),
        ("hexadecimal, upper case", hex.to_uppercase().into_bytes()),
        ("a list of numbers", list.join(",").into_bytes()),
        ("a spaced list of numbers", list.join(", ").into_bytes()),
        ("raw bytes", raw),
    ]
}

/// Fails if any form of the key is in these bytes.
pub(crate) fn assert_absent(key: &str, place: &str, bytes: &[u8]) {
    for (form, needle) in forms(key) {
        let found = bytes.windows(needle.len()).any(|it| it == needle);
        assert!(!found, "the private key is in {place} as {form}");
    }
}

/// Fails if any form of the key is in any file below this folder, but for those named.
pub(crate) fn assert_absent_below(key: &str, folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_absent_below(key, &path);
        } else if path.is_file() {
            assert_absent(key, &path.display().to_string(), &std::fs::read(&path).unwrap());
            files += 1;
        }
    }
    files
}

#[test]
fn a_key_is_found_in_each_of_its_forms() {
    let key = BASE64_STANDARD.encode([0xfb; 32]);
    for (form, bytes) in forms(&key) {
        let hidden = [b"before ".as_slice(), &bytes, b" after"].concat();
        let found = std::panic::catch_unwind(|| assert_absent(&key, "here", &hidden));
        assert!(found.is_err(), "{form}");
    }
    assert_absent(&key, "here", b"nothing");
}
