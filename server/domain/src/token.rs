//! Bearer credentials: 256 random bits that print only when they are handed out, and whose hash is
//! all that is stored.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text that is no token of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a token has 43 letters, digits, `-` or `_`")]
pub struct TokenError;

/// What tokens for pods begin with: whoever looks through files and messages for what should not be
/// there knows one by it.
pub const POD_TOKEN_PREFIX: &str = "myr_pod_";

/// A bearer credential of 256 bits, written as 43 characters of base64url (RFC 4648 section 5,
/// no padding). It has no `==` and no `Display`; it is wiped from memory when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token([u8; 32]);

/// The SHA-256 of a token, written as 64 hexadecimal digits: what is stored and looked up. The
/// token behind it has 256 random bits, so the hash needs no salt and no work factor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl Token {
    /// A token from 32 bytes of the system's generator.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a token that somebody presents.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let mut bytes = [0; 32];
        let decoded = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes);
        if text.len() != 43 || !matches!(decoded, Ok(32)) {
            return Err(TokenError);
        }
        Ok(Self(bytes))
    }

    /// Reads a token for a pod.
    pub fn parse_for_pod(text: &str) -> Result<Self, TokenError> {
        Self::parse(text.strip_prefix(POD_TOKEN_PREFIX).ok_or(TokenError)?)
    }

    /// The text to hand out, once.
    pub fn expose(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The text of a token for a pod, to hand out, once.
    pub fn expose_for_pod(&self) -> String {
        POD_TOKEN_PREFIX.to_owned() + &self.expose()
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        let digest = Sha256::digest(self.0);
        TokenHash(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl TokenHash {
    /// The hash as stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_does_not_print() {
        let token = Token::from_random([7; 32]);
        let text = token.expose();
        assert_eq!(text.len(), 43);
        assert_eq!(Token::parse(&text).unwrap().hash(), token.hash());
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert!(!token.hash().as_str().contains(&text));
        assert_ne!(Token::from_random([8; 32]).hash(), token.hash());
    }

    #[test]
    fn p24_a_pod_token_has_256_bits_and_a_prefix_that_finds_it() {
        let token = Token::from_random([7; 32]);
        let text = token.expose_for_pod();
        assert_eq!(text, format!("myr_pod_{}", token.expose()));
        assert_eq!(Token::parse_for_pod(&text).unwrap().hash(), token.hash());
        let bare = token.expose();
        for text in ["", "myr_pod_", &bare, &format!("MYR_POD_{bare}"), &format!(" {text}")] {
            assert_eq!(Token::parse_for_pod(text).err(), Some(TokenError), "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let text = Token::from_random([7; 32]).expose();
        for text in ["", "x", &text[1..], &format!("{text}="), &format!("{}+", &text[1..])] {
            assert_eq!(Token::parse(text).err(), Some(TokenError), "{text}");
        }
    }
}
