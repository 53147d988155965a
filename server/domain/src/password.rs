//! Passwords as they are typed: checked for length, never altered, never printed.

use std::fmt;

use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Why a new password was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error(
        "a password has at least {} characters; a few unrelated words make a good one",
        MIN_CHARS
    )]
    TooShort,
    #[error("a password has at most {} characters", MAX_CHARS)]
    TooLong,
    #[error("this password is the mail address, the service's name or one character repeated")]
    Guessable,
}

/// The shortest new password, in characters (ASVS 5.0 6.2.1 asks for 8, NIST SP 800-63B for 15
/// where the password is all there is).
pub const MIN_CHARS: usize = 12;
/// The longest password that is looked at, in characters: hashing costs the same for all of them.
pub const MAX_CHARS: usize = 256;

/// What somebody typed as a password. It has no `==`, does not print, and is overwritten in
/// memory when it is dropped.
#[derive(ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// A password to compare with a stored one: any text of a sane length.
    pub fn typed(text: String) -> Result<Self, PasswordError> {
        let typed = Self(text);
        if MAX_CHARS < typed.0.chars().count() {
            return Err(PasswordError::TooLong);
        }
        Ok(typed)
    }

    /// A password to set. No composition rules (NIST SP 800-63B 3.1.1.2); only what would be
    /// guessed first is refused.
    pub fn new(text: String, mail: &str) -> Result<Self, PasswordError> {
        let password = Self::typed(text)?;
        if password.0.chars().count() < MIN_CHARS {
            return Err(PasswordError::TooShort);
        }
        let folded = Zeroizing::new(password.0.to_lowercase());
        let first = folded.chars().next();
        let repeated = folded.chars().all(|c| Some(c) == first);
        let rest = Zeroizing::new(folded.replace("myrelay", ""));
        if repeated || *folded == mail.to_lowercase() || rest.len() < 6 {
            return Err(PasswordError::Guessable);
        }
        Ok(password)
    }

    /// The bytes, for the hash function only.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_decides_and_nothing_is_altered() {
        let ok = Password::new(" Käse und Brot ".to_owned(), "ana@example.org").unwrap();
        assert_eq!(ok.expose(), " Käse und Brot ".as_bytes());
        let error = |text: &str| Password::new(text.to_owned(), "ana@example.org").unwrap_err();
        assert_eq!(error("short"), PasswordError::TooShort);
        assert_eq!(error(&"ab".repeat(129)), PasswordError::TooLong);
        assert_eq!(error("aaaaaaaaaaaaaaa"), PasswordError::Guessable);
        assert_eq!(error("Ana@example.org"), PasswordError::Guessable);
        assert_eq!(error("myrelay12345"), PasswordError::Guessable);
    }
}
