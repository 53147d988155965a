//! WireGuard public keys. There is no type for a private key on this side: none ever comes here.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize, de};

/// Why a text is not a WireGuard public key we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("a WireGuard public key has 44 characters and ends with `=`")]
    Length,
    #[error("this is not base64 as WireGuard writes it")]
    Encoding,
    #[error("this key is a small-order point: anybody could compute its shared secret")]
    SmallOrder,
}

/// A Curve25519 public key: 32 bytes, written as 44 characters of canonical base64
/// (RFC 4648 section 4, padded; `key_from_base64` of wireguard-tools accepts exactly these).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// The points of order 1, 2, 4 and 8 as u-coordinates, little endian, top bit clear
/// (RFC 7748 section 5 ignores that bit; the list is the one of <https://cr.yp.to/ecdh.html>).
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    u_coordinate(1, 0x00, 0x00),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    u_coordinate(0xec, 0xff, 0x7f),
    u_coordinate(0xed, 0xff, 0x7f),
    u_coordinate(0xee, 0xff, 0x7f),
];

const fn u_coordinate(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

impl PublicKey {
    /// Checks a key as a person or a program wrote it: exactly 44 characters, canonical base64,
    /// not a small-order point. What is accepted re-encodes to itself.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() != 44 || !text.ends_with('=') {
            return Err(KeyError::Length);
        }
        let Ok(decoded) = BASE64_STANDARD.decode(text) else { return Err(KeyError::Encoding) };
        let Ok(bytes) = <[u8; 32]>::try_from(decoded) else { return Err(KeyError::Encoding) };
        Self::from_bytes(bytes)
    }

    /// Checks the 32 bytes of a key.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let mut masked = bytes;
        masked[31] &= 0x7f;
        if SMALL_ORDER.contains(&masked) {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use x25519_dalek::StaticSecret;

    use super::*;

    /// Alice's public key of RFC 7748 section 6.1.
    const ALICE: &str = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

    #[test]
    fn p32_a_key_has_one_spelling() {
        assert_eq!(PublicKey::parse(ALICE).unwrap().to_string(), ALICE);
        let refused = |text: &str| PublicKey::parse(text).unwrap_err();
        assert_eq!(refused(""), KeyError::Length);
        assert_eq!(refused(&ALICE[1..]), KeyError::Length);
        assert_eq!(refused(&format!("{ALICE}=")), KeyError::Length);
        assert_eq!(refused(&format!("{ALICE}\n")), KeyError::Length);
        assert_eq!(refused(&ALICE.replace("Tmo=", "Tmp=")), KeyError::Encoding, "trailing bits");
        assert_eq!(refused(&ALICE.replace('/', "_")), KeyError::Encoding, "url alphabet");
        assert_eq!(refused(&ALICE.replace("hS", "h\n")), KeyError::Encoding);
        assert_eq!(refused(&BASE64_STANDARD.encode([7; 31])), KeyError::Encoding, "31 bytes");
        assert_eq!(refused(&BASE64_STANDARD.encode([7; 33])), KeyError::Length, "33 bytes");
    }

    #[test]
    fn p32_small_order_points_are_refused_with_either_top_bit() {
        for point in SMALL_ORDER {
            for top in [0, 0x80] {
                let mut bytes = point;
                bytes[31] |= top;
                assert_eq!(PublicKey::from_bytes(bytes), Err(KeyError::SmallOrder));
                let shared = StaticSecret::from([9; 32]).diffie_hellman(&bytes.into());
                assert!(!shared.was_contributory(), "the list agrees with the curve");
            }
        }
    }

    proptest! {
        #[test]
        fn p32_what_is_accepted_encodes_to_itself(bytes: [u8; 32], noise in "\\PC{0,50}") {
            if let Ok(key) = PublicKey::from_bytes(bytes) {
                prop_assert_eq!(PublicKey::parse(&key.to_string()), Ok(key));
                let shared = StaticSecret::from([9; 32]).diffie_hellman(&bytes.into());
                prop_assert!(shared.was_contributory());
            }
            if let Ok(key) = PublicKey::parse(&noise) {
                prop_assert_eq!(key.to_string(), noise);
            }
        }
    }
}
