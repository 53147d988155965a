//! Pods' private keys: made on this node, never sent, never printed.

use std::fmt;

use myrelay_domain::keys::{KeyError, PublicKey};
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A WireGuard private key: 32 bytes. It has no `==` and does not print; it is wiped from memory
/// when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PrivateKey([u8; 32]);

impl PrivateKey {
    /// A key from 32 bytes of the system's generator, clamped as RFC 7748 section 5 says.
    pub fn from_random(mut bytes: [u8; 32]) -> Self {
        bytes[0] &= 248;
        bytes[31] = (bytes[31] & 127) | 64;
        Self(bytes)
    }

    /// The public half.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        let secret = StaticSecret::from(self.0);
        PublicKey::from_bytes(x25519_dalek::PublicKey::from(&secret).to_bytes())
    }

    /// The bytes, for the backend and the key file only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}
