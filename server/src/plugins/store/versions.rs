//! The SQL of versions that another took the place of.

use myrelay_domain::ids::InstallationId;
use sqlx::{AnyPool, FromRow};

use crate::database::Write;

/// How many of a plugin are kept.
const KEPT: i64 = 2;

/// A version as it was.
#[derive(FromRow)]
pub(in crate::plugins) struct Earlier {
    pub(in crate::plugins) version: String,
    pub(in crate::plugins) manifest: String,
    pub(in crate::plugins) component: String,
    pub(in crate::plugins) settings_schema: Option<String>,
    pub(in crate::plugins) settings: String,
    pub(in crate::plugins) grants: String,
    pub(in crate::plugins) test_mode_at: Option<i64>,
    pub(in crate::plugins) publisher: Option<String>,
    pub(in crate::plugins) package_hash: Option<String>,
}

/// Keeps the version that is installed now. Its number is that of its revision.
pub(in crate::plugins) async fn keep(
    tx: &mut Write,
    id: InstallationId,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_versions (plugin_id, number, name, version, manifest, component, \
             component_hash, settings_schema, settings, grants, limits, test_mode_at, publisher, \
             package_hash, created_at) \
         SELECT id, revision, name, version, manifest, component, component_hash, \
             settings_schema, settings, grants, limits, test_mode_at, publisher, package_hash, \
             CAST($2 AS BIGINT) FROM plugins JOIN plugin_components ON plugin_id = id \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Forgets the one that is installed now, and all but the newest.
pub(in crate::plugins) async fn tidy(tx: &mut Write, id: InstallationId) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM plugin_versions WHERE plugin_id = $1 AND EXISTS (SELECT 1 FROM plugins \
             WHERE plugins.id = plugin_versions.plugin_id \
             AND plugins.version = plugin_versions.version \
             AND plugins.component_hash = plugin_versions.component_hash)",
    )
    .bind(id.to_string())
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM plugin_versions WHERE plugin_id = $1 AND number NOT IN \
             (SELECT number FROM plugin_versions WHERE plugin_id = $1 \
                 ORDER BY number DESC LIMIT $2)",
    )
    .bind(id.to_string())
    .bind(KEPT)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// A version in the list of those that are kept.
#[derive(FromRow)]
pub(in crate::plugins) struct Listed {
    pub(in crate::plugins) number: i64,
    pub(in crate::plugins) version: String,
    pub(in crate::plugins) component_hash: String,
    pub(in crate::plugins) publisher: Option<String>,
    pub(in crate::plugins) package_hash: Option<String>,
    /// When another took its place.
    pub(in crate::plugins) created_at: i64,
}

/// Newest first.
pub(in crate::plugins) async fn list(
    pool: &AnyPool,
    id: InstallationId,
) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as(
        "SELECT number, version, component_hash, publisher, package_hash, created_at \
         FROM plugin_versions WHERE plugin_id = $1 ORDER BY number DESC",
    )
    .bind(id.to_string())
    .fetch_all(pool)
    .await
}

pub(in crate::plugins) async fn find(
    pool: &AnyPool,
    id: InstallationId,
    number: i64,
) -> sqlx::Result<Option<Earlier>> {
    sqlx::query_as(
        "SELECT version, manifest, component, settings_schema, settings, grants, \
             test_mode_at, publisher, package_hash \
         FROM plugin_versions WHERE plugin_id = $1 AND number = $2",
    )
    .bind(id.to_string())
    .bind(number)
    .fetch_optional(pool)
    .await
}
