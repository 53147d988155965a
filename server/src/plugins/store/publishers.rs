//! The SQL of who may publish which plugin.

use sqlx::{Any, AnyPool, Executor};

use crate::database::Write;

/// The key that a plugin's packages have to be signed by, once there was one.
pub(in crate::plugins) async fn find(
    executor: impl Executor<'_, Database = Any>,
    plugin: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT publisher FROM plugin_publishers WHERE plugin = $1")
        .bind(plugin)
        .fetch_optional(executor)
        .await
}

/// Each plugin that was ever signed, and the key that all its packages have to be signed by.
pub(in crate::plugins) async fn list(pool: &AnyPool) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT plugin, publisher FROM plugin_publishers ORDER BY plugin")
        .fetch_all(pool)
        .await
}

/// Has all that one key published be published by another.
pub(in crate::plugins) async fn rotate(tx: &mut Write, from: &str, to: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE plugin_publishers SET publisher = $2 WHERE publisher = $1")
        .bind(from)
        .bind(to)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Pins a plugin's publisher; one that is pinned stays.
pub(in crate::plugins) async fn pin(
    tx: &mut Write,
    plugin: &str,
    publisher: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_publishers (plugin, publisher, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (plugin) DO NOTHING",
    )
    .bind(plugin)
    .bind(publisher)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Every key that signed what is installed or what an operator can go back to, and those that plugins
/// are pinned to: the key before a change of keys is among them.
pub(in crate::plugins) async fn all(pool: &AnyPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT publisher FROM plugin_publishers \
         UNION SELECT publisher FROM plugins WHERE publisher IS NOT NULL \
         UNION SELECT publisher FROM plugin_versions WHERE publisher IS NOT NULL \
         UNION SELECT what FROM plugin_revocations WHERE what LIKE 'RW%'",
    )
    .fetch_all(pool)
    .await
}
