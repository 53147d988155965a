//! Mail addresses, as far as a sign-in name needs them.

use std::fmt;

/// Why an address was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give an e-mail address such as ana@example.org")]
pub struct EmailError;

/// A mail address in the one spelling it is compared by: trimmed, lower case, at most 254
/// characters (RFC 5321 4.5.3.1.3). Whether mail arrives there is another question.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Checks what somebody typed.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim().to_lowercase();
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError)?;
        let bad = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:\"@".contains(c);
        let labels_fit = domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
        let fits = 254 >= text.len() && 64 >= local.len() && !local.is_empty();
        if !fits || local.contains(bad) || !domain.contains('.') || !labels_fit {
            return Err(EmailError);
        }
        Ok(Self(text))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Personal data does not slip into a log through `{:?}`.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_spelling() {
        assert_eq!(Email::parse(" Ana@Example.ORG ").unwrap().as_str(), "ana@example.org");
        assert_eq!(format!("{:?}", Email::parse("ana@example.org").unwrap()), "Email(…)");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "ana", "ana@", "@example.org", "a b@example.org", "ana@example"] {
            assert_eq!(Email::parse(text), Err(EmailError), "{text}");
        }
        for text in ["a@b@c.org", "a\n@b.org", "a@-b.org", "a@b..org", "<a@b.org>"] {
            assert_eq!(Email::parse(text), Err(EmailError), "{text}");
        }
        assert_eq!(Email::parse(&format!("{}@example.org", "a".repeat(65))), Err(EmailError));
    }
}
