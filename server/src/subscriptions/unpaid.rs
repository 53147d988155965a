//! What is not paid in time: whoever collects for it is asked, and it ends.

use myrelay_domain::ids::{AccountId, InstallationId, SubscriptionId};

use super::{DAY_MS, GRACE_MS, Link, PATIENCE_MS, SILENCE_MS, Subscription, store};
use crate::{Result, context::Context, database::Write};

/// The subscriptions whose provider is to be asked whether it collected: once when the paid time is
/// over, once more when it should have collected, again each day, and when the grace is over.
pub(crate) async fn unasked(tx: &mut Write, now: i64) -> Result<Vec<(SubscriptionId, Link)>> {
    let due = store::AskedWhen {
        paid_before: now,
        asked_before: now - DAY_MS,
        patience: PATIENCE_MS,
        collected_before: now - PATIENCE_MS,
        grace: GRACE_MS,
        over_before: now - GRACE_MS,
    };
    let found = store::unasked(tx, &due).await?;
    Ok(found.into_iter().filter_map(|it| Some((it.id, it.link?))).collect())
}

/// Writes down that its provider is to be asked.
pub(crate) async fn set_asked(tx: &mut Write, id: SubscriptionId, now: i64) -> Result<()> {
    Ok(store::set_asked(tx, id, now).await?)
}

/// Writes down that a provider answered what it was asked at this time.
pub(crate) async fn set_answered(
    tx: &mut Write,
    (plugin, provider_id): (InstallationId, &str),
    asked_at: i64,
) -> Result<()> {
    Ok(store::set_answered(tx, (plugin, provider_id), asked_at).await?)
}

/// The subscriptions that are to end, since nobody paid.
pub(crate) async fn unpaid(context: &Context) -> Result<Vec<Subscription>> {
    Ok(store::unpaid(context.database.read(), &ended_when(context.now()), None).await?)
}

/// The one of an account that is to end, since nobody paid.
pub(crate) async fn unpaid_of(
    context: &Context,
    tx: &mut Write,
    account: AccountId,
) -> Result<Option<Subscription>> {
    let when = ended_when(context.now());
    Ok(store::unpaid(&mut **tx, &when, Some(account)).await?.into_iter().next())
}

/// Their grace is over, and whoever collects for them said so after that, or does not answer.
fn ended_when(now: i64) -> store::EndedWhen {
    let paid_before = now - GRACE_MS;
    store::EndedWhen { paid_before, grace: GRACE_MS, silent_since: paid_before - SILENCE_MS }
}
