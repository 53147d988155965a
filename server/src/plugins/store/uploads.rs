//! The SQL of packages that were sent and are not installed yet.

use myrelay_domain::ids::{OperatorId, UploadId};
use sqlx::AnyPool;

use crate::database::Write;

/// A package that an operator sent.
pub(in crate::plugins) struct New<'a> {
    pub(in crate::plugins) id: UploadId,
    pub(in crate::plugins) operator: OperatorId,
    pub(in crate::plugins) session: &'a str,
    /// In base64.
    pub(in crate::plugins) package: &'a str,
    pub(in crate::plugins) publisher: Option<String>,
}

pub(in crate::plugins) async fn insert(
    tx: &mut Write,
    new: &New<'_>,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_uploads (id, operator_id, session_hash, package, publisher, \
             created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id.to_string())
    .bind(new.operator.to_string())
    .bind(new.session)
    .bind(new.package)
    .bind(new.publisher.as_deref())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The package, in base64, and who signed it: of this operator, sent with this cookie, and not older.
pub(in crate::plugins) async fn find(
    pool: &AnyPool,
    id: UploadId,
    (operator, session): (OperatorId, &str),
    since: i64,
) -> sqlx::Result<Option<(String, Option<String>)>> {
    sqlx::query_as(
        "SELECT package, publisher FROM plugin_uploads \
         WHERE id = $1 AND operator_id = $2 AND session_hash = $3 AND created_at > $4",
    )
    .bind(id.to_string())
    .bind(operator.to_string())
    .bind(session)
    .bind(since)
    .fetch_optional(pool)
    .await
}

/// Forgets all but the newest so many of one operator.
pub(in crate::plugins) async fn keep_newest(
    tx: &mut Write,
    operator: OperatorId,
    count: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM plugin_uploads WHERE operator_id = $1 AND id NOT IN \
             (SELECT id FROM (SELECT id FROM plugin_uploads WHERE operator_id = $1 \
                 ORDER BY id DESC LIMIT $2) AS newest)",
    )
    .bind(operator.to_string())
    .bind(count)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(in crate::plugins) async fn delete(
    tx: &mut Write,
    id: UploadId,
    (operator, session): (OperatorId, &str),
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM plugin_uploads WHERE id = $1 AND operator_id = $2 AND session_hash = $3",
    )
    .bind(id.to_string())
    .bind(operator.to_string())
    .bind(session)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Forgets what is not newer than this.
pub(in crate::plugins) async fn prune(tx: &mut Write, until: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugin_uploads WHERE created_at <= $1")
        .bind(until)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Every key that a plugin is pinned to.
pub(in crate::plugins) async fn publishers(pool: &AnyPool) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar("SELECT DISTINCT publisher FROM plugin_publishers ORDER BY publisher")
        .fetch_all(pool)
        .await
}
