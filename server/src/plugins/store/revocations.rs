//! The SQL of publishers, packages and components that are not run here.

use myrelay_domain::ids::InstallationId;
use sqlx::{Any, AnyPool, Executor};

use crate::database::{Write, read_id};

/// What is revoked, and why.
pub(in crate::plugins) type Revoked = (String, String);

/// Revokes something; once more gives it another reason.
pub(in crate::plugins) async fn put(
    tx: &mut Write,
    what: &str,
    reason: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_revocations (what, reason, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (what) DO UPDATE SET reason = excluded.reason",
    )
    .bind(what)
    .bind(reason)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Takes a revocation back; answers whether there was one.
pub(in crate::plugins) async fn delete(tx: &mut Write, what: &str) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM plugin_revocations WHERE what = $1")
        .bind(what)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// All, oldest first.
pub(in crate::plugins) async fn list(pool: &AnyPool) -> sqlx::Result<Vec<Revoked>> {
    sqlx::query_as("SELECT what, reason FROM plugin_revocations ORDER BY created_at, what")
        .fetch_all(pool)
        .await
}

pub(in crate::plugins) async fn find(
    executor: impl Executor<'_, Database = Any>,
    what: &str,
) -> sqlx::Result<Option<Revoked>> {
    sqlx::query_as("SELECT what, reason FROM plugin_revocations WHERE what = $1")
        .bind(what)
        .fetch_optional(executor)
        .await
}

/// The plugins that this is of, in the order in which they are held.
pub(in crate::plugins) async fn plugins_of(
    tx: &mut Write,
    what: &str,
) -> sqlx::Result<Vec<InstallationId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM plugins \
         WHERE publisher = $1 OR package_hash = $1 OR component_hash = $1 ORDER BY name, id",
    )
    .bind(what)
    .fetch_all(&mut **tx)
    .await?;
    ids.iter().map(|it| read_id(it)).collect()
}

/// Why what is installed is not run any more.
pub(in crate::plugins) async fn of_plugin(
    executor: impl Executor<'_, Database = Any>,
    id: InstallationId,
) -> sqlx::Result<Option<Revoked>> {
    sqlx::query_as(
        "SELECT what, reason FROM plugin_revocations \
         JOIN plugins ON what IN (publisher, package_hash, component_hash) \
         WHERE plugins.id = $1 ORDER BY plugin_revocations.created_at, what LIMIT 1",
    )
    .bind(id.to_string())
    .fetch_optional(executor)
    .await
}
