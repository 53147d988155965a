//! The one line an operator copies to a new node.

use std::{fmt, str::FromStr};

use myrelay_domain::{ids::NodeId, token::Token};
use sha2::{Digest, Sha256};

/// A text that is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a join token reads `<node id>.<43 characters>.<64 hexadecimal digits>`; copy the whole line"
)]
pub struct JoinTokenError;

/// The SHA-256 of a CA certificate's DER bytes: with it the agent knows the portal before it
/// sends anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaHash([u8; 32]);

/// `<node id>.<secret>.<ca hash>`: a single-use credential that names its node and its portal.
#[derive(Debug)]
pub struct JoinToken {
    pub node: NodeId,
    pub secret: Token,
    pub ca: CaHash,
}

impl CaHash {
    /// The hash of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }
}

impl fmt::Display for CaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for CaHash {
    type Err = JoinTokenError;

    fn from_str(text: &str) -> Result<Self, JoinTokenError> {
        let hex = |it: &u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.as_bytes().iter().all(hex) {
            return Err(JoinTokenError);
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        Ok(Self(bytes))
    }
}

impl JoinToken {
    /// The whole line, to show once.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.redeem(), self.ca)
    }

    /// The part that goes to the portal.
    pub fn redeem(&self) -> String {
        format!("{}.{}", self.node, self.secret.expose())
    }

    /// Reads the part that goes to the portal.
    pub fn parse_redeem(text: &str) -> Result<(NodeId, Token), JoinTokenError> {
        let (node, secret) = text.split_once('.').ok_or(JoinTokenError)?;
        match (node.parse(), Token::parse(secret)) {
            (Ok(node), Ok(secret)) => Ok((node, secret)),
            _ => Err(JoinTokenError),
        }
    }
}

impl FromStr for JoinToken {
    type Err = JoinTokenError;

    fn from_str(text: &str) -> Result<Self, JoinTokenError> {
        let (redeem, ca) = text.trim().rsplit_once('.').ok_or(JoinTokenError)?;
        let (node, secret) = Self::parse_redeem(redeem)?;
        Ok(Self { node, secret, ca: ca.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> JoinToken {
        JoinToken {
            node: "node_00000000000000000000000000000007".parse().unwrap(),
            secret: Token::from_random([7; 32]),
            ca: CaHash::of(b"a certificate"),
        }
    }

    #[test]
    fn a_join_token_reads_back_and_its_secret_does_not_print() {
        let token = token();
        let line = token.expose();
        let read: JoinToken = format!(" {line}\n").parse().unwrap();
        assert_eq!((read.node, read.ca), (token.node, token.ca));
        assert_eq!(read.secret.hash(), token.secret.hash());
        assert_eq!(read.redeem(), token.redeem());
        assert!(!format!("{token:?}").contains(&token.secret.expose()));
    }

    #[test]
    fn the_part_for_the_portal_has_no_ca_hash() {
        let token = token();
        let (node, secret) = JoinToken::parse_redeem(&token.redeem()).unwrap();
        assert_eq!((node, secret.hash()), (token.node, token.secret.hash()));
        assert!(!token.redeem().contains(&token.ca.to_string()));
    }

    #[test]
    fn half_a_line_and_a_changed_line_are_refused() {
        let line = token().expose();
        for end in 0..line.len() {
            assert!(line[..end].parse::<JoinToken>().is_err(), "{end} characters");
        }
        for wrong in [
            format!("{line}0"),
            format!("{line}.x"),
            line.replace("node_", "pod_"),
            line.replace('.', ":"),
            line.to_uppercase(),
            format!("{}ü", &line[..line.len() - 2]),
        ] {
            assert!(wrong.parse::<JoinToken>().is_err(), "{wrong}");
        }
    }
}
