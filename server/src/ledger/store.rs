//! The books' SQL.

use myrelay_domain::{
    ids::EntryId,
    money::{Currency, Money},
};
use sqlx::{AnyPool, AssertSqlSafe};

use crate::database::{Write, places};

/// Answers whether there was none of this kind about this.
pub(super) async fn insert(
    tx: &mut Write,
    id: EntryId,
    (kind, about): (&str, &str),
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO ledger_entries (id, kind, about, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (kind, about) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(kind)
    .bind(about)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds lines of an entry: the name of a book, whose it is, and how much, in the smallest unit.
pub(super) async fn insert_lines(
    tx: &mut Write,
    entry: EntryId,
    currency: Currency,
    lines: &[(&str, String, i64)],
) -> sqlx::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO ledger_lines (entry_id, number, book, owner, currency, minor) VALUES ";
    let rows = places(1, lines.len(), 6);
    let mut query = sqlx::query(AssertSqlSafe(format!("{sql}{rows}")));
    for (number, (book, owner, minor)) in (0_i64..).zip(lines) {
        query = query
            .bind(entry.to_string())
            .bind(number)
            .bind(*book)
            .bind(owner.as_str())
            .bind(currency.to_string())
            .bind(*minor);
    }
    query.execute(&mut **tx).await.map(drop)
}

pub(super) async fn balance(
    tx: &mut Write,
    (book, owner): (&str, &str),
    currency: Currency,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(minor), 0) AS BIGINT) FROM ledger_lines \
         WHERE book = $1 AND owner = $2 AND currency = $3",
    )
    .bind(book)
    .bind(owner)
    .bind(currency.to_string())
    .fetch_one(&mut **tx)
    .await
}

pub(super) async fn balances(
    pool: &AnyPool,
    (book, owner): (&str, &str),
) -> sqlx::Result<Vec<Money>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT currency, CAST(SUM(minor) AS BIGINT) FROM ledger_lines \
         WHERE book = $1 AND owner = $2 GROUP BY currency ORDER BY currency",
    )
    .bind(book)
    .bind(owner)
    .fetch_all(pool)
    .await?;
    let read = |(currency, minor): (String, i64)| {
        let currency = Currency::parse(&currency);
        let currency = currency.map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Money { minor, currency })
    };
    rows.into_iter().map(read).collect()
}

/// What the lines of all entries add up to, by currency: nothing.
#[cfg(test)]
pub(super) async fn sums(pool: &AnyPool) -> sqlx::Result<Vec<(String, i64)>> {
    sqlx::query_as(
        "SELECT currency, CAST(SUM(minor) AS BIGINT) FROM ledger_lines \
         GROUP BY currency ORDER BY currency",
    )
    .fetch_all(pool)
    .await
}
