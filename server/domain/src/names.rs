//! Text that people give things, checked once, when it comes in.

use std::fmt;

use serde::{Deserialize, Serialize, de};

/// Why a name was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("give it a name")]
    Empty,
    #[error("a name has at most {} characters", MAX_CHARS)]
    TooLong,
    #[error("a name has no line breaks or other control characters")]
    ControlCharacter,
}

/// The longest name, in characters (Unicode scalar values).
pub const MAX_CHARS: usize = 64;

/// What somebody calls a device, a node or a location: 1 to 64 characters, no control
/// characters, no invisible direction marks, no spaces around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Checks what somebody typed; outer white space is dropped.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.chars().any(is_control) {
            return Err(NameError::ControlCharacter);
        }
        let text = text.trim();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if MAX_CHARS < text.chars().count() {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line and paragraph separators, and the marks that reorder text on screen.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_trimmed_and_kept() {
        assert_eq!(Name::parse(" Ana's phone ").unwrap().as_str(), "Ana's phone");
        assert_eq!(Name::parse(&"ü".repeat(64)).unwrap().as_str().chars().count(), 64);
    }

    #[test]
    fn what_could_break_a_line_or_a_screen_is_refused() {
        assert_eq!(Name::parse(" "), Err(NameError::Empty));
        assert_eq!(Name::parse(&"a".repeat(65)), Err(NameError::TooLong));
        for text in ["a\nb", "a\0", "phone\r", "a\u{2028}b", "a\u{202e}b", "\ta"] {
            assert_eq!(Name::parse(text), Err(NameError::ControlCharacter), "{text:?}");
        }
    }
}
