//! The plugins' SQL.

pub(super) mod calls;
pub(super) mod kv;
pub(super) mod publishers;
pub(super) mod secrets;

use myrelay_domain::ids::InstallationId;
use sqlx::{Any, AnyPool, Executor, FromRow};

use super::{Health, Installed, State};
use crate::database::{Write, read_id, read_number};

/// A plugin as it stands in a row, without its component.
#[derive(FromRow)]
struct Row {
    id: String,
    plugin: String,
    name: String,
    version: String,
    manifest: String,
    settings: String,
    grants: String,
    limits: String,
    sealed: String,
    revision: i64,
    enabled_at: Option<i64>,
    stopped_why: Option<String>,
    writes: i64,
    failures: i64,
    failing_since: Option<i64>,
    failed_at: Option<i64>,
    rest_until: Option<i64>,
    created_at: i64,
}

macro_rules! columns {
    () => {
        "id, plugin, name, version, manifest, settings, grants, limits, sealed, \
             revision, writes, enabled_at, stopped_why, failures, failing_since, failed_at, \
             rest_until, created_at"
    };
}

/// A plugin that is to be installed.
pub(super) struct New<'a> {
    pub(super) id: InstallationId,
    pub(super) plugin: &'a str,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) manifest: &'a str,
    pub(super) component: &'a str,
    pub(super) component_hash: &'a str,
    pub(super) settings_schema: Option<&'a str>,
    pub(super) settings: &'a str,
    pub(super) grants: &'a str,
    pub(super) limits: &'a str,
    pub(super) sealed: &'a str,
}

pub(super) async fn insert(tx: &mut Write, new: &New<'_>, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugins (id, plugin, name, version, manifest, component, component_hash, \
             settings_schema, settings, grants, limits, sealed, revision, writes, failures, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1, 0, 0, $13)",
    )
    .bind(new.id.to_string())
    .bind(new.plugin)
    .bind(new.name)
    .bind(new.version)
    .bind(new.manifest)
    .bind(new.component)
    .bind(new.component_hash)
    .bind(new.settings_schema)
    .bind(new.settings)
    .bind(new.grants)
    .bind(new.limits)
    .bind(new.sealed)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// What takes a plugin's place.
pub(super) struct Next<'a> {
    pub(super) id: InstallationId,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) manifest: &'a str,
    pub(super) component: &'a str,
    pub(super) component_hash: &'a str,
    pub(super) settings_schema: Option<&'a str>,
    pub(super) settings: &'a str,
    pub(super) grants: &'a str,
}

pub(super) async fn replace(tx: &mut Write, next: &Next<'_>) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugins SET name = $2, version = $3, manifest = $4, component = $5, \
             component_hash = $6, settings_schema = $7, settings = $8, grants = $9, \
             revision = revision + 1 \
         WHERE id = $1",
    )
    .bind(next.id.to_string())
    .bind(next.name)
    .bind(next.version)
    .bind(next.manifest)
    .bind(next.component)
    .bind(next.component_hash)
    .bind(next.settings_schema)
    .bind(next.settings)
    .bind(next.grants)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn count(tx: &mut Write) -> sqlx::Result<usize> {
    read_number(sqlx::query_scalar("SELECT COUNT(*) FROM plugins").fetch_one(&mut **tx).await?)
}

/// Counts that something that it remembers was written.
pub(super) async fn count_writes(tx: &mut Write, id: InstallationId) -> sqlx::Result<()> {
    sqlx::query("UPDATE plugins SET writes = writes + 1 WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn list(
    executor: impl Executor<'_, Database = Any>,
) -> sqlx::Result<Vec<Installed>> {
    let rows: Vec<Row> =
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM plugins ORDER BY name, id"))
            .fetch_all(executor)
            .await?;
    rows.into_iter().map(Row::read).collect()
}

pub(super) async fn find(
    executor: impl Executor<'_, Database = Any>,
    id: InstallationId,
) -> sqlx::Result<Option<Installed>> {
    let row: Option<Row> =
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM plugins WHERE id = $1"))
            .bind(id.to_string())
            .fetch_optional(executor)
            .await?;
    row.map(Row::read).transpose()
}

/// Holds a plugin's row until the commit; answers whether there is one.
pub(super) async fn hold(tx: &mut Write, id: InstallationId) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE plugins SET name = name WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn component(pool: &AnyPool, id: InstallationId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT component FROM plugins WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
}

/// Enables a plugin: what it failed at before does not count any more.
pub(super) async fn enable(tx: &mut Write, id: InstallationId, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugins SET enabled_at = COALESCE(enabled_at, $2), stopped_at = NULL, \
             stopped_why = NULL, failures = 0, failing_since = NULL, failed_at = NULL, \
             rest_until = NULL \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn disable(tx: &mut Write, id: InstallationId) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugins SET enabled_at = NULL, stopped_at = NULL, stopped_why = NULL \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn stop(
    tx: &mut Write,
    id: InstallationId,
    why: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE plugins SET stopped_at = $3, stopped_why = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(why)
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn set_health(
    tx: &mut Write,
    id: InstallationId,
    health: Health,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugins SET failures = $2, failing_since = $3, failed_at = $4, rest_until = $5 \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(i64::from(health.failures))
    .bind(health.failing_since)
    .bind(health.failed_at)
    .bind(health.rest_until)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn delete(tx: &mut Write, id: InstallationId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugins WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await
        .map(drop)
}

impl Row {
    fn read(self) -> sqlx::Result<Installed> {
        let state = match (self.enabled_at, self.stopped_why) {
            (None, _) => State::Disabled,
            (Some(_), None) => State::Enabled,
            (Some(_), Some(why)) => State::Stopped(why),
        };
        Ok(Installed {
            id: read_id(&self.id)?,
            plugin: self.plugin,
            name: self.name,
            version: self.version,
            manifest: self.manifest,
            settings: self.settings,
            grants: self.grants,
            limits: self.limits,
            sealed: self.sealed,
            revision: self.revision,
            writes: self.writes,
            enabled_at: self.enabled_at,
            state,
            health: Health {
                failures: read_number(self.failures)?,
                failing_since: self.failing_since,
                failed_at: self.failed_at,
                rest_until: self.rest_until,
            },
            created_at: self.created_at,
        })
    }
}
