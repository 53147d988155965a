//! Which codes were sent of late: SQL.

use myrelay_domain::ids::AccountId;

use crate::database::Write;

/// How many codes an account asked for since then, and how many went to one place.
pub(in crate::channels) async fn count(
    tx: &mut Write,
    account: AccountId,
    place_hash: &str,
    since: i64,
) -> sqlx::Result<(i64, i64)> {
    let own = "SELECT COUNT(*) FROM channel_codes WHERE account_id = $1 AND created_at > $2";
    let there = "SELECT COUNT(*) FROM channel_codes WHERE place_hash = $1 AND created_at > $2";
    let own = sqlx::query_scalar(own).bind(account.to_string()).bind(since);
    let own: i64 = own.fetch_one(&mut **tx).await?;
    let there = sqlx::query_scalar(there).bind(place_hash).bind(since);
    Ok((own, there.fetch_one(&mut **tx).await?))
}

pub(in crate::channels) async fn insert(
    tx: &mut Write,
    id: &str,
    account: AccountId,
    place_hash: &str,
    now: i64,
) -> sqlx::Result<()> {
    let sql = "INSERT INTO channel_codes (id, account_id, place_hash, created_at) \
               VALUES ($1, $2, $3, $4)";
    let query = sqlx::query(sql).bind(id).bind(account.to_string()).bind(place_hash).bind(now);
    query.execute(&mut **tx).await.map(drop)
}

/// Forgets those from before.
pub(in crate::channels) async fn prune(tx: &mut Write, before: i64) -> sqlx::Result<()> {
    let query = sqlx::query("DELETE FROM channel_codes WHERE created_at <= $1").bind(before);
    query.execute(&mut **tx).await.map(drop)
}
