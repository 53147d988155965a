//! The jobs' SQL.

use myrelay_domain::ids::InstallationId;
use sqlx::{AnyPool, FromRow};

use super::{Job, Leased};
use crate::database::{Write, read_id, read_number};

#[derive(FromRow)]
struct Row {
    plugin_id: String,
    name: String,
    cron: String,
    due_at: i64,
    ended_at: Option<i64>,
    failure: Option<String>,
}

/// All jobs, by plugin and name.
pub(super) async fn all(pool: &AnyPool) -> sqlx::Result<Vec<Job>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT plugin_id, name, cron, due_at, ended_at, failure FROM plugin_jobs \
         ORDER BY plugin_id, name",
    )
    .fetch_all(pool)
    .await?;
    let job = |row: Row| {
        let Row { plugin_id, name, cron, due_at, ended_at, failure } = row;
        Ok(Job { plugin: read_id(&plugin_id)?, name, cron, due_at, ended_at, failure })
    };
    rows.into_iter().map(job).collect()
}

/// Adds a job, or gives it other times; a run that is not over ends there.
pub(super) async fn put(
    tx: &mut Write,
    (plugin, name): (InstallationId, &str),
    (cron, due_at): (&str, i64),
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plugin_jobs (plugin_id, name, cron, due_at, attempts, created_at) \
         VALUES ($1, $2, $3, $4, 0, $5) \
         ON CONFLICT (plugin_id, name) DO UPDATE SET cron = $3, due_at = $4, attempts = 0, \
             began_at = NULL, lease = NULL, leased_until = NULL",
    )
    .bind(plugin.to_string())
    .bind(name)
    .bind(cron)
    .bind(due_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn delete(tx: &mut Write, plugin: InstallationId, name: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugin_jobs WHERE plugin_id = $1 AND name = $2")
        .bind(plugin.to_string())
        .bind(name)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// The jobs of a plugin that are due and nobody runs.
pub(super) async fn due(
    pool: &AnyPool,
    plugin: InstallationId,
    now: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT name FROM plugin_jobs WHERE plugin_id = $1 AND due_at <= $2 \
             AND (leased_until IS NULL OR leased_until <= $2) \
         ORDER BY due_at, name",
    )
    .bind(plugin.to_string())
    .bind(now)
    .fetch_all(pool)
    .await
}

/// Takes a job, and counts the try that comes. False: somebody else has it, or it is not due.
pub(super) async fn lease(
    tx: &mut Write,
    (plugin, name): (InstallationId, &str),
    lease: &str,
    (now, until): (i64, i64),
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE plugin_jobs SET lease = $3, leased_until = $5, attempts = attempts + 1, \
             began_at = COALESCE(began_at, $4) \
         WHERE plugin_id = $1 AND name = $2 AND due_at <= $4 \
             AND (leased_until IS NULL OR leased_until <= $4)",
    )
    .bind(plugin.to_string())
    .bind(name)
    .bind(lease)
    .bind(now)
    .bind(until)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn read_leased(
    tx: &mut Write,
    (plugin, name): (InstallationId, &str),
    lease: &str,
) -> sqlx::Result<Option<Leased>> {
    let row: Option<(String, i64, i64)> = sqlx::query_as(
        "SELECT cron, attempts, began_at FROM plugin_jobs \
         WHERE plugin_id = $1 AND name = $2 AND lease = $3",
    )
    .bind(plugin.to_string())
    .bind(name)
    .bind(lease)
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|(cron, attempts, began_at)| {
        let (name, lease) = (name.to_owned(), lease.to_owned());
        Ok(Leased { plugin, name, cron, attempts: read_number(attempts)?, began_at, lease })
    })
    .transpose()
}

/// Whether a lease still counts; if so the job is held until the commit.
pub(super) async fn is_leased(
    tx: &mut Write,
    (plugin, name): (InstallationId, &str),
    lease: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE plugin_jobs SET lease = lease \
         WHERE plugin_id = $1 AND name = $2 AND lease = $3",
    )
    .bind(plugin.to_string())
    .bind(name)
    .bind(lease)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The run goes on at another time.
pub(super) async fn again(
    tx: &mut Write,
    (plugin, name, lease): (InstallationId, &str, &str),
    (due_at, uncounted): (i64, i64),
    failure: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugin_jobs SET due_at = $3, attempts = attempts - $4, failure = $5, \
             lease = NULL, leased_until = NULL \
         WHERE plugin_id = $1 AND name = $2 AND lease = $6",
    )
    .bind(plugin.to_string())
    .bind(name)
    .bind(due_at)
    .bind(uncounted)
    .bind(failure)
    .bind(lease)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The run is over.
pub(super) async fn end(
    tx: &mut Write,
    (plugin, name, lease): (InstallationId, &str, &str),
    (next, now): (i64, i64),
    failure: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugin_jobs SET due_at = $3, attempts = 0, began_at = NULL, ended_at = $4, \
             failure = $5, lease = NULL, leased_until = NULL \
         WHERE plugin_id = $1 AND name = $2 AND lease = $6",
    )
    .bind(plugin.to_string())
    .bind(name)
    .bind(next)
    .bind(now)
    .bind(failure)
    .bind(lease)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Whether somebody runs a job now.
pub(super) async fn is_run(
    tx: &mut Write,
    (plugin, name): (InstallationId, &str),
    now: i64,
) -> sqlx::Result<bool> {
    let until: Option<Option<i64>> = sqlx::query_scalar(
        "SELECT leased_until FROM plugin_jobs WHERE plugin_id = $1 AND name = $2",
    )
    .bind(plugin.to_string())
    .bind(name)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(until.flatten().is_some_and(|it| now < it))
}

/// Brings a job forward; answers whether there is one.
pub(super) async fn set_due(
    tx: &mut Write,
    (plugin, name): (InstallationId, &str),
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE plugin_jobs SET due_at = CASE WHEN due_at < $3 THEN due_at ELSE $3 END \
         WHERE plugin_id = $1 AND name = $2",
    )
    .bind(plugin.to_string())
    .bind(name)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
