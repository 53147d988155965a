//! Seals what the database must not be able to read: AES-256-GCM (NIST SP 800-38D) with a key that
//! lies beside the authority's; and marks what nobody else may make.

use std::path::Path;

use anyhow::{Context as _, bail};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    authority::{ensure_private_dir, read_private, write_private},
    context::Random,
};

const FILE: &str = "vault.key";
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Whether there is a vault in a folder: what a portal makes last when it begins.
pub(crate) fn is_in(folder: &Path) -> bool {
    folder.join(FILE).is_file()
}

/// The key of a deployment. It does not print.
pub struct Vault {
    sealing: RandomizedNonceKey,
    /// Made of the same key, for another use.
    marking: hmac::Key,
}

impl Vault {
    /// Opens the vault in a folder of our own (mode 0700), or makes its key at the first start:
    /// `vault.key`, mode 0600.
    ///
    /// # Errors
    /// When others can read it, or it is not what was written.
    pub fn load_or_create(dir: &Path, random: &dyn Random) -> anyhow::Result<Self> {
        ensure_private_dir(dir)?;
        let path = dir.join(FILE);
        if let Some(text) = read_private(&path)? {
            let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new);
            let bytes = bytes.ok().filter(|it| it.len() == KEY_BYTES);
            let Some(bytes) = bytes else {
                bail!("{} is damaged: restore it from a backup", path.display());
            };
            return Self::of(&bytes);
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random.fill(&mut *bytes);
        write_private(&path, Zeroizing::new(STANDARD.encode(*bytes)).as_bytes())?;
        Self::of(&*bytes)
    }

    fn of(bytes: &[u8]) -> anyhow::Result<Self> {
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, bytes).ok();
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes), b"myrelay marks");
        let marking = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        Ok(Self { sealing: sealing.context("a key of 32 bytes")?, marking })
    }

    /// A mark of a text in one place (HMAC-SHA-256): whoever has the database alone can neither
    /// make one nor find the text to it by trying.
    pub(crate) fn mark(&self, place: &str, text: &str) -> Vec<u8> {
        hmac::sign(&self.marking, format!("{place}\0{text}").as_bytes()).as_ref().to_vec()
    }

    /// Whether this is the mark of a text in one place; it takes the same time either way.
    pub(crate) fn is_mark(&self, place: &str, text: &str, mark: &[u8]) -> bool {
        hmac::verify(&self.marking, format!("{place}\0{text}").as_bytes(), mark).is_ok()
    }

    /// Seals a text for one place, such as a row and its column: it opens nowhere else.
    pub(crate) fn seal(&self, place: &str, text: &str) -> anyhow::Result<String> {
        let mut bytes = text.as_bytes().to_vec();
        let nonce = self.sealing.seal_in_place_append_tag(Aad::from(place), &mut bytes);
        let nonce = nonce.ok().context("seal a text")?;
        Ok(STANDARD.encode([nonce.as_ref().as_slice(), &bytes].concat()))
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> anyhow::Result<Zeroizing<String>> {
        let opened = self.opened(place, sealed);
        opened.with_context(|| {
            format!("{place} does not open: {FILE} and the database do not belong together")
        })
    }

    fn opened(&self, place: &str, sealed: &str) -> Option<Zeroizing<String>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let opened = self.sealing.open_in_place(nonce, Aad::from(place), &mut sealed).ok()?;
        Some(Zeroizing::new(std::str::from_utf8(opened).ok()?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::system::SystemRandom;

    #[test]
    fn p44_what_is_sealed_opens_in_its_place_with_its_key_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("mine");
        let vault = Vault::load_or_create(&mine, &SystemRandom).unwrap();
        let sealed = vault.seal("inst_1/api_key", "hush").unwrap();
        assert_ne!(sealed, vault.seal("inst_1/api_key", "hush").unwrap(), "a nonce of its own");
        assert!(!sealed.contains("hush"));
        assert!(vault.open("inst_2/api_key", &sealed).is_err());
        for damaged in ["", "AAAA", &sealed[4..], &sealed.replace(&sealed[20..24], "AAAA")] {
            assert!(vault.open("inst_1/api_key", damaged).is_err(), "{damaged}");
        }
        let other = Vault::load_or_create(&dir.path().join("other"), &SystemRandom).unwrap();
        let error = other.open("inst_1/api_key", &sealed).unwrap_err();
        assert!(format!("{error:#}").contains("do not belong together"), "{error:#}");

        let mark = vault.mark("here", "text");
        assert!(vault.is_mark("here", "text", &mark));
        assert!(!vault.is_mark("there", "text", &mark) && !vault.is_mark("here", "text", &[]));
        assert!(!other.is_mark("here", "text", &mark));

        let again = Vault::load_or_create(&mine, &SystemRandom).unwrap();
        assert!(again.is_mark("here", "text", &mark));
        assert_eq!(again.open("inst_1/api_key", &sealed).unwrap().as_str(), "hush");
        fs::write(mine.join(FILE), "AAAA").unwrap();
        assert!(Vault::load_or_create(&mine, &SystemRandom).is_err(), "it is not made anew");
    }
}
