//! `plugin.toml`: who a plugin is and what it asks for. Read strictly: what is not known is refused.

mod parts;
mod reader;
#[cfg(test)]
mod tests;

use semver::Version;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::egress::rules::{HostPattern, HttpRule};

/// A manifest is read whole.
const MANIFEST_BYTES: usize = 64 * 1024;

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plugin.toml: {field}: {rule}")]
pub struct ManifestError {
    /// Which field, from the top: `capabilities.http[0].host`.
    pub field: String,
    /// What must be so.
    pub rule: String,
}

/// What a plugin says about itself, read and sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// A reverse domain name, such as `dev.example.stripe`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its own version, `major.minor.patch` and perhaps more.
    pub version: String,
    /// What it is.
    pub kinds: Vec<Kind>,
    /// The minor version of `myrelay:plugin@1` that it was built with.
    pub api_minor: u32,
    /// The oldest portal that it works with.
    pub min_portal: Option<String>,
    /// Its licence, as SPDX writes it.
    pub license: Option<String>,
    /// Where to read about it.
    pub homepage: Option<String>,
    /// What it was written in.
    pub language: Option<String>,
    /// Whether it remembers something, and how much at most.
    pub kv: Option<Option<u64>>,
    /// Whether it calculates with secrets.
    pub crypto: bool,
    /// The events it listens to.
    pub events: Vec<String>,
    /// The requests it makes, and the servers that it hands mails to.
    pub http: Vec<AskedHttp>,
    /// The requests it receives.
    pub webhooks: Option<Webhooks>,
    /// The secrets it uses.
    pub secrets: Vec<Secret>,
    /// The file with the schema of its settings.
    pub config_schema: Option<String>,
    /// What it does at set times.
    pub jobs: Vec<Job>,
    /// The memory it asks for, in MiB.
    pub memory_mib: Option<u32>,
}

/// What a plugin is, each by the interface it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Billing,
    Notification,
    Event,
    Invoicing,
}

/// A kind of request that a plugin asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedHttp {
    /// Which requests.
    pub rule: HttpRule,
    /// Why, for the operator who reads it.
    pub reason: String,
}

/// How a provider reaches a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhooks {
    /// The end of the address.
    pub path: String,
    /// The largest body in bytes.
    pub max_body: u32,
    /// Where customers may be sent to pay.
    pub checkout_hosts: Vec<HostPattern>,
}

/// A secret that a plugin uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub name: String,
    /// What the operator is asked for.
    pub label: Option<String>,
    /// Whether the provider makes it and the plugin puts it away.
    pub generated: bool,
    /// Whether the plugin may work without it: it belongs to one of several ways, or is an old key.
    pub optional: bool,
    pub uses: Vec<SecretUse>,
}

/// What a secret is used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretUse {
    /// As the key of an HMAC.
    Hmac,
    /// In requests to a host.
    Http {
        /// To which.
        host: HostPattern,
        /// In which places of them.
        places: Vec<Place>,
    },
}

/// A place in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The header `Authorization`, made by the host.
    Auth,
    Header,
    Query,
    Path,
    Body,
}

impl Place {
    /// As manifests and grants write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Header => "header",
            Self::Query => "query",
            Self::Path => "path",
            Self::Body => "body",
        }
    }
}

/// Something that a plugin does at set times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub name: String,
    /// Five fields, as cron reads them.
    pub cron: String,
}

impl Manifest {
    /// The version of `myrelay:plugin` that it was built with, such as `1.0`.
    #[must_use]
    pub fn api(&self) -> String {
        format!("1.{}", self.api_minor)
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When something is not as it must be; the error names the field and the rule.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if MANIFEST_BYTES < text.len() {
            let rule = format!("at most {MANIFEST_BYTES} bytes, not {}", text.len());
            return Err(reader::wrong("the file", rule));
        }
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let at = error.span().map_or(0, |it| it.start).min(text.len());
            let line = text.as_bytes()[..at].iter().filter(|it| **it == b'\n').count() + 1;
            let message = crate::text::line(error.message(), 120);
            reader::wrong(&format!("line {line}"), message)
        })?;
        parts::manifest(table)
    }

    /// Whether it names no event but these.
    ///
    /// # Errors
    /// The first other one, with those that there are.
    pub fn check_events(&self, known: &[String]) -> Result<(), ManifestError> {
        let Some(name) = self.events.iter().find(|it| !known.contains(it)) else { return Ok(()) };
        let rule = format!("{name} is no event of this portal; there are {}", known.join(", "));
        Err(reader::wrong("capabilities.events", rule))
    }

    /// Whether forms may lead to all hosts that it sends customers to. What is installed may have
    /// been taken before anybody looked.
    ///
    /// # Errors
    /// The first to which none may, with what to write instead.
    pub fn check_checkout_hosts(&self) -> Result<(), ManifestError> {
        let Some(host) = self.checkout_hosts().iter().find(|it| !it.fits_policies()) else {
            return Ok(());
        };
        let field = "capabilities.webhooks.checkout_hosts";
        Err(reader::wrong(field, parts::no_form_leads_to(host)))
    }

    /// Whether it works with a portal of this version.
    ///
    /// # Errors
    /// Where it needs a later one; both versions are named.
    pub fn check_portal(&self, portal: &str) -> Result<(), ManifestError> {
        let Some(needed) = &self.min_portal else { return Ok(()) };
        // `0.9` is `0.9.0`. What cannot be compared is not said to work.
        let read = [needed.clone(), format!("{needed}.0")];
        let read = read.iter().find_map(|it| Version::parse(it).ok());
        let ours = Version::parse(portal).ok();
        if read.zip(ours).is_some_and(|(needed, ours)| needed <= ours) {
            return Ok(());
        }
        let rule = format!(
            "it works with version {needed} of the portal or a later one, and this is {portal}: \
             upgrade the portal, or take an earlier version of the plugin"
        );
        Err(reader::wrong("plugin.min_portal", rule))
    }

    /// The secret of this name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        self.secrets.iter().find(|it| it.name == name)
    }

    /// How much it asks to remember.
    pub(crate) fn kv_bytes(&self) -> Option<u64> {
        self.kv.flatten()
    }

    /// Where customers may be sent to pay.
    #[must_use]
    pub fn checkout_hosts(&self) -> &[HostPattern] {
        self.webhooks.as_ref().map_or(&[], |it| &it.checkout_hosts)
    }
}
