//! The SQL of plugins' secrets, which are sealed.

use myrelay_domain::ids::InstallationId;
use sqlx::AnyPool;

use crate::database::Write;

pub(in crate::plugins) async fn list(
    pool: &AnyPool,
    id: InstallationId,
) -> sqlx::Result<Vec<(String, String)>> {
    sqlx::query_as("SELECT name, sealed FROM plugin_secrets WHERE plugin_id = $1 ORDER BY name")
        .bind(id.to_string())
        .fetch_all(pool)
        .await
}

pub(in crate::plugins) async fn put(
    tx: &mut Write,
    id: InstallationId,
    name: &str,
    sealed: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_secrets (plugin_id, name, sealed, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (plugin_id, name) DO UPDATE SET sealed = excluded.sealed, \
             created_at = excluded.created_at",
    )
    .bind(id.to_string())
    .bind(name)
    .bind(sealed)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}
