//! Accounts: customers who sign up and sign in.

mod store;
#[cfg(test)]
mod tests;

use jiff::{Timestamp, tz::TimeZone};
use myrelay_app::contract::{AccountRow, AccountView, PAGE_ROWS, Page, SignIn, SignUp};
use myrelay_domain::{
    email::Email,
    ids::{AccountId, PlanId},
    password::Password,
};
use serde_json::json;

use crate::{
    Error, Result,
    context::{Caller, Context},
    database::{Write, is_taken},
    error::InField,
    outbox::{self, Event},
    paging::page,
    plans,
};

/// What a wrong address and a wrong password are both told.
pub(crate) const WRONG: &str = "the mail address or the password is not right";

/// Makes an account with the default plan. With the password of an account that exists it is a
/// sign-in, so that a form sent twice does no harm.
pub async fn sign_up(context: &Context, input: SignUp) -> Result<AccountId> {
    let email = Email::parse(&input.email).in_field("email")?;
    let password = Password::new(input.password.clone(), email.as_str()).in_field("password")?;
    let hash = context.passwords.hash(password, context.random()).await?;

    let mut tx = context.database.write().await?;
    let (plan, costs) = plans::default_plan(context, &mut tx).await?;
    let (account, now) = (context.new_id(), context.now());
    let begins = (reset_day(now), costs.then_some(now), now);
    let inserted = store::insert(&mut tx, account, &email, &hash, plan, begins).await;
    if inserted.as_ref().is_err_and(is_taken) {
        tx.rollback().await?;
        let again = SignIn { email: input.email, password: input.password };
        return sign_in(context, again).await.map_err(|error| match error {
            Error::Invalid { .. } => Error::invalid(
                "email",
                "this address cannot be used for a new account; if it is yours, sign in",
            ),
            error => error,
        });
    }
    inserted?;
    let payload = json!({ "account": account });
    outbox::record(context, &mut tx, Event::AccountCreated, Some(account), payload).await?;
    tx.commit().await?;
    Ok(account)
}

/// Finds the account of an address and a password. Unknown address, wrong password and suspended
/// account look and cost the same.
pub async fn sign_in(context: &Context, input: SignIn) -> Result<AccountId> {
    let wrong = || Error::invalid("email", WRONG);
    let password = Password::typed(input.password).map_err(|_too_long| wrong())?;
    let found = match Email::parse(&input.email) {
        Ok(email) => store::find_by_email(context.database.read(), &email).await?,
        Err(_) => None,
    };
    let hash = found.as_ref().map(|it| it.password_hash.clone());
    let fits = context.passwords.verify(password, hash).await?;
    match found {
        Some(found) if fits && !found.suspended => Ok(found.id),
        _ => Err(wrong()),
    }
}

/// The account that asks.
pub async fn view(context: &Context, caller: Caller) -> Result<AccountView> {
    let account = caller.account()?;
    let row = store::find_row(context.database.read(), account).await?;
    let row = row.ok_or(Error::SignedOut)?;
    Ok(AccountView { id: account, email: row.email, plan: row.plan })
}

/// Whether an account exists and is not suspended.
pub async fn is_active(context: &Context, account: AccountId) -> Result<bool> {
    Ok(store::is_active(context.database.read(), account).await?)
}

/// For operators: one account.
pub async fn get(context: &Context, caller: Caller, account: &str) -> Result<AccountRow> {
    caller.operator()?;
    let account: AccountId = account.parse().map_err(|_no_id| Error::NotFound("account"))?;
    let row = store::find_row(context.database.read(), account).await?;
    row.ok_or(Error::NotFound("account"))
}

/// For operators: accounts whose address contains the text, newest first.
pub async fn list(
    context: &Context,
    caller: Caller,
    search: &str,
    after: Option<&str>,
) -> Result<Page<AccountRow>> {
    caller.operator()?;
    let after = after.map(str::parse::<AccountId>).transpose().in_field("after")?;
    let rows = store::list(context.database.read(), search.trim(), after, PAGE_ROWS + 1).await?;
    Ok(page(rows, |row| row.id.to_string()))
}

/// Marks an account as suspended or not. Answers whether that changed anything.
pub(crate) async fn set_suspended(
    tx: &mut Write,
    account: AccountId,
    suspended_at: Option<i64>,
) -> Result<bool> {
    store::set_suspended(tx, account, suspended_at).await?.ok_or(Error::NotFound("account"))
}

/// Holds an account until the commit: whoever writes of its money does so first.
pub(crate) async fn hold(tx: &mut Write, account: AccountId) -> Result<()> {
    if store::hold(tx, account).await? { Ok(()) } else { Err(Error::NotFound("account")) }
}

/// Marks an account's plan as paid for or not. Answers whether that changed anything.
pub(crate) async fn set_unpaid(
    tx: &mut Write,
    account: AccountId,
    unpaid_at: Option<i64>,
) -> Result<bool> {
    Ok(store::set_unpaid(tx, account, unpaid_at).await?)
}

/// Whether an account's plan is not paid for, as a transaction sees it.
pub(crate) async fn is_unpaid(tx: &mut Write, account: AccountId) -> Result<bool> {
    Ok(store::is_unpaid(&mut **tx, account).await?)
}

/// Whether an account's plan is not paid for, to show it.
pub(crate) async fn view_is_unpaid(context: &Context, account: AccountId) -> Result<bool> {
    Ok(store::is_unpaid(context.database.read(), account).await?)
}

/// Gives an account a plan. Answers whether it had another one.
pub(crate) async fn set_plan(tx: &mut Write, account: AccountId, plan: PlanId) -> Result<bool> {
    store::set_plan(tx, account, plan).await?.ok_or(Error::NotFound("account"))
}

/// The day of the month on which the quotas of an account of this moment start anew: its own day
/// in UTC, as far as every month has it.
fn reset_day(now: i64) -> u8 {
    let day = Timestamp::from_millisecond(now).map(|it| it.to_zoned(TimeZone::UTC).day());
    day.ok().and_then(|it| u8::try_from(it).ok()).unwrap_or(1).min(28)
}
