//! What the import `crypto` calculates.

use aws_lc_rs::{digest, hmac, signature};
use base64::{
    Engine as _,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use crate::bindings::crypto::{Hash, KeyEncoding};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// The key that a secret's text stands for; none where it is not in this encoding, or empty.
pub(crate) fn key(text: &str, encoding: KeyEncoding) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = match encoding {
        KeyEncoding::Utf8 => Some(text.as_bytes().to_vec()),
        KeyEncoding::Base64 => base64(text),
        KeyEncoding::Hex => hex(text),
        KeyEncoding::StandardWebhooks => text.strip_prefix("whsec_").and_then(base64),
    };
    bytes.filter(|it| !it.is_empty()).map(Zeroizing::new)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok()
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|it| it.to_digit(16)).collect();
    let digits = digits.filter(|it| it.len() % 2 == 0)?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

fn hmac_algorithm(hash: Hash) -> hmac::Algorithm {
    match hash {
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha512 => hmac::HMAC_SHA512,
    }
}

pub(crate) fn hmac(key: &[u8], hash: Hash, message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac_algorithm(hash), key);
    hmac::sign(&key, message).as_ref().to_vec()
}

/// In constant time.
pub(crate) fn hmac_verify(key: &[u8], hash: Hash, message: &[u8], tag: &[u8]) -> bool {
    let key = hmac::Key::new(hmac_algorithm(hash), key);
    hmac::verify(&key, message, tag).is_ok()
}

pub(crate) fn ed25519_verify(public_key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let key = signature::UnparsedPublicKey::new(&signature::ED25519, public_key);
    key.verify(message, signature).is_ok()
}

pub(crate) fn digest(hash: Hash, data: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, data).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::hex as shown;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let read = |text, encoding| key(text, encoding).map(|it| it.to_vec());
        assert_eq!(read("whsec_abc", KeyEncoding::Utf8), Some(b"whsec_abc".to_vec()));
        assert_eq!(read("AAEC/w==", KeyEncoding::Base64), Some(vec![0, 1, 2, 255]));
        assert_eq!(read("AAEC_w", KeyEncoding::Base64), Some(vec![0, 1, 2, 255]));
        assert_eq!(read("whsec_AAEC/w==", KeyEncoding::StandardWebhooks), Some(vec![0, 1, 2, 255]));
        assert_eq!(read("AAEC/w==", KeyEncoding::StandardWebhooks), None);
        assert_eq!(read("00ff1A", KeyEncoding::Hex), Some(vec![0, 255, 26]));
        assert_eq!(read("00f", KeyEncoding::Hex), None);
        assert_eq!(read("0x", KeyEncoding::Hex), None);
        assert_eq!(read("", KeyEncoding::Utf8), None);
        assert_eq!(read("no base64!", KeyEncoding::Base64), None);
    }

    /// RFC 4231, test case 2; FIPS 180-4, "abc"; RFC 8032, test 2.
    #[test]
    fn it_agrees_with_the_standards() {
        let tag = hmac(b"Jefe", Hash::Sha256, b"what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(shown(&tag), expected);
        let message = b"what do ya want for nothing?";
        assert!(hmac_verify(b"Jefe", Hash::Sha256, message, &tag));
        assert!(!hmac_verify(b"Jefe", Hash::Sha256, message, &tag[..31]));
        assert!(!hmac_verify(b"jefe", Hash::Sha256, message, &tag));
        let tag = hmac(b"Jefe", Hash::Sha512, message);
        assert!(shown(&tag).starts_with("164b7a7bfcf819e2e395fbe73b56e0a3"));
        let hash = digest(Hash::Sha256, b"abc");
        assert!(shown(&hash).starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(
            shown(&digest(Hash::Sha512, b"abc")).starts_with("ddaf35a193617abacc417349ae204131")
        );

        let public =
            hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").unwrap();
        let signature = hex(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ))
        .unwrap();
        assert!(ed25519_verify(&public, &[0x72], &signature));
        assert!(!ed25519_verify(&public, &[0x73], &signature));
        assert!(!ed25519_verify(&public[1..], &[0x72], &signature));
        assert!(!ed25519_verify(&public, &[0x72], &signature[1..]));
    }
}
