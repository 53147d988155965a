//! The SQL of what plugins did.

use myrelay_app::contract::{CallsWanted, PluginCallRow};
use myrelay_domain::ids::{CallId, InstallationId};
use sqlx::{Any, AnyPool, AssertSqlSafe, FromRow, any::AnyArguments, query::QueryAs};

use crate::database::{Write, places, read_id, read_number};

/// A call that is over.
pub(in crate::plugins) struct Done<'a> {
    pub(in crate::plugins) id: CallId,
    pub(in crate::plugins) plugin: InstallationId,
    /// The plugin's version.
    pub(in crate::plugins) version: &'a str,
    pub(in crate::plugins) call: &'a str,
    pub(in crate::plugins) about: Option<&'a str>,
    pub(in crate::plugins) attempt: u32,
    pub(in crate::plugins) failure: Option<&'a str>,
    pub(in crate::plugins) used: myrelay_plugin_host::Used,
    pub(in crate::plugins) backtrace: Option<String>,
    pub(in crate::plugins) log: String,
    pub(in crate::plugins) logs_dropped: u64,
    pub(in crate::plugins) http: String,
    pub(in crate::plugins) delivery: &'a str,
    /// What time the plugin saw, and what time it was, in milliseconds.
    pub(in crate::plugins) happened_at: i64,
    pub(in crate::plugins) started_at: i64,
    pub(in crate::plugins) allowed: String,
    /// What is kept of it, sealed.
    pub(in crate::plugins) recorded: Option<String>,
}

/// A call as it stands in a row.
pub(in crate::plugins) struct Stored {
    /// Without what is sealed.
    pub(in crate::plugins) row: PluginCallRow,
    pub(in crate::plugins) delivery: String,
    pub(in crate::plugins) happened_at: i64,
    pub(in crate::plugins) started_at: i64,
    pub(in crate::plugins) recorded: Option<String>,
}

#[derive(FromRow)]
struct Row {
    id: String,
    call: String,
    about: Option<String>,
    attempt: i64,
    failure: Option<String>,
    cpu_us: i64,
    wall_us: i64,
    memory: i64,
    log: String,
    http: String,
    delivery: String,
    happened_at: i64,
    started_at: i64,
    requests: i64,
    allowed: Option<String>,
    recorded: Option<String>,
    version: Option<String>,
    backtrace: Option<String>,
    logs_dropped: i64,
    created_at: i64,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, call, about, attempt, failure, cpu_us, wall_us, memory, log, http, \
             delivery, happened_at, started_at, requests, allowed, recorded, version, \
             backtrace, logs_dropped, created_at \
             FROM plugin_calls WHERE plugin_id = $1 ",
            $rest
        )
    };
}

/// How many values a line has.
const COLUMNS: usize = 21;

