//! Bodies of the kind `application/x-www-form-urlencoded`.

use std::fmt::Write as _;

/// A form: names and values in their order.
#[derive(Clone, Default)]
pub struct Form(String);

impl Form {
    /// Adds one field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.add(name, value);
        self
    }

    /// Adds one field.
    pub fn add(&mut self, name: &str, value: impl AsRef<str>) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        escape(&mut self.0, name);
        self.0.push('=');
        escape(&mut self.0, value.as_ref());
    }

    /// As it stands in a body, or behind a `?`.
    pub fn text(&self) -> &str {
        &self.0
    }
}

fn escape(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _infallible = write!(into, "%{byte:02X}");
        }
    }
}
