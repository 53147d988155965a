//! `tests/conformance.toml`: what only a plugin's author knows of the provider.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use myrelay_plugin_host::LineRequest;
use serde::Deserialize;

use crate::{
    call::SMALL_BYTES,
    cases::{self, Asked},
    files,
};

/// The file's name in the folder of the cases.
pub(crate) const FILE: &str = "conformance.toml";

/// What the file says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Facts {
    /// Whether the provider drops a request that it has already: then one whose answer was lost may
    /// be made again.
    pub(crate) repeats_are_safe: bool,
    /// What stands in the addresses of requests that change nothing, though they are no GET.
    pub(crate) harmless: Vec<String>,
    /// Headers that are others at each try, such as the time of a signature.
    pub(crate) new_each_try: Vec<String>,
    pub(crate) notification: Option<Notification>,
    pub(crate) webhooks: Option<Signing>,
}

/// Of a channel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notification {
    /// What is no address there.
    pub(crate) no_address: String,
}

/// How the provider signs webhooks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signing {
    /// The secret's name in `plugin.toml`.
    pub(crate) secret: String,
    /// The header with the signature.
    pub(crate) header: String,
    /// What stands in it, with `{time}` (seconds since 1970 UTC) and `{hmac}`.
    pub(crate) value: String,
    /// What is signed, with `{time}` and `{body}`.
    pub(crate) signed: String,
    #[serde(default)]
    pub(crate) encoding: Encoding,
}

/// How a signature is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    #[default]
    Hex,
    Base64,
}

impl Facts {
    /// Whether a request may have changed something that must not be changed twice.
    pub(crate) fn counts_once(&self, request: &Asked) -> bool {
        let is_harmless = self.harmless.iter().any(|it| request.url.contains(it.as_str()));
        request.method != "GET" && !self.repeats_are_safe && !is_harmless
    }

    /// A request without what is another at each try.
    pub(crate) fn without_new(&self, mut request: LineRequest) -> LineRequest {
        let is_new = |name: &str| self.new_each_try.iter().any(|it| it.eq_ignore_ascii_case(name));
        request.headers.retain(|it| !is_new(&it.0));
        request
    }

    /// What the file of a plugin says; nothing where there is none.
    ///
    /// # Errors
    /// With the field and what is wrong with it.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let place = folder.join(cases::FOLDER).join(FILE);
        if !place.exists() {
            return Ok(Self::default());
        }
        let text = files::read_text(&place, SMALL_BYTES)?;
        let facts: Self = toml::from_str(&text).with_context(|| format!("{}", place.display()))?;
        // It would stand in every address, and nothing would be tried any more.
        if facts.harmless.iter().any(String::is_empty) {
            bail!("{}: harmless: a part of an address is not empty", place.display());
        }
        Ok(facts)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_would_switch_all_rules_off_is_no_fact() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(cases::FOLDER)).unwrap();
        let read = |text: &str| {
            fs::write(folder.path().join(cases::FOLDER).join(FILE), text).unwrap();
            Facts::read(folder.path()).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(read("harmless = [\"/getUpdates\"]").unwrap().harmless, ["/getUpdates"]);
        let told = read("harmless = [\"/getUpdates\", \"\"]").unwrap_err();
        assert!(told.contains("conformance.toml: harmless:"), "{told}");
        assert!(read("harmles = []").unwrap_err().contains("harmles"));
    }
}
