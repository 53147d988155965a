//! The plugins' SQL.

pub(super) mod calls;
pub(super) mod day;
pub(super) mod kv;
pub(super) mod parts;
pub(super) mod publishers;
pub(super) mod revocations;
pub(super) mod said;
pub(super) mod secrets;
pub(super) mod uploads;
pub(super) mod versions;

use myrelay_app::contract::CollectingView;
use myrelay_domain::ids::InstallationId;
use sqlx::{Any, AnyPool, Executor, FromRow, any::AnyArguments, query::Query};

use super::{Health, Installed, State};
use crate::database::{Write, is_only_writer, read_id, read_number};

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
    test_mode_at: Option<i64>,
    component_hash: String,
    publisher: Option<String>,
    created_at: i64,
}

macro_rules! columns {
    () => {
        "id, plugin, name, version, manifest, settings, grants, limits, sealed, \
             revision, writes, enabled_at, stopped_why, failures, failing_since, failed_at, \
             rest_until, test_mode_at, component_hash, publisher, created_at"
    };
}

/// A version of a plugin, as it is installed or takes the place of the one before.
pub(super) struct Version<'a> {
    pub(super) id: InstallationId,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) manifest: &'a str,
    pub(super) component: String,
    pub(super) component_hash: String,
    pub(super) settings_schema: Option<&'a str>,
    pub(super) settings: &'a str,
    pub(super) grants: String,
    pub(super) limits: String,
    /// Since when it uses its provider's sandbox.
    pub(super) test_mode_at: Option<i64>,
    /// Who signed it.
    pub(super) publisher: Option<String>,
    /// The SHA-256 of the package that it came in.
    pub(super) package_hash: Option<&'a str>,
}

impl<'a> Version<'a> {
    /// Binds `$1` to `$12`: all but the component.
    fn bind(&'a self, sql: &'static str) -> Query<'a, Any, AnyArguments> {
        sqlx::query(sql)
            .bind(self.id.to_string())
            .bind(self.name)
            .bind(self.version)
            .bind(self.manifest)
            .bind(&self.component_hash)
            .bind(self.settings_schema)
            .bind(self.settings)
            .bind(&self.grants)
            .bind(&self.limits)
            .bind(self.test_mode_at)
            .bind(self.publisher.as_deref())
            .bind(self.package_hash)
    }
}

/// Writes a plugin down: its name, and the key of its installation, sealed.
pub(super) async fn insert(
    tx: &mut Write,
    version: &Version<'_>,
    (plugin, sealed): (&str, &str),
    now: i64,
) -> sqlx::Result<()> {
    let sql = "INSERT INTO plugins (id, name, version, manifest, component_hash, \
             settings_schema, settings, grants, limits, test_mode_at, publisher, package_hash, \
             plugin, sealed, revision, writes, failures, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, 0, 0, $15)";
    version.bind(sql).bind(plugin).bind(sealed).bind(now).execute(&mut **tx).await?;
    parts::put(tx, version.id, &version.component).await
}

