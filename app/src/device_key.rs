//! The arithmetic of a device's key pair: no browser is needed for it, so every test run checks it.

use myrelay_domain::keys::PublicKey;
use x25519_dalek::{StaticSecret, X25519_BASEPOINT_BYTES};
use zeroize::Zeroizing;

/// A Curve25519 private key: overwritten in memory when it is dropped, never printed.
pub(crate) struct PrivateKey(Zeroizing<[u8; 32]>);

impl PrivateKey {
    /// The form `wg genkey` writes (RFC 7748 section 5): it is the same key either way.
    pub(crate) fn clamped(mut bytes: Zeroizing<[u8; 32]>) -> Self {
        bytes[0] &= 248;
        bytes[31] &= 127;
        bytes[31] |= 64;
        Self(bytes)
    }

    /// The half that is sent. None only for a key that is not one.
    pub(crate) fn public(&self) -> Option<PublicKey> {
        // By the ladder: the other way brings a table along that weighs more than this program.
        let base = x25519_dalek::PublicKey::from(X25519_BASEPOINT_BYTES);
        let public = StaticSecret::from(*self.0).diffie_hellman(&base);
        PublicKey::from_bytes(*public.as_bytes()).ok()
    }

    /// For the configuration.
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7748 section 6.1, Alice's pair.
    #[test]
    fn p02_a_public_key_is_the_one_of_the_standard() {
        let private = [
            0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5, 0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2,
            0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb, 0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5,
            0x1d, 0xb9, 0x2c, 0x2a,
        ];
        let key = PrivateKey::clamped(Zeroizing::new(private));
        let mut clamped = private;
        clamped[0] = 0x70;
        clamped[31] = 0x6a;
        assert_eq!(*key.bytes(), clamped, "three low bits off, the highest off, the next one on");
        let public = [
            0x85, 0x20, 0xf0, 0x09, 0x89, 0x30, 0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc, 0xb4, 0x3e,
            0xf7, 0x5a, 0x0d, 0xbf, 0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4, 0xeb, 0xa4, 0xa9, 0x8e,
            0xaa, 0x9b, 0x4e, 0x6a,
        ];
        assert_eq!(*key.public().unwrap().as_bytes(), public);
    }
}
