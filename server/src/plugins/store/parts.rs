//! The SQL of what a plugin consists of.

use myrelay_domain::ids::InstallationId;
use sqlx::AnyPool;

use crate::database::Write;

/// A plugin's component, in base64, and the schema of its settings.
pub(in crate::plugins) async fn find(
    pool: &AnyPool,
    id: InstallationId,
) -> sqlx::Result<Option<(String, Option<String>)>> {
    sqlx::query_as(
        "SELECT component, settings_schema FROM plugins \
         JOIN plugin_components ON plugin_id = id WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await
}

/// Puts a component in the place of the one that is there.
pub(super) async fn put(tx: &mut Write, id: InstallationId, component: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_components (plugin_id, component) VALUES ($1, $2) \
         ON CONFLICT (plugin_id) DO UPDATE SET component = excluded.component",
    )
    .bind(id.to_string())
    .bind(component)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The schema of a plugin's settings; none where it has no settings.
pub(in crate::plugins) async fn schema(
    pool: &AnyPool,
    id: InstallationId,
) -> sqlx::Result<Option<String>> {
    let found: Option<Option<String>> =
        sqlx::query_scalar("SELECT settings_schema FROM plugins WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(pool)
            .await?;
    Ok(found.flatten())
}
