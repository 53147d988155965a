//! The import `kv`: reads of a snapshot, and writes that wait for the call to end well.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use crate::{
    bindings::kv::{Entry, Error, Host, Page},
    limits::{KV_KEY_BYTES, KV_KEYS, KV_OPS, KV_PAGE, KV_PAGE_BYTES, KV_VALUE_BYTES},
    messages::{KvChange, KvCondition, KvEntry, KvReader, KvUnavailable, KvUsage, KvWrite},
    state::CallState,
};

/// What one call read and wants written.
pub(crate) struct Store {
    reader: Arc<dyn KvReader>,
    now_ms: u64,
    bytes: u64,
    ops: u32,
    usage: Option<KvUsage>,
    changes: BTreeMap<String, Change>,
}

struct Change {
    /// The version in the snapshot.
    before: Option<u64>,
    /// Whether the plugin compared it.
    checked: bool,
    write: KvWrite,
}

impl From<KvUnavailable> for Error {
    fn from(why: KvUnavailable) -> Self {
        tracing::warn!(%why, "a plugin could not read its store");
        Self::Unavailable
    }
}

fn quota(text: String) -> Error {
    Error::QuotaExceeded(text)
}

fn size(key: &str, value: &[u8]) -> u64 {
    u64::try_from(key.len() + value.len()).unwrap_or(u64::MAX)
}

impl Store {
    pub(crate) fn new(reader: Arc<dyn KvReader>, now_ms: u64, bytes: u64) -> Self {
        Self { reader, now_ms, bytes, ops: 0, usage: None, changes: BTreeMap::new() }
    }

    /// Everything that this call wants written, by key.
    pub(crate) fn into_changes(self) -> Vec<KvChange> {
        let changes = self.changes.into_iter();
        let changes = changes.map(|(key, it)| KvChange {
            key,
            condition: if it.checked { KvCondition::Version(it.before) } else { KvCondition::Any },
            write: it.write,
        });
        changes.collect()
    }

    fn count(&mut self, key: &str) -> Result<(), Error> {
        self.ops += 1;
        if KV_OPS < self.ops {
            return Err(quota(format!("{KV_OPS} reads and writes in one call")));
        }
        if !(1..=KV_KEY_BYTES).contains(&key.len()) {
            let why = format!("a key has 1 to {KV_KEY_BYTES} bytes, not {}", key.len());
            return Err(Error::InvalidKey(why));
        }
        if key.chars().any(char::is_control) {
            return Err(Error::InvalidKey("a key has no control characters".to_owned()));
        }
        Ok(())
    }

    /// The entry as this call sees it.
    async fn current(&self, key: &str) -> Result<Option<KvEntry>, Error> {
        match self.changes.get(key) {
            Some(Change { write: KvWrite::Delete, .. }) => Ok(None),
            Some(Change { write: KvWrite::Put { value, version, .. }, .. }) => {
                Ok(Some(KvEntry { key: key.to_owned(), value: value.clone(), version: *version }))
            }
            None => Ok(self.reader.get(key).await?),
        }
    }

    /// Whether another so many bytes fit in place of the entry.
    async fn fits(
        &mut self,
        current: Option<&KvEntry>,
        key: &str,
        value: &[u8],
    ) -> Result<(), Error> {
        if KV_VALUE_BYTES < value.len() {
            return Err(quota(format!("a value has at most {KV_VALUE_BYTES} bytes")));
        }
        let usage = match self.usage {
            Some(usage) => usage,
            None => self.reader.usage().await?,
        };
        let old = current.map_or(0, |it| size(&it.key, &it.value));
        let keys = usage.keys.saturating_add(u64::from(current.is_none()));
        let bytes = usage.bytes.saturating_sub(old).saturating_add(size(key, value));
        if KV_KEYS < keys {
            return Err(quota(format!("{KV_KEYS} entries of an installation")));
        }
        if self.bytes < bytes {
            return Err(quota(format!("{} bytes of an installation", self.bytes)));
        }
        self.usage = Some(KvUsage { keys, bytes });
        Ok(())
    }

    /// Notes a write. The first write of a key keeps what was before.
    fn note(&mut self, key: &str, current: Option<KvEntry>, checked: bool, write: KvWrite) {
        let before = current.map(|it| it.version);
        let change = self.changes.entry(key.to_owned());
        let change = change.or_insert(Change { before, checked: false, write: KvWrite::Delete });
        // Compared with our own write: only what was there before can have changed meanwhile.
        change.checked |= checked;
        change.write = write;
    }

    /// Another number than any the entry had: it grows, and time goes on between calls.
    fn next_version(&self, current: Option<&KvEntry>) -> u64 {
        current.map_or(0, |it| it.version.saturating_add(1)).max(self.now_ms)
    }

