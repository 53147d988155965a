//! The messages' SQL.

use myrelay_app::contract::{DeadDeliveryRow, MessageKind, MessageRow, MessageState};
use myrelay_domain::ids::{AccountId, ChannelId, DeliveryId, EventId, InstallationId};
use sqlx::{AnyPool, FromRow};

use super::{Due, Leased, New};
use crate::{
    database::{Write, read_id, read_number},
    deliveries::{After, Verdict},
    plugins::Backlog,
};

pub(super) mod names;
pub(super) mod outgoing;

#[derive(FromRow)]
struct Row {
    id: String,
    channel_id: String,
    account_id: String,
    kind: String,
    event: String,
    payload: String,
    attempts: i64,
    happened_at: i64,
    created_at: i64,
}

/// Adds a message; one that is there stays as it is.
pub(super) async fn insert(
    tx: &mut Write,
    new: &New,
    event: EventId,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO messages (id, channel_id, plugin_id, account_id, event_id, kind, attempts, \
             due_at, dropped_at, failure, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $7) \
         ON CONFLICT (channel_id, event_id) DO NOTHING",
    )
    .bind(new.id.to_string())
    .bind(new.channel.to_string())
    .bind(new.plugin.to_string())
    .bind(new.account.to_string())
    .bind(event.to_string())
    .bind(new.kind.name())
    .bind(now)
    .bind(new.dropped.then_some(now))
    .bind(new.dropped.then_some("the channel had too many messages in this hour"))
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// How many messages a channel was to get of what happened since then: what is sent again is none of
/// them.
pub(super) async fn count_since(
    tx: &mut Write,
    channel: ChannelId,
    since: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM messages JOIN outbox ON outbox.id = messages.event_id \
         WHERE messages.channel_id = $1 AND outbox.created_at > $2 \
             AND messages.dropped_at IS NULL",
    )
    .bind(channel.to_string())
    .bind(since)
    .fetch_one(&mut **tx)
    .await
}

/// The first message of a channel that others wait for: one that is due, or was tried. What quiet
/// hours keep back is neither.
macro_rules! first_of_channel {
    ($kinds:literal) => {
        concat!(
            "SELECT (SELECT first.id FROM messages AS first \
                 WHERE first.plugin_id = $1 AND first.channel_id = waiting.channel_id \
                     AND first.delivered_at IS NULL AND first.dead_at IS NULL \
                     AND first.dropped_at IS NULL",
            $kinds,
            " AND (first.attempts > 0 OR first.due_at <= $2) ORDER BY first.id LIMIT 1) \
             FROM waiting WHERE channel_id IS NOT NULL"
        )
    };
}

/// What is due of a plugin and nobody tries: of each channel only the first that is open. What is
/// about security waits for its like alone, and nothing waits for what quiet hours keep back. It
/// reads as much as there are channels, and what is kept back of each, however much waits.
pub(super) async fn due(
    pool: &AnyPool,
    plugin: InstallationId,
    now: i64,
    most: u32,
) -> sqlx::Result<Vec<Due>> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(concat!(
        "WITH RECURSIVE waiting (channel_id) AS ( \
             SELECT MIN(channel_id) FROM messages \
                 WHERE plugin_id = $1 AND delivered_at IS NULL AND dead_at IS NULL \
                     AND dropped_at IS NULL \
             UNION ALL \
             SELECT (SELECT MIN(channel_id) FROM messages \
                 WHERE plugin_id = $1 AND delivered_at IS NULL AND dead_at IS NULL \
                     AND dropped_at IS NULL AND messages.channel_id > waiting.channel_id) \
                 FROM waiting WHERE channel_id IS NOT NULL), \
         firsts (id) AS (",
        first_of_channel!(""),
        " UNION ",
        first_of_channel!(" AND first.kind = 'security'"),
        ") SELECT messages.id, messages.account_id, messages.kind \
             FROM firsts JOIN messages ON messages.id = firsts.id \
             WHERE due_at <= $2 AND (leased_until IS NULL OR leased_until <= $2) \
             ORDER BY due_at, messages.id LIMIT $3"
    ))
    .bind(plugin.to_string())
    .bind(now)
    .bind(i64::from(most))
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, account, kind)| {
            Ok(Due { id: read_id(&id)?, account: read_id(&account)?, kind: read_kind(&kind) })
        })
        .collect()
}

