//! The SQL of what a plugin consists of.

use myrelay_domain::ids::InstallationId;
use sqlx::AnyPool;

/// A plugin's component, in base64, and the schema of its settings.
pub(in crate::plugins) async fn find(
    pool: &AnyPool,
    id: InstallationId,
) -> sqlx::Result<Option<(String, Option<String>)>> {
    sqlx::query_as("SELECT component, settings_schema FROM plugins WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
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
