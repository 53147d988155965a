//! Operators: the people who run the service, and the one-time link that makes the first one.

mod store;
#[cfg(test)]
mod tests;

use myrelay_app::contract::{AcceptInvite, OperatorView, SignIn};
use myrelay_domain::{email::Email, ids::OperatorId, password::Password, token::Token};
use serde_json::json;

use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    database::is_taken,
    error::InField,
    outbox::{self, Event},
};

/// How long a one-time link is good.
pub const INVITE_MS: i64 = 30 * 60 * 1000;

/// A one-time link's token, to show once.
pub struct Invite {
    pub token: Token,
    /// Milliseconds since 1970-01-01 UTC.
    pub expires_at: i64,
}

/// Whether there is any operator yet.
pub async fn any_exists(context: &Context) -> Result<bool> {
    Ok(store::count(context.database.read()).await? > 0)
}

/// Whether this operator exists.
pub async fn exists(context: &Context, operator: OperatorId) -> Result<bool> {
    Ok(store::find_email(context.database.read(), operator).await?.is_some())
}

/// Makes a one-time link for a new owner. Links made before are void.
pub async fn invite(context: &Context) -> Result<Invite> {
    let (token, now) = (context.new_token(), context.now());
    let expires_at = now + INVITE_MS;
    let mut tx = context.database.write().await?;
    store::delete_open_invites(&mut tx).await?;
    store::insert_invite(&mut tx, &token.hash(), expires_at, now).await?;
    tx.commit().await?;
    Ok(Invite { token, expires_at })
}

/// Whether a one-time link is still good.
pub async fn check_invite(context: &Context, token: &str) -> Result<()> {
    let token = Token::parse(token).map_err(|_no_token| Error::NotFound("link"))?;
    let invite = store::find_invite(context.database.read(), &token.hash()).await?;
    ensure_good(invite, context.now())
}

/// Makes the operator of a one-time link and uses the link up, in one transaction.
pub async fn accept_invite(context: &Context, input: AcceptInvite) -> Result<OperatorId> {
    check_invite(context, &input.token).await?;
    let token = Token::parse(&input.token).map_err(|_no_token| Error::NotFound("link"))?;
    let email = Email::parse(&input.email).in_field("email")?;
    let password = Password::new(input.password, email.as_str()).in_field("password")?;
    let hash = context.passwords.hash(password, context.random()).await?;

    let now = context.now();
    let mut tx = context.database.write().await?;
    if !store::use_invite(&mut tx, &token.hash(), now).await? {
        return Err(Error::invalid("token", "this link was used already or is over"));
    }
    let operator = context.new_id();
    let inserted = store::insert(&mut tx, operator, &email, &hash, "owner", now).await;
    if inserted.as_ref().is_err_and(is_taken) {
        return Err(Error::invalid("email", "an operator with this address exists; sign in"));
    }
    inserted?;
    let payload = json!({ "operator": operator });
    outbox::record(context, &mut tx, Event::OperatorCreated, None, payload).await?;
    tx.commit().await?;
    Ok(operator)
}

/// Finds the operator of an address and a password; unknown and wrong look and cost the same.
pub async fn sign_in(context: &Context, input: SignIn) -> Result<OperatorId> {
    let wrong = || Error::invalid("email", accounts::WRONG);
    let password = Password::typed(input.password).map_err(|_too_long| wrong())?;
    let found = match Email::parse(&input.email) {
        Ok(email) => store::find_by_email(context.database.read(), &email).await?,
        Err(_) => None,
    };
    let hash = found.as_ref().map(|(_, hash)| hash.clone());
    let fits = context.passwords.verify(password, hash).await?;
    match found {
        Some((operator, _)) if fits => Ok(operator),
        _ => Err(wrong()),
    }
}

/// The operator that asks.
pub async fn view(context: &Context, caller: Caller) -> Result<OperatorView> {
    let id = caller.operator()?;
    let email = store::find_email(context.database.read(), id).await?.ok_or(Error::SignedOut)?;
    Ok(OperatorView { id, email })
}

fn ensure_good(invite: Option<(i64, Option<i64>)>, now: i64) -> Result<()> {
    match invite {
        None => Err(Error::NotFound("link")),
        Some((_, Some(_))) => Err(Error::invalid(
            "token",
            "this link was used already; sign in, or make a new link with `myrelay operator invite`",
        )),
        Some((expires_at, None)) if expires_at <= now => Err(Error::invalid(
            "token",
            "this link is over; make a new one with `myrelay operator invite`",
        )),
        Some(_) => Ok(()),
    }
}
