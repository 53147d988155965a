//! The version of the interface that a component was built for, in a custom section of it.

use wasmparser::{Parser, Payload};

use crate::manifest::Manifest;

/// The section's name.
const SECTION: &str = "myrelay:plugin-api";
/// What a version is at most: `1.` and a number.
const VERSION_BYTES: usize = 16;

/// Why a component does not go with its manifest, or does not say whether it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// It was built for another version than the manifest says.
    #[error(
        "it was built for myrelay:plugin@{built}, and plugin.toml says api = \"{said}\": build it \
         again with `myrelay plugin build`"
    )]
    Other { built: String, said: String },
    /// It does not say what it was built for.
    #[error(
        "it does not say which version of myrelay:plugin it was built for: build it with `myrelay \
         plugin build`, which stamps a component that was brought along too"
    )]
    Missing,
    /// It says so in no way that this reads.
    #[error(
        "its section for the version cannot be read: {0}; build it with `myrelay plugin build`"
    )]
    Unreadable(String),
}

fn unreadable(why: impl std::fmt::Display) -> StampError {
    StampError::Unreadable(why.to_string())
}

/// The version that a component says it was built for, such as `1.0`.
///
/// # Errors
/// [`StampError::Unreadable`] where it is no component, or says that twice or in other words.
pub fn stamped(wasm: &[u8]) -> Result<Option<String>, StampError> {
    if !Parser::is_component(wasm) {
        return Err(unreadable("it is no component"));
    }
    let (mut depth, mut found) = (0_usize, None);
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(unreadable)? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // Modules inside of it say nothing of the whole.
            Payload::CustomSection(section) if depth == 1 && section.name() == SECTION => {
                let version = version(section.data()).ok_or_else(|| {
                    unreadable("it holds a version such as 1.0, and nothing else")
                })?;
                if found.replace(version).is_some() {
                    return Err(unreadable("it is there twice"));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn version(data: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(data).ok()?;
    let (major, minor) = text.split_once('.')?;
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let is_version = text.len() <= VERSION_BYTES && is_number(major) && is_number(minor);
    is_version.then(|| text.to_owned())
}

/// A component that says that it was built for the version that its manifest names. One that says
/// so already stays as it is; the same component becomes the same bytes.
///
/// # Errors
/// When it says something else, or cannot be read.
pub fn stamp(mut wasm: Vec<u8>, manifest: &Manifest) -> Result<Vec<u8>, StampError> {
    match check_stamp(&wasm, manifest) {
        Err(StampError::Missing) => {
            wasm.extend(section(&manifest.api()));
            Ok(wasm)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(wasm),
    }
}

/// A custom section: 0, how long the rest is, how long the name is, the name, and what it holds. Each
/// length is below 128, and so one byte of LEB128.
fn section(version: &str) -> Vec<u8> {
    let length = |bytes: usize| u8::try_from(bytes).unwrap_or_default();
    let mut section = vec![0, length(1 + SECTION.len() + version.len()), length(SECTION.len())];
    section.extend_from_slice(SECTION.as_bytes());
    section.extend_from_slice(version.as_bytes());
    section
}

/// Whether a component was built for the version that its manifest names.
///
/// # Errors
/// When it was built for another, does not say, or cannot be read.
pub fn check_stamp(wasm: &[u8], manifest: &Manifest) -> Result<(), StampError> {
    let (built, said) = (stamped(wasm)?.ok_or(StampError::Missing)?, manifest.api());
    if built == said { Ok(()) } else { Err(StampError::Other { built, said }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = "manifest = 1\n[plugin]\nid = \"org.example.mail\"\nname = \"Mail\"\n\
                    version = \"0.1.0\"\nkind = [\"event\"]\napi = \"1.0\"\n";
        Manifest::parse(text).unwrap()
    }

    /// A component with this between its own parts.
    fn component(parts: &str) -> Vec<u8> {
        wat::parse_str(format!("(component {parts})")).unwrap()
    }

    #[test]
    fn a_component_says_what_it_was_built_for() {
        let bare = component("(core module)");
        assert_eq!(stamped(&bare), Ok(None));
        assert_eq!(check_stamp(&bare, &manifest()), Err(StampError::Missing));
        let stamp_of = |wasm: &[u8]| stamp(wasm.to_vec(), &manifest());
        let built = stamp_of(&bare).unwrap();
        assert_eq!(stamped(&built), Ok(Some("1.0".to_owned())));
        assert_eq!(check_stamp(&built, &manifest()), Ok(()));
        assert!(built.starts_with(&bare) && built.ends_with(b"\x12myrelay:plugin-api1.0"));
        assert_eq!(stamp_of(&built).unwrap(), built, "once is enough");
        wasmparser::validate(&built).unwrap();
        // What a module inside of it says does not count.
        let inside = component(r#"(core module (@custom "myrelay:plugin-api" "1.0"))"#);
        assert_eq!(stamped(&inside), Ok(None));
    }

    #[test]
    fn another_version_is_told_by_both_names() {
        let other = component(r#"(@custom "myrelay:plugin-api" "1.7")"#);
        let error = check_stamp(&other, &manifest()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it was built for myrelay:plugin@1.7, and plugin.toml says api = \"1.0\": build it \
             again with `myrelay plugin build`"
        );
        assert_eq!(stamp(other, &manifest()), Err(error));
    }

    #[test]
    fn what_is_no_version_is_not_read() {
        for odd in ["", "1", "1.", "one.two", "1.0\\n", "1.00000000000000000", "1.0.0", "\\ff.0"] {
            let odd = component(&format!("(@custom \"myrelay:plugin-api\" \"{odd}\")"));
            assert!(matches!(stamped(&odd), Err(StampError::Unreadable(_))), "{odd:?}");
        }
        let once = r#"(@custom "myrelay:plugin-api" "1.0")"#;
        let twice = stamped(&component(&format!("{once}{once}")));
        assert!(matches!(twice, Err(StampError::Unreadable(why)) if why.contains("twice")));
        let whole = stamp(component("(core module)"), &manifest()).unwrap();
        for wasm in [&b""[..], b"\0asm\x01\0\0\0", &whole[..whole.len() - 1]] {
            assert!(matches!(stamped(wasm), Err(StampError::Unreadable(_))), "{wasm:?}");
        }
    }
}
