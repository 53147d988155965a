//! The SQL of what plugins remember.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{KvChange, KvCondition, KvEntry, KvUsage, KvWrite};
use sqlx::AnyPool;

use crate::database::{Write, read_number};

/// Entries in order: those whose names begin with `prefix` and come after `after`.
pub(in crate::plugins) struct Page<'a> {
    pub(in crate::plugins) prefix: &'a str,
    pub(in crate::plugins) after: Option<&'a str>,
    pub(in crate::plugins) limit: u32,
}

type Row = (String, String, i64);

pub(in crate::plugins) async fn find(
    pool: &AnyPool,
    id: InstallationId,
    name: &str,
    now: i64,
) -> sqlx::Result<Option<KvEntry>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT name, value, version FROM plugin_kv \
         WHERE plugin_id = $1 AND name = $2 AND (expires_at IS NULL OR expires_at > $3)",
    )
    .bind(id.to_string())
    .bind(hex(name))
    .bind(now)
    .fetch_optional(pool)
    .await?;
    row.map(read_entry).transpose()
}

pub(in crate::plugins) async fn scan(
    pool: &AnyPool,
    id: InstallationId,
    page: &Page<'_>,
    now: i64,
) -> sqlx::Result<Vec<KvEntry>> {
    // Every hexadecimal digit is smaller than `g`.
    let prefix = hex(page.prefix);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT name, value, version FROM plugin_kv \
         WHERE plugin_id = $1 AND name >= $2 AND name < $3 AND name > $4 \
             AND (expires_at IS NULL OR expires_at > $5) ORDER BY name LIMIT $6",
    )
    .bind(id.to_string())
    .bind(&prefix)
    .bind(format!("{prefix}g"))
    .bind(page.after.map(hex).unwrap_or_default())
    .bind(now)
    .bind(i64::from(page.limit))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read_entry).collect()
}

/// All of it by name, and when each entry is gone by itself.
pub(in crate::plugins) async fn all(
    pool: &AnyPool,
    id: InstallationId,
    now: i64,
) -> sqlx::Result<Vec<(KvEntry, Option<i64>)>> {
    let rows: Vec<(String, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT name, value, version, expires_at FROM plugin_kv \
         WHERE plugin_id = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER BY name",
    )
    .bind(id.to_string())
    .bind(now)
    .fetch_all(pool)
    .await?;
    let read =
        |(name, value, version, expires_at)| Ok((read_entry((name, value, version))?, expires_at));
    rows.into_iter().map(read).collect()
}

/// How much there is, with what has expired and still lies there.
pub(in crate::plugins) async fn usage(pool: &AnyPool, id: InstallationId) -> sqlx::Result<KvUsage> {
    let (keys, bytes): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM plugin_kv \
         WHERE plugin_id = $1",
    )
    .bind(id.to_string())
    .fetch_one(pool)
    .await?;
    Ok(KvUsage { keys: read_number(keys)?, bytes: read_number(bytes)? })
}

/// Writes what a call wants remembered. False: something else was written meanwhile, and the
/// transaction must not be committed.
pub(in crate::plugins) async fn apply(
    tx: &mut Write,
    id: InstallationId,
    changes: &[KvChange],
    now: i64,
) -> sqlx::Result<bool> {
    if !changes.is_empty() {
        forget_expired(tx, id, now).await?;
    }
    for change in changes {
        let name = hex(&change.key);
        if let KvCondition::Version(expected) = change.condition {
            let expected = expected.map(u64::cast_signed);
            if version(tx, id, &name, now).await? != expected {
                return Ok(false);
            }
        }
        match &change.write {
            KvWrite::Delete => delete(tx, id, &name).await?,
            KvWrite::Put { value, version, expires_at_ms } => {
                let size = change.key.len() + value.len();
                let entry = Entry { name: &name, value, size, version: *version };
                put(tx, id, &entry, expires_at_ms.map(u64::cast_signed)).await?;
            }
        }
    }
    Ok(true)
}

struct Entry<'a> {
    name: &'a str,
    value: &'a [u8],
    size: usize,
    version: u64,
}

async fn version(
    tx: &mut Write,
    id: InstallationId,
    name: &str,
    now: i64,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT version FROM plugin_kv \
         WHERE plugin_id = $1 AND name = $2 AND (expires_at IS NULL OR expires_at > $3)",
    )
    .bind(id.to_string())
    .bind(name)
    .bind(now)
    .fetch_optional(&mut **tx)
    .await
}

async fn put(
    tx: &mut Write,
    id: InstallationId,
    entry: &Entry<'_>,
    expires_at: Option<i64>,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_kv (plugin_id, name, value, size, version, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (plugin_id, name) DO UPDATE SET value = excluded.value, \
             size = excluded.size, version = excluded.version, expires_at = excluded.expires_at",
    )
    .bind(id.to_string())
    .bind(entry.name)
    .bind(STANDARD.encode(entry.value))
    .bind(i64::try_from(entry.size).unwrap_or(i64::MAX))
    .bind(entry.version.cast_signed())
    .bind(expires_at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

async fn delete(tx: &mut Write, id: InstallationId, name: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugin_kv WHERE plugin_id = $1 AND name = $2")
        .bind(id.to_string())
        .bind(name)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Forgets what has expired of one plugin.
async fn forget_expired(tx: &mut Write, id: InstallationId, now: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugin_kv WHERE plugin_id = $1 AND expires_at <= $2")
        .bind(id.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Forgets what has expired.
pub(in crate::plugins) async fn prune(tx: &mut Write, now: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugin_kv WHERE expires_at <= $1")
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

fn hex(name: &str) -> String {
    name.bytes().map(|it| format!("{it:02x}")).collect()
}

fn read_entry((name, value, version): Row) -> sqlx::Result<KvEntry> {
    let damaged = || sqlx::Error::Decode("a plugin's entry is damaged".into());
    let octets = name.as_bytes().chunks(2).map(|it| {
        let digits = std::str::from_utf8(it).ok()?;
        u8::from_str_radix(digits, 16).ok()
    });
    let octets = octets.collect::<Option<Vec<u8>>>().ok_or_else(damaged)?;
    Ok(KvEntry {
        key: String::from_utf8(octets).map_err(|_error| damaged())?,
        value: STANDARD.decode(value).map_err(|_error| damaged())?,
        version: version.cast_unsigned(),
    })
}