    async fn set(&mut self, key: &str, value: Vec<u8>, ttl_ms: Option<u64>) -> Result<(), Error> {
        self.count(key)?;
        let current = self.current(key).await?;
        self.fits(current.as_ref(), key, &value).await?;
        let version = self.next_version(current.as_ref());
        let write = KvWrite::Put { value, version, expires_at_ms: self.expiry(ttl_ms) };
        self.note(key, current, false, write);
        Ok(())
    }

    fn expiry(&self, ttl_ms: Option<u64>) -> Option<u64> {
        ttl_ms.map(|it| self.now_ms.saturating_add(it))
    }

    async fn compare_and_set(
        &mut self,
        key: &str,
        expected: Option<u64>,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> Result<u64, Error> {
        self.count(key)?;
        let current = self.current(key).await?;
        let version = current.as_ref().map(|it| it.version);
        if version != expected {
            return Err(Error::VersionMismatch(version));
        }
        self.fits(current.as_ref(), key, &value).await?;
        let version = self.next_version(current.as_ref());
        let write = KvWrite::Put { value, version, expires_at_ms: self.expiry(ttl_ms) };
        self.note(key, current, true, write);
        Ok(version)
    }

    async fn delete(&mut self, key: &str) -> Result<(), Error> {
        self.count(key)?;
        let Some(current) = self.current(key).await? else { return Ok(()) };
        if self.usage.is_none() {
            self.usage = Some(self.reader.usage().await?);
        }
        if let Some(usage) = &mut self.usage {
            usage.keys = usage.keys.saturating_sub(1);
            usage.bytes = usage.bytes.saturating_sub(size(key, &current.value));
        }
        self.note(key, Some(current), false, KvWrite::Delete);
        Ok(())
    }

    async fn scan(&mut self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Page, Error> {
        // An empty prefix is every entry; otherwise it is bounded as a key is.
        self.count(if prefix.is_empty() { "-" } else { prefix })?;
        if after.is_some_and(|it| KV_KEY_BYTES < it.len()) {
            return Err(Error::InvalidKey("no key is that long".to_owned()));
        }
        let limit = limit.clamp(1, KV_PAGE);
        let start = match after {
            Some(after) if prefix < after => Bound::Excluded(after.to_owned()),
            _ => Bound::Included(prefix.to_owned()),
        };
        let ours: Vec<(&String, &Change)> = self
            .changes
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .collect();
        // Some of what is read may be deleted here, and one more tells whether there is more.
        let ask = limit + 1 + u32::try_from(ours.len()).unwrap_or(KV_OPS);
        let read = self.reader.scan(prefix, after, ask).await?;
        let whole = read.len() < usize::try_from(ask).unwrap_or(usize::MAX);
        let last = read.last().map(|it| it.key.clone());
        let mut entries: BTreeMap<String, KvEntry> =
            read.into_iter().map(|it| (it.key.clone(), it)).collect();
        for (key, change) in ours {
            match &change.write {
                KvWrite::Delete => drop(entries.remove(key)),
                KvWrite::Put { value, version, .. } if whole || Some(key) <= last.as_ref() => {
                    let (key, value) = (key.clone(), value.clone());
                    entries.insert(key.clone(), KvEntry { key, value, version: *version });
                }
                KvWrite::Put { .. } => {}
            }
        }
        Ok(page(entries, limit))
    }
}

/// As many of the entries as fit on a page.
fn page(entries: BTreeMap<String, KvEntry>, limit: u32) -> Page {
    let mut page = Page { entries: Vec::new(), next: None };
    let (mut bytes, limit) = (0, usize::try_from(limit).unwrap_or(usize::MAX));
    for (_, entry) in entries {
        bytes += entry.key.len() + entry.value.len();
        if page.entries.len() == limit || (KV_PAGE_BYTES < bytes && !page.entries.is_empty()) {
            page.next = page.entries.last().map(|it| it.key.clone());
            break;
        }
        page.entries.push(shown(entry));
    }
    page
}

fn shown(entry: KvEntry) -> Entry {
    Entry { key: entry.key, value: entry.value, version: entry.version }
}

impl Host for CallState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Entry>, Error>> {
        if let Err(error) = self.kv.count(&key) {
            return Ok(Err(error));
        }
        Ok(self.kv.current(&key).await.map(|it| it.map(shown)))
    }

    async fn set(
        &mut self,
        key: String,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.kv.set(&key, value, ttl_ms).await)
    }

    async fn compare_and_set(
        &mut self,
        key: String,
        expected: Option<u64>,
        value: Vec<u8>,
        ttl_ms: Option<u64>,
    ) -> wasmtime::Result<Result<u64, Error>> {
        Ok(self.kv.compare_and_set(&key, expected, value, ttl_ms).await)
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.kv.delete(&key).await)
    }

    async fn scan(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<Page, Error>> {
        Ok(self.kv.scan(&prefix, after.as_deref(), limit).await)
    }
}