/// Adds these, in one statement.
pub(in crate::plugins) async fn insert(
    tx: &mut Write,
    done: &[Done<'_>],
    now: i64,
) -> sqlx::Result<()> {
    if done.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO plugin_calls (id, plugin_id, call, about, attempt, failure, cpu_us, \
                   wall_us, memory, log, http, created_at, delivery, happened_at, started_at, \
                   requests, allowed, recorded, version, backtrace, logs_dropped) VALUES ";
    let rows = places(1, done.len(), COLUMNS);
    let mut query = sqlx::query(AssertSqlSafe(format!("{sql}{rows}")));
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    for one in done {
        query = query
            .bind(one.id.to_string())
            .bind(one.plugin.to_string())
            .bind(one.call)
            .bind(one.about)
            .bind(i64::from(one.attempt))
            .bind(one.failure)
            .bind(number(one.used.cpu_us))
            .bind(number(one.used.wall_us))
            .bind(i64::try_from(one.used.memory_peak).unwrap_or(i64::MAX))
            .bind(&*one.log)
            .bind(&*one.http)
            .bind(now)
            .bind(one.delivery)
            .bind(one.happened_at)
            .bind(one.started_at)
            .bind(i64::from(one.used.http_requests))
            .bind(&*one.allowed)
            .bind(one.recorded.as_deref())
            .bind(one.version)
            .bind(one.backtrace.as_deref())
            .bind(number(one.logs_dropped));
    }
    query.execute(&mut **tx).await.map(drop)
}

/// The last calls that are looked for, newest first, and none but those before `after`.
pub(in crate::plugins) async fn list(
    pool: &AnyPool,
    id: InstallationId,
    wanted: &CallsWanted,
    after: Option<CallId>,
    limit: usize,
) -> sqlx::Result<Vec<Stored>> {
    // Ids are UUIDv7: their order is the order of the calls.
    let rows = sqlx::query_as(select!(
        "AND ($2 = '' OR id < $2) AND ($3 = '' OR delivery = $3) \
         AND ($4 = 0 OR failure IS NOT NULL) ORDER BY id DESC LIMIT $5"
    ));
    let rows = rows
        .bind(id.to_string())
        .bind(after.map(|it| it.to_string()).unwrap_or_default())
        .bind(wanted.delivery.clone().unwrap_or_default())
        .bind(i64::from(wanted.failed))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    read_all(rows, pool).await
}

/// One call.
pub(in crate::plugins) async fn find(
    pool: &AnyPool,
    id: InstallationId,
    call: CallId,
) -> sqlx::Result<Option<Stored>> {
    let rows = sqlx::query_as(select!("AND id = $2"));
    Ok(read_all(rows.bind(id.to_string()).bind(call.to_string()), pool).await?.pop())
}

/// The last calls that went well, are kept, and change nothing but by what they answer, newest
/// first.
pub(in crate::plugins) async fn repeatable(
    pool: &AnyPool,
    id: InstallationId,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    let rows = sqlx::query_as(select!(
        "AND recorded IS NOT NULL AND failure IS NULL \
         AND call IN ('events.handle', 'deliver', 'webhooks.handle') ORDER BY id DESC LIMIT $2"
    ));
    read_all(rows.bind(id.to_string()).bind(limit), pool).await
}

async fn read_all(
    query: QueryAs<'_, Any, Row, AnyArguments>,
    pool: &AnyPool,
) -> sqlx::Result<Vec<Stored>> {
    query.fetch_all(pool).await?.into_iter().map(Row::read).collect()
}

/// Forgets what is older than this.
pub(in crate::plugins) async fn prune(tx: &mut Write, before: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM plugin_calls WHERE created_at < $1")
        .bind(before)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// Forgets what was asked and answered in calls that are older than this.
pub(in crate::plugins) async fn prune_recorded(tx: &mut Write, before: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugin_calls SET recorded = NULL WHERE recorded IS NOT NULL AND created_at < $1",
    )
    .bind(before)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Forgets what was asked and answered in all but the newest so many calls of one plugin.
pub(in crate::plugins) async fn keep_newest_recorded(
    tx: &mut Write,
    id: InstallationId,
    count: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE plugin_calls SET recorded = NULL \
         WHERE plugin_id = $1 AND recorded IS NOT NULL AND id < \
             (SELECT MIN(id) FROM (SELECT id FROM plugin_calls \
                 WHERE plugin_id = $1 AND recorded IS NOT NULL \
                 ORDER BY id DESC LIMIT $2) AS newest)",
    )
    .bind(id.to_string())
    .bind(count)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Forgets all but the newest so many of one plugin.
pub(in crate::plugins) async fn keep_newest(
    tx: &mut Write,
    id: InstallationId,
    count: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM plugin_calls WHERE plugin_id = $1 AND id < \
             (SELECT MIN(id) FROM (SELECT id FROM plugin_calls WHERE plugin_id = $1 \
                 ORDER BY id DESC LIMIT $2) AS newest)",
    )
    .bind(id.to_string())
    .bind(count)
    .execute(&mut **tx)
    .await
    .map(drop)
}

impl Row {
    fn read(self) -> sqlx::Result<Stored> {
        let row = PluginCallRow {
            id: read_id(&self.id)?,
            call: self.call,
            about: self.about,
            attempt: read_number(self.attempt)?,
            delivery: Some(self.delivery.clone()).filter(|it| !it.is_empty()),
            version: self.version,
            failure: self.failure,
            cpu_us: read_number(self.cpu_us)?,
            wall_us: read_number(self.wall_us)?,
            memory: read_number(self.memory)?,
            requests: read_number(self.requests)?,
            limits: self.allowed.and_then(|it| serde_json::from_str(&it).ok()),
            input: None,
            answer: None,
            backtrace: self.backtrace,
            logs_dropped: read_number(self.logs_dropped)?,
            log: serde_json::from_str(&self.log).unwrap_or_default(),
            http: serde_json::from_str(&self.http).unwrap_or_default(),
            at: self.created_at,
        };
        Ok(Stored {
            row,
            delivery: self.delivery,
            happened_at: self.happened_at,
            started_at: self.started_at,
            recorded: self.recorded,
        })
    }
}
