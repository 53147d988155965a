//! The SQL of what a plugin says of itself.

use myrelay_app::contract::PluginSaidView;
use myrelay_domain::ids::InstallationId;
use sqlx::AnyPool;

use crate::database::Write;

/// What the version that is in place said last; none where nobody asked it.
pub(in crate::plugins) async fn find(
    pool: &AnyPool,
    id: InstallationId,
) -> sqlx::Result<Option<PluginSaidView>> {
    let row: Option<(Option<i64>, Option<i64>, Option<String>)> =
        sqlx::query_as("SELECT asked_at, well_at, said FROM plugins WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(pool)
            .await?;
    let Some((Some(at), well_at, words)) = row else { return Ok(None) };
    let words = words.unwrap_or_default();
    Ok(Some(PluginSaidView { well: well_at.is_some(), words, at }))
}

/// Writes it down in the place of what it said before.
pub(in crate::plugins) async fn put(
    tx: &mut Write,
    id: InstallationId,
    said: &PluginSaidView,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE plugins SET asked_at = $2, well_at = $3, said = $4 WHERE id = $1")
        .bind(id.to_string())
        .bind(said.at)
        .bind(said.well.then_some(said.at))
        .bind(&said.words)
        .execute(&mut **tx)
        .await
        .map(drop)
}
