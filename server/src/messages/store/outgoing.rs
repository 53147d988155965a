//! Messages that did not arrive, in pages: SQL.

use myrelay_app::contract::MessageKind;
use myrelay_domain::ids::{AccountId, DeliveryId, InstallationId};
use sqlx::{AnyPool, FromRow};

use super::read_kind;
use crate::database::{read_id, read_number};

/// One that waits or was given up.
pub(in crate::messages) struct Stored {
    pub(in crate::messages) id: DeliveryId,
    pub(in crate::messages) plugin: InstallationId,
    pub(in crate::messages) account: AccountId,
    pub(in crate::messages) kind: MessageKind,
    /// The event's name in the outbox.
    pub(in crate::messages) event: String,
    pub(in crate::messages) attempts: u32,
    pub(in crate::messages) failure: Option<String>,
    pub(in crate::messages) due_at: i64,
    pub(in crate::messages) leased_until: Option<i64>,
    pub(in crate::messages) dead_at: Option<i64>,
    pub(in crate::messages) created_at: i64,
    pub(in crate::messages) happened_at: i64,
}

#[derive(FromRow)]
struct Row {
    id: String,
    plugin_id: String,
    account_id: String,
    kind: String,
    event: String,
    attempts: i64,
    failure: Option<String>,
    due_at: i64,
    leased_until: Option<i64>,
    dead_at: Option<i64>,
    created_at: i64,
    happened_at: i64,
}

/// The list of those that stand so.
macro_rules! listed {
    ($standing:literal) => {
        concat!(
            "SELECT messages.id, messages.plugin_id, messages.account_id, messages.kind, \
                 outbox.kind AS event, messages.attempts, messages.failure, messages.due_at, \
                 messages.leased_until, messages.dead_at, messages.created_at, \
                 outbox.created_at AS happened_at \
             FROM messages JOIN outbox ON outbox.id = messages.event_id WHERE ",
            $standing,
            " AND messages.id > $1 AND (messages.plugin_id = $2 OR $2 = '') \
             ORDER BY messages.id LIMIT $3"
        )
    };
}

/// Those that wait or those that were given up, of a plugin or of all, which were made after
/// `after`.
pub(in crate::messages) async fn list(
    pool: &AnyPool,
    (plugin, given_up): (Option<InstallationId>, bool),
    after: Option<DeliveryId>,
    most: usize,
) -> sqlx::Result<Vec<Stored>> {
    let sql = if given_up {
        listed!("messages.dead_at IS NOT NULL")
    } else {
        listed!(
            "messages.delivered_at IS NULL AND messages.dead_at IS NULL \
             AND messages.dropped_at IS NULL"
        )
    };
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(after.map(|it| it.to_string()).unwrap_or_default())
        .bind(plugin.map(|it| it.to_string()).unwrap_or_default())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(Row::read).collect()
}

impl Row {
    fn read(self) -> sqlx::Result<Stored> {
        Ok(Stored {
            id: read_id(&self.id)?,
            plugin: read_id(&self.plugin_id)?,
            account: read_id(&self.account_id)?,
            kind: read_kind(&self.kind),
            event: self.event,
            attempts: read_number(self.attempts)?,
            failure: self.failure,
            due_at: self.due_at,
            leased_until: self.leased_until,
            dead_at: self.dead_at,
            created_at: self.created_at,
            happened_at: self.happened_at,
        })
    }
}

/// Which plugin carries a message.
pub(in crate::messages) async fn plugin_of(
    pool: &AnyPool,
    message: DeliveryId,
) -> sqlx::Result<Option<InstallationId>> {
    let found: Option<String> = sqlx::query_scalar("SELECT plugin_id FROM messages WHERE id = $1")
        .bind(message.to_string())
        .fetch_optional(pool)
        .await?;
    found.map(|it| read_id(&it)).transpose()
}
