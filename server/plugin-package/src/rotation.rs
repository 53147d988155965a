//! A publisher's next key: a statement of three lines, and the signature of the key before it.
//!
//! ```text
//! myrelay publisher rotation 1
//! from RW…
//! to RW…
//! untrusted comment: signature from minisign secret key KEY-ID
//! RU…
//! trusted comment: KEY-ID becomes KEY-ID
//! …
//! ```
//!
//! The signature is minisign's, of the first three lines as they stand there. There is one form:
//! every line ends with one newline, and nothing is before, between or after them.

use crate::signature::{PublisherKey, SignatureError, SigningKey, sign, verify};

/// The most bytes of a statement's file.
pub const ROTATION_BYTES: usize = 4096;
/// What the first line says that it is.
const FORMAT: &str = "myrelay publisher rotation 1";

/// Why a statement does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// It is none.
    #[error("it is no rotation of a publisher's key: {0}")]
    Malformed(&'static str),
    /// The key before did not sign it.
    #[error("the key before did not sign this rotation: {0}")]
    Signature(SignatureError),
}

/// That what one key published is published by another from now on. Whatever of it is in memory was
/// signed by the key before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    from: PublisherKey,
    to: PublisherKey,
}

fn statement(from: &PublisherKey, to: &PublisherKey) -> String {
    format!("{FORMAT}\nfrom {from}\nto {to}\n")
}

fn comment(from: &PublisherKey, to: &PublisherKey) -> String {
    format!("{} becomes {}", from.key_id(), to.key_id())
}

impl Rotation {
    /// The key before, which signed.
    #[must_use]
    pub fn from(&self) -> &PublisherKey {
        &self.from
    }

    /// The key that comes after it.
    #[must_use]
    pub fn to(&self) -> &PublisherKey {
        &self.to
    }

    /// Reads a statement and verifies it by the key that it says was before. Whether that key is
    /// the one that was known is for the reader to say.
    ///
    /// # Errors
    /// When it is not as [`Rotation::sign`] writes it, or that key did not sign it.
    pub fn read(text: &str) -> Result<Self, RotationError> {
        let malformed = RotationError::Malformed;
        if ROTATION_BYTES < text.len() {
            return Err(malformed("it has at most 4096 bytes"));
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let whole = lines.iter().all(|it| it.ends_with('\n')) && !text.contains('\r');
        if !whole || lines.len() != 7 {
            return Err(malformed("it has seven lines, each with one newline at its end"));
        }
        if lines[0].trim_end() != FORMAT {
            return Err(malformed("the first line is `myrelay publisher rotation 1`"));
        }
        let key = |line: &str, word: &str| {
            let text = line.strip_prefix(word)?.strip_suffix('\n')?;
            // One form of each key, so that one statement has one text.
            PublisherKey::parse(text).ok().filter(|it| it.to_string() == text)
        };
        let from = key(lines[1], "from ").ok_or(malformed("the second line is `from KEY`"))?;
        let to = key(lines[2], "to ").ok_or(malformed("the third line is `to KEY`"))?;
        if from == to {
            return Err(malformed("a key does not become itself"));
        }
        let said = statement(&from, &to);
        let signature = text.strip_prefix(said.as_str());
        let signature = signature.ok_or(malformed("the first three lines are not as signed"))?;
        // It is not signed: what can be anything says nothing.
        let by =
            format!("untrusted comment: signature from minisign secret key {}\n", from.key_id());
        if lines[3] != by {
            return Err(malformed("the fourth line names the key before, as it is signed with"));
        }
        let signed = verify(said.as_bytes(), signature, &from);
        let signed = signed.map_err(RotationError::Signature)?;
        if signed.comment != comment(&from, &to) {
            return Err(malformed("the signature's comment names the two keys"));
        }
        Ok(Self { from, to })
    }

    /// Signs with a key what comes after it: the text of the file.
    ///
    /// # Errors
    /// When both are the same key, or the key does not sign.
    pub fn sign(key: &SigningKey, to: &PublisherKey) -> Result<String, RotationError> {
        let from = key.publisher().map_err(RotationError::Signature)?;
        if from == *to {
            return Err(RotationError::Malformed("a key does not become itself"));
        }
        let said = statement(&from, to);
        let signature = sign(said.as_bytes(), key, &comment(&from, to));
        let signature = signature.map_err(RotationError::Signature)?;
        Ok(format!("{said}{}\n", signature.trim_end()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::keygen;

    #[test]
    fn the_key_before_says_which_comes_after_it() {
        let (secret, old) = keygen(None).unwrap();
        let (other_secret, new) = keygen(None).unwrap();
        let key = SigningKey::open(&secret, None).unwrap();
        let text = Rotation::sign(&key, &new).unwrap();
        let read = Rotation::read(&text).unwrap();
        assert_eq!((read.from(), read.to()), (&old, &new));
        assert!(Rotation::sign(&key, &old).is_err());

        let (_, third) = keygen(None).unwrap();
        let other = SigningKey::open(&other_secret, None).unwrap();
        let others = Rotation::sign(&other, &third).unwrap();
        let signature = |text: &str| text.splitn(4, '\n').nth(3).unwrap().to_owned();
        for (text, why) in [
            (text.replace(&new.to_string(), &third.to_string()), "did not sign"),
            (format!("{}{}", statement(&old, &new), signature(&others)), "fourth line"),
            (format!("{text}\n"), "seven lines"),
            (format!("\n{text}"), "seven lines"),
            (text.trim_end().to_owned(), "seven lines"),
            (text.replace('\n', "\r\n"), "seven lines"),
            (text.replace("rotation 1", "rotation 2"), "first line"),
            (text.replace("from RW", "from  RW"), "second line"),
            (text.replace("\nto ", "\nTo "), "third line"),
            (text.replace("signature from", "hello from"), "fourth line"),
            (text.replace(" becomes ", " became "), "did not sign"),
            ("x".repeat(ROTATION_BYTES + 1), "4096"),
        ] {
            let error = Rotation::read(&text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}: {text}");
        }
        // A signature of the same words with another comment is no statement of ours.
        let said = statement(&old, &new);
        let loose = sign(said.as_bytes(), &key, "hello").unwrap();
        let text = format!("{said}{}\n", loose.trim_end());
        assert!(Rotation::read(&text).unwrap_err().to_string().contains("comment"));
    }
}
