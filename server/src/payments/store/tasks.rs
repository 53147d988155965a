//! The SQL of what providers are to be asked and told.

use myrelay_domain::ids::InstallationId;
use sqlx::{AnyPool, FromRow};

use crate::{
    context::Context,
    database::{Write, read_id},
};

/// How something stands is to be asked.
pub(in crate::payments) const RECONCILE: &str = "reconcile";
/// A subscription is to end now.
pub(in crate::payments) const CANCEL: &str = "cancel";
/// A subscription is to end when what is paid is over.
pub(in crate::payments) const CANCEL_AT_END: &str = "cancel-at-end";

/// Something to ask or to tell.
pub(in crate::payments) struct Task {
    pub(in crate::payments) plugin: InstallationId,
    pub(in crate::payments) kind: String,
    pub(in crate::payments) provider_id: String,
    pub(in crate::payments) attempts: i64,
    due_at: i64,
    pub(in crate::payments) created_at: i64,
}

#[derive(FromRow)]
struct Row {
    plugin_id: String,
    kind: String,
    provider_id: String,
    attempts: i64,
    due_at: i64,
    created_at: i64,
}

/// Adds one; one that is there is done by then at the latest.
pub(in crate::payments) async fn add(
    tx: &mut Write,
    (plugin, kind, provider_id): (InstallationId, &str, &str),
    due_at: i64,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO provider_tasks (plugin_id, kind, provider_id, attempts, due_at, created_at) \
         SELECT plugins.id, $2, $3, 0, $4, $5 FROM plugins WHERE plugins.id = $1 \
         ON CONFLICT (plugin_id, kind, provider_id) DO UPDATE \
             SET due_at = CASE WHEN excluded.due_at < provider_tasks.due_at \
                 THEN excluded.due_at ELSE provider_tasks.due_at END",
    )
    .bind(plugin.to_string())
    .bind(kind)
    .bind(provider_id)
    .bind(due_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::payments) async fn due(
    pool: &AnyPool,
    now: i64,
    most: i64,
) -> sqlx::Result<Vec<Task>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT plugin_id, kind, provider_id, attempts, due_at, created_at FROM provider_tasks \
         WHERE due_at <= $1 ORDER BY due_at, plugin_id, kind, provider_id LIMIT $2",
    )
    .bind(now)
    .bind(most)
    .fetch_all(pool)
    .await?;
    let read = |row: Row| {
        Ok(Task {
            plugin: read_id(&row.plugin_id)?,
            kind: row.kind,
            provider_id: row.provider_id,
            attempts: row.attempts,
            due_at: row.due_at,
            created_at: row.created_at,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Takes one until then; answers whether nobody else did.
pub(in crate::payments) async fn take(
    context: &Context,
    task: &Task,
    until: i64,
) -> sqlx::Result<bool> {
    let mut tx = context.database.write().await?;
    let done = sqlx::query(
        "UPDATE provider_tasks SET due_at = $5 \
         WHERE plugin_id = $1 AND kind = $2 AND provider_id = $3 AND due_at = $4",
    )
    .bind(task.plugin.to_string())
    .bind(&task.kind)
    .bind(&task.provider_id)
    .bind(task.due_at)
    .bind(until)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

pub(in crate::payments) async fn again(
    tx: &mut Write,
    task: &Task,
    due_at: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE provider_tasks SET due_at = $4, attempts = attempts + 1 \
         WHERE plugin_id = $1 AND kind = $2 AND provider_id = $3",
    )
    .bind(task.plugin.to_string())
    .bind(&task.kind)
    .bind(&task.provider_id)
    .bind(due_at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Removes one that was taken until then, and that nobody wants once more.
pub(in crate::payments) async fn remove(
    tx: &mut Write,
    task: &Task,
    until: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM provider_tasks \
         WHERE plugin_id = $1 AND kind = $2 AND provider_id = $3 AND due_at = $4",
    )
    .bind(task.plugin.to_string())
    .bind(&task.kind)
    .bind(&task.provider_id)
    .bind(until)
    .execute(&mut **tx)
    .await
    .map(drop)
}