/// Puts another version in the place of the one that is there. Who signed the same component is
/// still who signed it, where nobody says so anew. Unless it is disabled it is to be told to make
/// itself ready, and what the one before said of itself says nothing of this one.
pub(super) async fn replace(tx: &mut Write, version: &Version<'_>, now: i64) -> sqlx::Result<()> {
    let sql = "UPDATE plugins SET name = $2, version = $3, manifest = $4, component_hash = $5, \
             settings_schema = $6, settings = $7, grants = $8, limits = $9, \
             test_mode_at = $10, revision = revision + 1, \
             asked_at = NULL, well_at = NULL, said = NULL, \
             unready_at = CASE WHEN enabled_at IS NULL THEN NULL ELSE $13 END, \
             publisher = CASE WHEN component_hash = $5 THEN COALESCE($11, publisher) ELSE $11 END, \
             package_hash = \
                 CASE WHEN component_hash = $5 THEN COALESCE($12, package_hash) ELSE $12 END \
         WHERE id = $1";
    version.bind(sql).bind(now).execute(&mut **tx).await?;
    parts::put(tx, version.id, &version.component).await
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

/// The plugin whose provider reports with a token of this hash.
pub(super) async fn find_hook(pool: &AnyPool, hash: &str) -> sqlx::Result<Option<Installed>> {
    let row: Option<Row> =
        sqlx::query_as(concat!("SELECT ", columns!(), " FROM plugins WHERE hook_hash = $1"))
            .bind(hash)
            .fetch_optional(pool)
            .await?;
    row.map(Row::read).transpose()
}

/// The address at which its provider reports, by its token's hash.
pub(super) async fn set_hook(tx: &mut Write, id: InstallationId, hash: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE plugins SET hook_hash = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(hash)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// A plugin, whose row is held until the commit.
pub(super) async fn hold(tx: &mut Write, id: InstallationId) -> sqlx::Result<Option<Installed>> {
    // The row is long, and every batch of what is carried to a plugin holds it.
    let sql = if is_only_writer(tx) {
        concat!("SELECT ", columns!(), " FROM plugins WHERE id = $1")
    } else {
        concat!("UPDATE plugins SET name = name WHERE id = $1 RETURNING ", columns!())
    };
    let row: Option<Row> =
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(&mut **tx).await?;
    row.map(Row::read).transpose()
}

pub(super) async fn component(pool: &AnyPool, id: InstallationId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT component FROM plugin_components WHERE plugin_id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
}

/// Enables a plugin whose version of this revision made itself ready: what it failed at before does
/// not count any more.
pub(super) async fn enable(
    tx: &mut Write,
    (id, revision): (InstallationId, i64),
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugins SET enabled_at = COALESCE(enabled_at, $2), stopped_at = NULL, \
             stopped_why = NULL, failures = 0, failing_since = NULL, failed_at = NULL, \
             rest_until = NULL, \
             unready_at = CASE WHEN revision = $3 THEN NULL ELSE unready_at END \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now)
    .bind(revision)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn disable(tx: &mut Write, id: InstallationId) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugins SET enabled_at = NULL, stopped_at = NULL, stopped_why = NULL, \
             unready_at = NULL \
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
    let sql =
        "UPDATE plugins SET stopped_at = $3, stopped_why = $2, unready_at = NULL WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).bind(why).bind(now).execute(&mut **tx).await.map(drop)
}

/// The plugins that nobody told since then to make themselves ready, and that are to be told.
pub(super) async fn unready(pool: &AnyPool, until: i64) -> sqlx::Result<Vec<InstallationId>> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT id FROM plugins WHERE unready_at <= $1 ORDER BY id")
            .bind(until)
            .fetch_all(pool)
            .await?;
    ids.iter().map(|it| read_id(it)).collect()
}

/// Begins to tell one of them, now; answers whether nobody else did.
pub(super) async fn begin_readying(
    tx: &mut Write,
    id: InstallationId,
    (until, now): (i64, i64),
) -> sqlx::Result<bool> {
    let begun =
        sqlx::query("UPDATE plugins SET unready_at = $3 WHERE id = $1 AND unready_at <= $2")
            .bind(id.to_string())
            .bind(until)
            .bind(now)
            .execute(&mut **tx)
            .await?;
    Ok(begun.rows_affected() == 1)
}

/// Other limits: whoever was called with those before is called anew.
pub(super) async fn set_limits(
    tx: &mut Write,
    id: InstallationId,
    limits: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE plugins SET limits = $2, revision = revision + 1 WHERE id = $1")
        .bind(id.to_string())
        .bind(limits)
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

/// What goes on at a plugin's provider: the subscriptions that it collects for, and those that it is
/// still to be told the end of.
pub(super) async fn collecting(
    executor: impl Executor<'_, Database = Any>,
    id: InstallationId,
) -> sqlx::Result<CollectingView> {
    let (subscriptions, untold): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM subscriptions WHERE plugin_id = $1 \
                 AND provider_id IS NOT NULL AND cancelled_at IS NULL AND ended_at IS NULL), \
             (SELECT COUNT(*) FROM provider_tasks WHERE plugin_id = $1 \
                 AND kind IN ('cancel', 'cancel-at-end'))",
    )
    .bind(id.to_string())
    .fetch_one(executor)
    .await?;
    Ok(CollectingView { subscriptions: read_number(subscriptions)?, untold: read_number(untold)? })
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
            test_mode: self.test_mode_at.is_some(),
            component_hash: self.component_hash,
            publisher: self.publisher,
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