/// Takes a message, and counts the try that comes. False: somebody else has it.
pub(super) async fn lease(
    tx: &mut Write,
    id: DeliveryId,
    lease: &str,
    (now, until): (i64, i64),
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE messages SET lease = $2, leased_until = $4, attempts = attempts + 1 \
         WHERE id = $1 AND delivered_at IS NULL AND dead_at IS NULL AND dropped_at IS NULL \
             AND (leased_until IS NULL OR leased_until <= $3)",
    )
    .bind(id.to_string())
    .bind(lease)
    .bind(now)
    .bind(until)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Keeps a message back that nobody tries.
pub(super) async fn postpone(
    tx: &mut Write,
    id: DeliveryId,
    (now, until): (i64, i64),
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE messages SET due_at = $3 \
         WHERE id = $1 AND (leased_until IS NULL OR leased_until <= $2)",
    )
    .bind(id.to_string())
    .bind(now)
    .bind(until)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn read_leased(
    tx: &mut Write,
    id: DeliveryId,
    lease: &str,
) -> sqlx::Result<Option<Leased>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT messages.id, messages.channel_id, messages.account_id, messages.kind, \
             outbox.kind AS event, outbox.payload, messages.attempts, \
             outbox.created_at AS happened_at, messages.created_at \
         FROM messages JOIN outbox ON outbox.id = messages.event_id WHERE messages.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let read = |row: Row| {
        Ok(Leased {
            id: read_id(&row.id)?,
            channel: read_id(&row.channel_id)?,
            account: read_id(&row.account_id)?,
            kind: read_kind(&row.kind),
            event: row.event,
            payload: row.payload,
            attempts: read_number(row.attempts)?,
            at: row.happened_at,
            created_at: row.created_at,
            lease: lease.to_owned(),
        })
    };
    row.map(read).transpose()
}

/// Whether this lease still counts; if so the row is held until the commit.
pub(super) async fn is_leased(tx: &mut Write, id: DeliveryId, lease: &str) -> sqlx::Result<bool> {
    let sql = "UPDATE messages SET lease = lease WHERE id = $1 AND lease = $2";
    let query = sqlx::query(sql).bind(id.to_string()).bind(lease);
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Writes down what became of a try, if its lease still counts.
pub(super) async fn settle(
    tx: &mut Write,
    id: DeliveryId,
    lease: &str,
    after: &After,
    now: i64,
) -> sqlx::Result<()> {
    let (delivered, dead) = match after.verdict {
        Verdict::Delivered => (Some(now), None),
        Verdict::Dead => (None, Some(now)),
        Verdict::Again { .. } => (None, None),
    };
    let (due, uncounted) = match after.verdict {
        Verdict::Again { due_at, counts } => (Some(due_at), i64::from(!counts)),
        _ => (None, 0),
    };
    sqlx::query(
        "UPDATE messages SET lease = NULL, leased_until = NULL, delivered_at = $3, dead_at = $4, \
             due_at = COALESCE($5, due_at), attempts = attempts - $6, failure = $7 \
         WHERE id = $1 AND lease = $2",
    )
    .bind(id.to_string())
    .bind(lease)
    .bind(delivered)
    .bind(dead)
    .bind(due)
    .bind(uncounted)
    .bind(after.failure.as_deref())
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Nobody tries a leased message any more.
pub(super) async fn drop_leased(
    tx: &mut Write,
    (id, lease): (DeliveryId, &str),
    why: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE messages SET lease = NULL, leased_until = NULL, dropped_at = $3, failure = $4 \
         WHERE id = $1 AND lease = $2",
    )
    .bind(id.to_string())
    .bind(lease)
    .bind(now)
    .bind(why)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Nobody tries any message to a channel any more.
pub(super) async fn drop_all(
    tx: &mut Write,
    channel: ChannelId,
    why: &str,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE messages SET lease = NULL, leased_until = NULL, dropped_at = $3, failure = $2 \
         WHERE channel_id = $1 AND delivered_at IS NULL AND dead_at IS NULL \
             AND dropped_at IS NULL",
    )
    .bind(channel.to_string())
    .bind(why)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

type Recent = (String, String, String, String, Option<i64>, Option<i64>, Option<i64>, i64);

/// The last messages of an account, newest first; the subject is the event's name.
pub(super) async fn recent(
    pool: &AnyPool,
    account: AccountId,
    most: i64,
) -> sqlx::Result<Vec<MessageRow>> {
    let rows: Vec<Recent> = sqlx::query_as(
        "SELECT messages.id, outbox.kind, plugins.name, messages.kind, messages.delivered_at, \
             messages.dead_at, messages.dropped_at, messages.created_at \
         FROM messages JOIN outbox ON outbox.id = messages.event_id \
             JOIN plugins ON plugins.id = messages.plugin_id \
         WHERE messages.account_id = $1 ORDER BY messages.id DESC LIMIT $2",
    )
    .bind(account.to_string())
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, event, channel, kind, delivered, dead, dropped, at)| {
            let state = match (delivered, dead, dropped) {
                (Some(_), ..) => MessageState::Delivered,
                (_, Some(_), _) => MessageState::GivenUp,
                (.., Some(_)) => MessageState::Dropped,
                _ => MessageState::Waiting,
            };
            let (id, kind) = (read_id(&id)?, read_kind(&kind));
            Ok(MessageRow { id, subject: event, channel, kind, state, at })
        })
        .collect()
}

