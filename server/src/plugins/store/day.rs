//! The SQL of what a plugin's last calls came to.

use myrelay_domain::ids::InstallationId;
use sqlx::AnyPool;

/// When a call was, whether it failed (1) or not (0), and how many microseconds it took.
pub(in crate::plugins) type Call = (i64, i64, i64);

/// The last calls since then, newest first. One that found that a customer mistyped an address did
/// not fail: that is what it was asked.
pub(in crate::plugins) async fn list(
    pool: &AnyPool,
    id: InstallationId,
    since: i64,
    limit: i64,
) -> sqlx::Result<Vec<Call>> {
    sqlx::query_as(
        "SELECT created_at, \
             CAST(CASE WHEN failure IS NULL \
                 OR call = 'begin-verification' AND failure LIKE 'invalid-input: %' \
                 THEN 0 ELSE 1 END AS BIGINT), wall_us \
         FROM plugin_calls WHERE plugin_id = $1 AND created_at > $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(id.to_string())
    .bind(since)
    .bind(limit)
    .fetch_all(pool)
    .await
}
