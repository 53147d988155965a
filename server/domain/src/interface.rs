//! Names of the interfaces that pods live in.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de};

/// Text that is not the name of one of our interfaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an interface is named `wg-` and 1 to 12 lower-case letters or digits")]
pub struct InterfaceNameError;

/// The name of a pod's interface: `^wg-[a-z0-9]{1,12}$`, so it fits the kernel's 15 characters
/// (`IFNAMSIZ` in linux/if.h, less the closing NUL) and can be read as no option and no path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceName(String);

impl InterfaceName {
    /// How every interface of ours begins.
    pub const PREFIX: &'static str = "wg-";

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InterfaceNameError> {
        let rest = text.strip_prefix(Self::PREFIX).ok_or(InterfaceNameError)?;
        let fits = matches!(rest.len(), 1..=12);
        if !fits || !rest.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()) {
            return Err(InterfaceNameError);
        }
        Ok(Self(text.to_owned()))
    }

    /// A name from random bytes: ten letters or digits of them. It says nothing about its owner.
    pub fn from_random(bytes: [u8; 10]) -> Self {
        const ALPHABET: [u8; 32] = *b"abcdefghijkmnpqrstuvwxyz23456789";
        let letters = bytes.iter().map(|it| char::from(ALPHABET[usize::from(it % 32)]));
        Self(Self::PREFIX.chars().chain(letters).collect())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for InterfaceName {
    type Err = InterfaceNameError;

    fn from_str(text: &str) -> Result<Self, InterfaceNameError> {
        Self::parse(text)
    }
}

impl Serialize for InterfaceName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for InterfaceName {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p34_nothing_that_reads_as_an_option_a_path_or_another_interface_passes() {
        let refused = [
            "",
            "wg-",
            "wg0",
            "-wg",
            "--help",
            "..",
            "wg-a/b",
            "wg-\0",
            "wg-a\n",
            "wg-A",
            "wg-ü",
            "wg-0123456789abc",
            "lo",
            "eth0",
            "all",
            "default",
            "wg--x",
            " wg-a",
        ];
        for text in refused {
            assert_eq!(InterfaceName::parse(text), Err(InterfaceNameError), "{text:?}");
        }
        assert_eq!(InterfaceName::parse("wg-0123456789ab").unwrap().as_str().len(), 15);
    }

    proptest! {
        #[test]
        fn p09_a_made_name_is_one_that_parses(bytes: [u8; 10]) {
            let name = InterfaceName::from_random(bytes);
            prop_assert!(name.as_str().len() <= 15);
            prop_assert_eq!(InterfaceName::parse(name.as_str()), Ok(name));
        }

        #[test]
        fn p34_what_is_accepted_matches_the_rule(text in "\\PC{0,17}") {
            if InterfaceName::parse(&text).is_ok() {
                prop_assert!(text.starts_with("wg-") && text.len() <= 15);
                prop_assert!(!text.starts_with('-') && !text.contains(['/', '\0', '\n']));
            }
        }
    }
}
