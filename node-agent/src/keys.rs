//! Pods' private keys: made on this node, never sent, never printed.

use std::fmt;

use myrelay_domain::keys::{KeyError, PublicKey};
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A WireGuard private key: 32 bytes. It has no `==` and does not print; it is wiped from memory
/// when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PrivateKey {
    bytes: [u8; 32],
    /// Kept beside it: computing it takes longer than planning a pod.
    #[zeroize(skip)]
    public: Result<PublicKey, KeyError>,
}

impl PrivateKey {
    /// A key from 32 bytes of the system's generator or of a key file, clamped as RFC 7748
    /// section 5 says; a clamped key stays as it is.
    pub fn from_random(mut bytes: [u8; 32]) -> Self {
        bytes[0] &= 248;
        bytes[31] = (bytes[31] & 127) | 64;
        let public = x25519_dalek::PublicKey::from(&StaticSecret::from(bytes));
        let key = Self { bytes, public: PublicKey::from_bytes(public.to_bytes()) };
        bytes.zeroize();
        key
    }

    /// The public half.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        self.public
    }

    /// The bytes, for the backend and the key file only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> [u8; 32] {
        let byte = |at: usize| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    /// RFC 7748 section 6.1: the private and public keys of Alice and of Bob.
    #[test]
    fn p02_keys_agree_with_rfc_7748() {
        let vectors = [
            (
                "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
                "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
            ),
            (
                "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
                "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
            ),
        ];
        for (private, public) in vectors {
            let key = PrivateKey::from_random(hex(private));
            assert_eq!(key.public_key().unwrap().as_bytes(), &hex(public));
        }
    }

    proptest! {
        #[test]
        fn a_key_is_clamped_once_and_never_prints(bytes: [u8; 32]) {
            let key = PrivateKey::from_random(bytes);
            let again = PrivateKey::from_random(*key.expose());
            prop_assert_eq!(key.expose(), again.expose());
            prop_assert_eq!(key.public_key(), again.public_key());
            let printed = format!("{key:?}");
            prop_assert!(!printed.contains(&BASE64_STANDARD.encode(key.expose())));
            prop_assert_eq!(printed, "PrivateKey(…)");
        }
    }
}
