//! What an operator granted to an installation, and what follows from it together with the manifest.

use serde::{Deserialize, Serialize};

use crate::{
    egress::{policy::Target, rules::HttpGrant},
    manifest::{AskedHttp, Manifest, Place, Secret, SecretUse},
};

/// What an operator granted. Nothing is granted by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grants {
    /// To remember something.
    pub kv: bool,
    /// To calculate with secrets.
    pub crypto: bool,
    /// To make requests, and to hand over mails.
    pub http: Vec<HttpGrant>,
    /// To use secrets.
    pub secrets: Vec<SecretGrant>,
}

impl Grants {
    /// All that a manifest asks for. The host `*` is still none, and no private address is reached:
    /// an operator names those.
    #[must_use]
    pub fn all_asked(manifest: &Manifest) -> Self {
        let http = |it: &AskedHttp| HttpGrant {
            rule: it.rule.clone(),
            any_host: false,
            private: Vec::new(),
        };
        let uses = |it: &Secret| {
            let name = it.name.clone();
            it.uses
                .clone()
                .into_iter()
                .map(move |allowed| SecretGrant { name: name.clone(), allowed })
        };
        Self {
            kv: manifest.kv.is_some(),
            crypto: manifest.crypto,
            http: manifest.http.iter().map(http).collect(),
            secrets: manifest.secrets.iter().flat_map(uses).collect(),
        }
    }
}

/// One use of one secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretGrant {
    /// The secret's name.
    pub name: String,
    /// What for.
    pub allowed: SecretUse,
}

/// Whether a secret may be the key of an HMAC; otherwise the rule that would allow it.
pub(crate) fn hmac_right(manifest: &Manifest, grants: &Grants, name: &str) -> Result<(), String> {
    let asked = manifest.secret(name).is_some_and(|it| it.uses.contains(&SecretUse::Hmac));
    if !asked {
        return Err(format!("plugin.toml: [[secrets]] {name} needs use = [{{ hmac = true }}]"));
    }
    let granted = |it: &SecretGrant| it.name == name && it.allowed == SecretUse::Hmac;
    if !grants.secrets.iter().any(granted) {
        return Err(format!("the operator has not granted the secret {name} for HMAC"));
    }
    Ok(())
}

/// Whether a secret may stand in this place of a request to this host; otherwise the rule that
/// would allow it.
pub(crate) fn place_right(
    manifest: &Manifest,
    grants: &Grants,
    (name, target, place): (&str, &Target, Place),
) -> Result<(), String> {
    let host = &target.host;
    // Who may log in wherever an operator names a mail server may not log in everywhere else.
    let any_is_meant = manifest.http.iter().any(|it| {
        it.rule.host.is_any() && (it.rule.scheme, it.rule.port) == (target.scheme, target.port)
    });
    let covers = |it: &SecretUse| match it {
        SecretUse::Http { host: pattern, places } => {
            let is_meant = any_is_meant || !pattern.is_any();
            is_meant && pattern.matches(host) && places.contains(&place)
        }
        SecretUse::Hmac => false,
    };
    let place = place.name();
    let rule = format!("{{ host = \"{host}\", in = [\"{place}\"] }}");
    if !manifest.secret(name).is_some_and(|it| it.uses.iter().any(covers)) {
        return Err(format!("plugin.toml: [[secrets]] {name} needs use = [{rule}]"));
    }
    if !grants.secrets.iter().any(|it| it.name == name && covers(&it.allowed)) {
        return Err(format!("the operator has not granted the secret {name} for {rule}"));
    }
    Ok(())
}
