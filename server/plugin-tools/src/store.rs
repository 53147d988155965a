//! What a plugin remembers while its author tries it: a JSON file, or nothing.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_plugin_host::{KvChange, KvEntry, KvReader, KvUnavailable, KvUsage, KvWrite};
use serde::{Deserialize, Serialize};

use crate::files;

/// The most bytes of the file: more than a store may have, as it is written here.
const FILE_BYTES: usize = 128 << 20;

/// A value as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Written {
    Text(String),
    Bytes { base64: String },
}

/// The entries of one installation. When they end is not kept: an author's trial is short.
#[derive(Clone, Default)]
pub(crate) struct Store(BTreeMap<String, KvEntry>);

/// How entries are written down.
const RULE: &str = "an object of keys, each with a text or {\"base64\": \"…\"}";

/// A value as it stands in a file.
pub(crate) fn written(value: &[u8]) -> Written {
    match String::from_utf8(value.to_vec()) {
        Ok(text) => Written::Text(text),
        Err(_) => Written::Bytes { base64: STANDARD.encode(value) },
    }
}

/// A value as people read it.
pub(crate) fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => format!("base64 {}", STANDARD.encode(value)),
    }
}

impl Store {
    /// Reads a store; a file that is not there yet is an empty one.
    pub(crate) fn read(place: &Path) -> Result<Self> {
        if !place.exists() {
            return Ok(Self::default());
        }
        let text = files::read_text(place, FILE_BYTES)?;
        let wrong = || format!("{}: {RULE}", place.display());
        Self::of(serde_json::from_str(&text).with_context(wrong)?).with_context(wrong)
    }

    /// What was written down.
    pub(crate) fn of(written: BTreeMap<String, Written>) -> Result<Self> {
        let mut entries = BTreeMap::new();
        for (version, (key, value)) in (1..).zip(written) {
            let value = match value {
                Written::Text(text) => text.into_bytes(),
                Written::Bytes { base64 } => STANDARD.decode(base64).context(RULE)?,
            };
            entries.insert(key.clone(), KvEntry { key, value, version });
        }
        Ok(Self(entries))
    }

    /// Applies what a call wants remembered.
    pub(crate) fn apply(&mut self, changes: &[KvChange]) {
        for KvChange { key, write, .. } in changes {
            match write {
                KvWrite::Delete => {
                    self.0.remove(key);
                }
                KvWrite::Put { value, version, .. } => {
                    let (value, version) = (value.clone(), *version);
                    self.0.insert(key.clone(), KvEntry { key: key.clone(), value, version });
                }
            }
        }
    }

    /// The entries as they stand in files.
    pub(crate) fn written(&self) -> BTreeMap<String, Written> {
        self.0.iter().map(|(key, it)| (key.clone(), written(&it.value))).collect()
    }

    pub(crate) fn write(&self, place: &Path) -> Result<()> {
        let written = self.written();
        files::write(place, (serde_json::to_string_pretty(&written)? + "\n").as_bytes())
    }
}

#[async_trait]
impl KvReader for Store {
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        Ok(self.0.get(key).cloned())
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KvEntry>, KvUnavailable> {
        let meant = self.0.values().filter(|it| it.key.starts_with(prefix));
        let meant = meant.filter(|it| after.is_none_or(|after| after < it.key.as_str()));
        Ok(meant.take(usize::try_from(limit).unwrap_or(usize::MAX)).cloned().collect())
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        let number = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        let bytes = self.0.values().map(|it| it.key.len() + it.value.len()).sum();
        Ok(KvUsage { keys: number(self.0.len()), bytes: number(bytes) })
    }
}
