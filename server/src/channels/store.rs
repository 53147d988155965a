//! The channels' SQL.

pub(super) mod codes;
pub(super) mod quiet;

use myrelay_app::contract::{MessageKind, Unreachable};
use myrelay_domain::ids::{AccountId, ChannelId, InstallationId};
use sqlx::{Any, Executor, FromRow};

use super::{Channel, Code};
use crate::database::{Write, read_id, read_number};

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    plugin_id: String,
    name: String,
    enabled_at: Option<i64>,
    stopped_why: Option<String>,
    rest_until: Option<i64>,
    sealed: String,
    made_at: Option<i64>,
    guide: Option<String>,
    kinds: String,
    verified_at: Option<i64>,
    unreachable_why: Option<String>,
    code_hash: Option<String>,
    code_ends_at: Option<i64>,
    code_wrong: i64,
    created_at: i64,
}

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT channels.id, channels.account_id, channels.plugin_id, plugins.name, \
                 plugins.enabled_at, plugins.stopped_why, plugins.rest_until, \
                 channels.sealed, channels.made_at, channels.guide, \
                 channels.kinds, channels.verified_at, channels.unreachable_why, \
                 channels.code_hash, channels.code_ends_at, channels.code_wrong, \
                 channels.created_at \
             FROM channels JOIN plugins ON plugins.id = channels.plugin_id ",
            $which
        )
    };
}

/// A channel that is to be.
pub(super) struct NewChannel<'a> {
    pub(super) id: ChannelId,
    pub(super) account: AccountId,
    pub(super) plugin: InstallationId,
    pub(super) slot: u32,
    pub(super) sealed: &'a str,
    pub(super) made_at: Option<i64>,
    pub(super) guide: &'a str,
    pub(super) kinds: &'a [MessageKind],
    pub(super) code: Option<&'a Code>,
}

pub(super) async fn insert(tx: &mut Write, channel: &NewChannel<'_>, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO channels (id, account_id, plugin_id, slot, sealed, made_at, guide, kinds, \
             code_hash, code_ends_at, code_wrong, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)",
    )
    .bind(channel.id.to_string())
    .bind(channel.account.to_string())
    .bind(channel.plugin.to_string())
    .bind(i64::from(channel.slot))
    .bind(channel.sealed)
    .bind(channel.made_at)
    .bind(channel.guide)
    .bind(write_kinds(channel.kinds))
    .bind(channel.code.map(|it| it.hash.as_str()))
    .bind(channel.code.map(|it| it.ends_at))
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The places that an account's channels have.
pub(super) async fn slots(tx: &mut Write, account: AccountId) -> sqlx::Result<Vec<u32>> {
    let slots: Vec<i64> = sqlx::query_scalar("SELECT slot FROM channels WHERE account_id = $1")
        .bind(account.to_string())
        .fetch_all(&mut **tx)
        .await?;
    slots.into_iter().map(read_number).collect()
}

/// The channels of an account, oldest first.
pub(super) async fn list<'a, E>(executor: E, account: AccountId) -> sqlx::Result<Vec<Channel>>
where
    E: Executor<'a, Database = Any>,
{
    let sql = select!("WHERE channels.account_id = $1 ORDER BY channels.id");
    let rows: Vec<Row> = sqlx::query_as(sql).bind(account.to_string()).fetch_all(executor).await?;
    rows.into_iter().map(read).collect()
}

pub(super) async fn find<'a, E>(executor: E, id: ChannelId) -> sqlx::Result<Option<Channel>>
where
    E: Executor<'a, Database = Any>,
{
    let sql = select!("WHERE channels.id = $1");
    let row: Option<Row> =
        sqlx::query_as(sql).bind(id.to_string()).fetch_optional(executor).await?;
    row.map(read).transpose()
}

/// Holds a channel until the commit. False: there is none.
pub(super) async fn hold(tx: &mut Write, id: ChannelId) -> sqlx::Result<bool> {
    let query = sqlx::query("UPDATE channels SET slot = slot WHERE id = $1").bind(id.to_string());
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

pub(super) async fn set_kinds(
    tx: &mut Write,
    id: ChannelId,
    kinds: &[MessageKind],
) -> sqlx::Result<()> {
    sqlx::query("UPDATE channels SET kinds = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(write_kinds(kinds))
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn set_code(tx: &mut Write, id: ChannelId, code: &Code) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE channels SET code_hash = $2, code_ends_at = $3, code_wrong = $4 WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(&code.hash)
    .bind(code.ends_at)
    .bind(i64::from(code.wrong))
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Its code is used up, and nothing is left to do.
pub(super) async fn set_verified(tx: &mut Write, id: ChannelId, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE channels SET verified_at = $2, code_hash = NULL, code_ends_at = NULL, \
             code_wrong = 0, guide = NULL, unreachable_at = NULL, unreachable_why = NULL \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn set_unreachable(
    tx: &mut Write,
    id: ChannelId,
    why: Unreachable,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE channels SET unreachable_at = $2, unreachable_why = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .bind(write_why(why))
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn delete(tx: &mut Write, id: ChannelId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM channels WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await
        .map(drop)
}

fn write_kinds(kinds: &[MessageKind]) -> String {
    kinds.iter().map(|it| it.name()).collect::<Vec<_>>().join(" ")
}

fn write_why(why: Unreachable) -> &'static str {
    match why {
        Unreachable::Gone => "gone",
        Unreachable::Unsubscribed => "unsubscribed",
        Unreachable::NoAddress => "no-address",
    }
}

fn read(row: Row) -> sqlx::Result<Channel> {
    let code = row.code_hash.zip(row.code_ends_at);
    let wrong = read_number(row.code_wrong)?;
    Ok(Channel {
        id: read_id(&row.id)?,
        account: read_id(&row.account_id)?,
        plugin: read_id(&row.plugin_id)?,
        name: row.name,
        enabled: row.enabled_at.is_some(),
        stopped: row.stopped_why.is_some(),
        rest_until: row.rest_until,
        sealed: row.sealed,
        made_at: row.made_at,
        guide: row.guide,
        kinds: row.kinds.split(' ').filter_map(MessageKind::of).collect(),
        verified_at: row.verified_at,
        unreachable: row.unreachable_why.as_deref().map(|it| match it {
            "unsubscribed" => Unreachable::Unsubscribed,
            "no-address" => Unreachable::NoAddress,
            _ => Unreachable::Gone,
        }),
        code: code.map(|(hash, ends_at)| Code { hash, ends_at, wrong }),
        created_at: row.created_at,
    })
}