pub(super) async fn backlog(pool: &AnyPool) -> sqlx::Result<Vec<Backlog>> {
    let rows: Vec<(String, i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT plugin_id, COUNT(*) - COUNT(dead_at), COUNT(dead_at), \
             MIN(CASE WHEN dead_at IS NULL THEN created_at END) FROM messages \
         WHERE delivered_at IS NULL AND dropped_at IS NULL GROUP BY plugin_id",
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(plugin, waiting, dead, oldest_at)| {
            let (waiting, dead) = (read_number(waiting)?, read_number(dead)?);
            Ok(Backlog { plugin: read_id(&plugin)?, waiting, dead, oldest_at })
        })
        .collect()
}

/// Those that were given up, oldest first.
pub(super) async fn dead(
    pool: &AnyPool,
    plugin: InstallationId,
    most: i64,
) -> sqlx::Result<Vec<DeadDeliveryRow>> {
    let rows: Vec<(String, String, i64, Option<String>, i64)> = sqlx::query_as(
        "SELECT messages.id, outbox.kind, messages.attempts, messages.failure, messages.dead_at \
         FROM messages JOIN outbox ON outbox.id = messages.event_id \
         WHERE messages.plugin_id = $1 AND messages.dead_at IS NOT NULL \
         ORDER BY messages.id LIMIT $2",
    )
    .bind(plugin.to_string())
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, event, attempts, failure, at)| {
            Ok(DeadDeliveryRow {
                id: read_id(&id)?,
                event: format!("message: {event}"),
                attempts: read_number(attempts)?,
                failure: failure.unwrap_or_default(),
                at,
            })
        })
        .collect()
}

/// Puts one of those given up on its way again, or all; answers how many.
pub(super) async fn revive(
    tx: &mut Write,
    plugin: InstallationId,
    message: Option<DeliveryId>,
    now: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "UPDATE messages SET dead_at = NULL, attempts = 0, due_at = $3, created_at = $3 \
         WHERE plugin_id = $1 AND dead_at IS NOT NULL AND (id = $2 OR $2 = '')",
    )
    .bind(plugin.to_string())
    .bind(message.map(|it| it.to_string()).unwrap_or_default())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Whether this was given up.
pub(super) async fn is_dead(
    tx: &mut Write,
    plugin: InstallationId,
    message: DeliveryId,
) -> sqlx::Result<bool> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT dead_at FROM messages WHERE plugin_id = $1 AND id = $2 AND dead_at IS NOT NULL",
    )
    .bind(plugin.to_string())
    .bind(message.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

/// Puts those given up on their way again that were put there with this one or after it.
pub(super) async fn revive_from(
    tx: &mut Write,
    plugin: InstallationId,
    first: DeliveryId,
    now: i64,
) -> sqlx::Result<()> {
    // Ids are UUIDv7: their order is the order in which they were made.
    sqlx::query(
        "UPDATE messages SET dead_at = NULL, attempts = 0, due_at = $3, created_at = $3 \
         WHERE plugin_id = $1 AND dead_at IS NOT NULL AND id >= $2",
    )
    .bind(plugin.to_string())
    .bind(first.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Has what waits to be tried again tried now, which is a try more; what quiet hours keep back was not tried.
pub(super) async fn hurry(tx: &mut Write, plugin: InstallationId, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE messages SET due_at = $2, \
             attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END \
         WHERE plugin_id = $1 AND due_at > $2 AND attempts > 0 \
             AND delivered_at IS NULL AND dead_at IS NULL AND dropped_at IS NULL",
    )
    .bind(plugin.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Forgets what was over before these moments.
pub(super) async fn prune(tx: &mut Write, over: i64, dead: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM messages WHERE delivered_at < $1 OR dropped_at < $1 OR dead_at < $2")
        .bind(over)
        .bind(dead)
        .execute(&mut **tx)
        .await
        .map(drop)
}

/// What is not known is told as what cannot be switched off.
fn read_kind(name: &str) -> MessageKind {
    MessageKind::of(name).unwrap_or(MessageKind::Security)
}
