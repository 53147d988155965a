//! The SQL of what plugins did.

use myrelay_app::contract::PluginCallRow;
use myrelay_domain::ids::{CallId, InstallationId};
use sqlx::{AnyPool, FromRow};

use crate::database::{Write, read_number};

/// A call that is over.
pub(in crate::plugins) struct Done<'a> {
    pub(in crate::plugins) id: CallId,
    pub(in crate::plugins) plugin: InstallationId,
    pub(in crate::plugins) call: &'a str,
    pub(in crate::plugins) about: Option<&'a str>,
    pub(in crate::plugins) attempt: u32,
    pub(in crate::plugins) failure: Option<&'a str>,
    pub(in crate::plugins) used: myrelay_plugin_host::Used,
    pub(in crate::plugins) log: &'a str,
    pub(in crate::plugins) http: &'a str,
}

#[derive(FromRow)]
struct Row {
    call: String,
    about: Option<String>,
    attempt: i64,
    failure: Option<String>,
    cpu_us: i64,
    wall_us: i64,
    memory: i64,
    log: String,
    http: String,
    created_at: i64,
}

pub(in crate::plugins) async fn insert(
    tx: &mut Write,
    done: &Done<'_>,
    now: i64,
) -> sqlx::Result<()> {
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    sqlx::query(
        "INSERT INTO plugin_calls (id, plugin_id, call, about, attempt, failure, cpu_us, wall_us, \
             memory, log, http, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(done.id.to_string())
    .bind(done.plugin.to_string())
    .bind(done.call)
    .bind(done.about)
    .bind(i64::from(done.attempt))
    .bind(done.failure)
    .bind(number(done.used.cpu_us))
    .bind(number(done.used.wall_us))
    .bind(i64::try_from(done.used.memory_peak).unwrap_or(i64::MAX))
    .bind(done.log)
    .bind(done.http)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The last calls, newest first.
pub(in crate::plugins) async fn list(
    pool: &AnyPool,
    id: InstallationId,
    limit: i64,
) -> sqlx::Result<Vec<PluginCallRow>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT call, about, attempt, failure, cpu_us, wall_us, memory, log, http, created_at \
         FROM plugin_calls WHERE plugin_id = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(id.to_string())
    .bind(limit)
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Forgets what is older than this.
pub(in crate::plugins) async fn prune(tx: &mut Write, before: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugin_calls WHERE created_at < $1")
        .bind(before)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Forgets all but the newest so many of one plugin.
pub(in crate::plugins) async fn keep_newest(
    tx: &mut Write,
    id: InstallationId,
    count: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM plugin_calls WHERE plugin_id = $1 AND id < \
             (SELECT MIN(id) FROM (SELECT id FROM plugin_calls WHERE plugin_id = $1 \
                 ORDER BY id DESC LIMIT $2) AS newest)",
    )
    .bind(id.to_string())
    .bind(count)
    .execute(&mut **tx)
    .await
    .map(drop)
}

impl Row {
    fn read(self) -> sqlx::Result<PluginCallRow> {
        Ok(PluginCallRow {
            call: self.call,
            about: self.about,
            attempt: read_number(self.attempt)?,
            failure: self.failure,
            cpu_us: read_number(self.cpu_us)?,
            wall_us: read_number(self.wall_us)?,
            memory: read_number(self.memory)?,
            log: serde_json::from_str(&self.log).unwrap_or_default(),
            http: serde_json::from_str(&self.http).unwrap_or_default(),
            at: self.created_at,
        })
    }
}
