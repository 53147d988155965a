//! Tokens: programs manage the devices of one pod with them, and nothing else.

mod store;
#[cfg(test)]
mod tests;

use myrelay_app::contract::{CreateToken, CreatedToken, TokenRow, TokenView, TokensView};
use myrelay_domain::{ids::TokenId, names::Name, token::Token};
use serde_json::json;

use crate::{
    Error, Result,
    context::{Caller, Context},
    database::is_taken,
    error::InField,
    outbox::{self, Event},
    pods,
};

/// The most tokens that a pod has, those that are over included.
pub const MAX_TOKENS: u32 = 20;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Makes a token for a pod of the account that asks. This is the only time that its text is told.
pub async fn create(context: &Context, caller: Caller, input: CreateToken) -> Result<CreatedToken> {
    let account = caller.account()?;
    let name = Name::parse(&input.name).in_field("name")?;
    let now = context.now();
    let expires_at = lifetime(&input.expiry)?.map(|it| now + it);

    let mut tx = context.database.write().await?;
    let pod = pods::get_own(&mut tx, account, &input.pod).await?;
    let slots = store::slots(&mut tx, pod.id).await?;
    if slots.iter().any(|(_, taken)| taken == name.as_str()) {
        let message = "another token here has this name".to_owned();
        return Err(Error::Taken { field: "name", message });
    }
    let is_free = |slot: &u32| slots.iter().all(|(taken, _)| taken != slot);
    let slot = (0..MAX_TOKENS).find(is_free).ok_or_else(|| {
        let message =
            format!("a location has at most {MAX_TOKENS} tokens; revoke one to make another");
        Error::Limit(message)
    })?;

    let (id, token) = (context.new_id(), context.new_token());
    let row =
        store::NewToken { id, pod: pod.id, slot, name: &name, hash: token.hash(), expires_at };
    let inserted = store::insert(&mut tx, &row, now).await;
    if inserted.as_ref().is_err_and(is_taken) {
        // Another one was made in the same moment.
        return Err(Error::Busy { retry_after_s: 1 });
    }
    inserted?;
    let payload = json!({ "token": id, "pod": pod.id });
    outbox::record(context, &mut tx, Event::TokenCreated, Some(account), payload).await?;
    tx.commit().await?;
    Ok(CreatedToken {
        pod: pod.id,
        location: pod.location,
        name: name.to_string(),
        token: token.expose_for_pod(),
        expires_at,
    })
}

/// The tokens of a pod of the account that asks, newest first.
pub async fn list(context: &Context, caller: Caller, pod: &str) -> Result<TokensView> {
    caller.account()?;
    let pod = pods::get_row(context, caller, pod).await?;
    let tokens = store::list(context.database.read(), pod.id).await?;
    Ok(TokensView { pod: pod.id, location: pod.location, tokens, limit: MAX_TOKENS })
}

/// One of them.
pub async fn get(context: &Context, caller: Caller, pod: &str, token: &str) -> Result<TokenView> {
    let token = parse_id(token)?;
    let TokensView { pod, location, tokens, .. } = list(context, caller, pod).await?;
    let found: Option<TokenRow> = tokens.into_iter().find(|it| it.id == token);
    let token = found.ok_or(Error::NotFound("token"))?;
    Ok(TokenView { pod, location, token })
}

/// Revokes a token: from the next request on it is worth nothing.
pub async fn revoke(context: &Context, caller: Caller, pod: &str, token: &str) -> Result<()> {
    let account = caller.account()?;
    let token = parse_id(token)?;
    let mut tx = context.database.write().await?;
    let pod = pods::get_own(&mut tx, account, pod).await?;
    if !store::delete(&mut tx, pod.id, token).await? {
        return Err(Error::NotFound("token"));
    }
    let payload = json!({ "token": token, "pod": pod.id });
    outbox::record(context, &mut tx, Event::TokenRevoked, Some(account), payload).await?;
    tx.commit().await?;
    Ok(())
}

/// For whom a token speaks that somebody presents. None: it is no token, unknown, over or
/// revoked, its pod is deleted, or its account suspended; nobody is told which.
pub async fn identify(context: &Context, text: &str) -> Result<Option<(TokenId, Caller)>> {
    let Ok(token) = Token::parse_for_pod(text) else { return Ok(None) };
    let now = context.now();
    let found = store::find_live(context.database.read(), &token.hash(), now).await?;
    let Some(found) = found else { return Ok(None) };
    let today = now - now.rem_euclid(DAY_MS);
    if found.used_at.is_none_or(|day| day < today) {
        // Whether it can be written down decides nothing about who asks.
        if let Err(error) = note_use(context, found.id, today).await {
            tracing::warn!(%error, "cannot write down that a token was used");
        }
    }
    let caller = Caller::PodToken { account: found.account, pod: found.pod };
    Ok(Some((found.id, caller)))
}

async fn note_use(context: &Context, token: TokenId, day: i64) -> Result<()> {
    let mut tx = context.database.write().await?;
    store::set_used(&mut tx, token, day).await?;
    tx.commit().await?;
    Ok(())
}

/// How long a token lives, in milliseconds; none: until it is revoked.
fn lifetime(expiry: &str) -> Result<Option<i64>> {
    match expiry {
        "30-days" => Ok(Some(30 * DAY_MS)),
        "1-year" => Ok(Some(365 * DAY_MS)),
        "never" => Ok(None),
        _ => Err(Error::invalid("expiry", "choose when the token ends")),
    }
}

fn parse_id(token: &str) -> Result<TokenId> {
    token.parse().map_err(|_no_id| Error::NotFound("token"))
}
