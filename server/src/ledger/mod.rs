//! The books: every movement of money as an entry whose lines add up to nothing.
//!
//! A customer's book says what they owe: what they pay goes out of it, what is sold to them comes
//! into it. What is left below nothing is credit. Entries are added, never changed.

mod store;
#[cfg(test)]
mod tests;

use myrelay_domain::{
    ids::{AccountId, EntryId, InstallationId},
    money::{Currency, Money},
};

use crate::{Result, context::Context, database::Write};

/// Whose money it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Book {
    /// What an account owes.
    Customer(AccountId),
    /// What lies with the provider of a plugin.
    Provider(InstallationId),
    /// What providers kept.
    Fees,
    /// What was sold: it grows downwards.
    Revenue,
    /// What providers sent on.
    Bank,
}

/// What an entry is of. There is one of each kind for the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Payment,
    /// What was sold was paid for.
    Invoice,
    Refund,
    /// What a dispute that was lost cost.
    Dispute,
    /// A refund that did not arrive.
    RefundFailed,
    Payout,
}

/// One line: so much into a book, or out of it where it is negative.
pub(crate) type Line = (Book, i64);

/// Writes an entry, unless there is one of this kind about this. Answers whether it was written.
///
/// # Errors
/// [`crate::Error::Internal`] where the lines do not add up to nothing.
pub(crate) async fn record(
    context: &Context,
    tx: &mut Write,
    (kind, about): (Kind, &str),
    currency: Currency,
    lines: &[Line],
) -> Result<bool> {
    let sum = lines.iter().try_fold(0_i64, |sum, (_, minor)| sum.checked_add(*minor));
    if sum != Some(0) {
        let what = format!("an entry of {about} whose lines do not add up to nothing");
        return Err(anyhow::anyhow!(what).into());
    }
    let id: EntryId = context.new_id();
    if !store::insert(tx, id, (kind.name(), about), context.now()).await? {
        return Ok(false);
    }
    let moved = lines.iter().filter(|(_, minor)| *minor != 0);
    let lines: Vec<_> = moved.map(|(book, minor)| (book.name(), book.owner(), *minor)).collect();
    store::insert_lines(tx, id, currency, &lines).await?;
    Ok(true)
}

/// What an account has that was not used for anything, in a currency: below nothing where it owes.
pub(crate) async fn credit(tx: &mut Write, account: AccountId, currency: Currency) -> Result<i64> {
    let owed = store::balance(tx, ("customer", &account.to_string()), currency).await?;
    Ok(-owed)
}

/// The same in every currency, to show it.
pub(crate) async fn view_credit(context: &Context, account: AccountId) -> Result<Vec<Money>> {
    let pool = context.database.read();
    let owed = store::balances(pool, ("customer", &account.to_string())).await?;
    let credit = owed.into_iter().map(|it| Money { minor: -it.minor, ..it });
    Ok(credit.filter(|it| it.minor != 0).collect())
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Invoice => "invoice",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::RefundFailed => "refund-failed",
            Self::Payout => "payout",
        }
    }
}

impl Book {
    fn name(self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::Provider(_) => "provider",
            Self::Fees => "fees",
            Self::Revenue => "revenue",
            Self::Bank => "bank",
        }
    }

    fn owner(self) -> String {
        match self {
            Self::Customer(account) => account.to_string(),
            Self::Provider(plugin) => plugin.to_string(),
            Self::Fees | Self::Revenue | Self::Bank => String::new(),
        }
    }
}
