//! A secret that a plugin uses and never sees.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::limits::SECRET_BYTES;

/// A secret's text. It prints as its name, compares with nothing, and is wiped when it is dropped.
/// It is written only into messages to a plugin host, which has to put it into requests.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PluginSecret(Zeroizing<String>);

impl PluginSecret {
    /// Takes a secret in; none where it is empty or longer than secrets are.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        (1..=SECRET_BYTES).contains(&text.len()).then_some(Self(text))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PluginSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PluginSecret(…)")
    }
}
