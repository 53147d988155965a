//! The SQL of what providers reported.

use myrelay_domain::ids::InstallationId;

use crate::database::Write;

/// Answers whether it was not taken before.
pub(in crate::payments) async fn insert(
    tx: &mut Write,
    plugin: InstallationId,
    event: &str,
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO hook_events (plugin_id, event_id, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (plugin_id, event_id) DO NOTHING",
    )
    .bind(plugin.to_string())
    .bind(event)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(in crate::payments) async fn prune(tx: &mut Write, before: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM hook_events WHERE created_at < $1")
        .bind(before)
        .execute(&mut **tx)
        .await
        .map(drop)
}
