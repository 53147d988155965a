//! A plugin's manifest, from whoever made the plugin: read strictly, or refused with a reason.

use myrelay_plugin_host::{Manifest, SecretUse};

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let manifest = match Manifest::parse(text) {
        Ok(manifest) => manifest,
        Err(error) => {
            let message = error.to_string();
            assert!(message.chars().count() < 400, "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
            return false;
        }
    };
    // What is shown to operators is one line each.
    let reasons = manifest.http.iter().map(|it| &it.reason);
    let labels = manifest.secrets.iter().filter_map(|it| it.label.as_ref());
    for text in [&manifest.name].into_iter().chain(reasons).chain(labels) {
        assert!((1..=200).contains(&text.chars().count()), "{text:?}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    // What becomes a part of a path or an address cannot leave it.
    let words = [&manifest.id, &manifest.version].into_iter();
    for word in words.chain(manifest.jobs.iter().map(|it| &it.name)) {
        let plain = |it: u8| it.is_ascii_alphanumeric() || b".-".contains(&it);
        assert!(word.bytes().all(plain) && !word.contains(".."), "{word:?}");
    }
    for asked in &manifest.http {
        assert!(asked.rule.port != 0 && !asked.rule.methods.is_empty());
        assert!(asked.rule.path_prefix.starts_with('/') && !asked.rule.path_prefix.contains(".."));
    }
    for secret in &manifest.secrets {
        assert_eq!(manifest.secret(&secret.name), Some(secret), "a name twice");
        assert!(!secret.uses.is_empty());
        for using in &secret.uses {
            let covered = match using {
                SecretUse::Hmac => manifest.crypto,
                SecretUse::Http { host, .. } => {
                    manifest.http.iter().any(|it| it.rule.host == *host)
                }
            };
            assert!(covered, "a secret for what the plugin does not ask for");
        }
    }
    assert_eq!(Manifest::parse(text).as_ref(), Ok(&manifest));
    true
}
