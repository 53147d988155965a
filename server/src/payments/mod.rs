//! Payments: how customers pay, what providers say happened, and what that changes.
//!
//! A plugin asks its provider and reports effects. They are checked, and written in one transaction
//! with the plugin's own memory: the payment, the books, the subscription and the account's access,
//! or nothing of it. Whatever is told twice counts once, and nobody gets access by coming back from
//! a provider's page.

mod books;
mod checkout;
mod effects;
mod hooks;
mod operators;
mod provider_page;
mod store;
mod tasks;
#[cfg(test)]
pub(crate) mod tests;
mod views;

use myrelay_domain::ids::{CheckoutId, InstallationId, InvoiceId};
use myrelay_plugin_host::{Answer, Failure, Outcome, types::ErrorKind, webhooks};

pub(crate) use self::{
    checkout::{begin_checkout, cancel_subscription, check_payment},
    hooks::{Hook, Taken, receive},
    operators::{end_subscription, mark_paid, refund},
    provider_page::provider_page,
    tasks::work,
    views::{account_billing, billing, get_invoice, get_payment, list_awaited, list_payments},
};
use crate::{
    Error, Result,
    context::Context,
    database::Write,
    plugins::{self, Ask, Installed, Settled},
};

/// How often a call is made again because something that its plugin remembers was written
/// meanwhile.
const CALLS: u32 = 3;
/// What an effect that is refused is an error of.
const EFFECT: &str = "effect";

/// What is written beside the effects of a call.
enum Beside {
    Nothing,
    /// The answer to this checkout.
    Checkout(CheckoutId),
}

/// Calls a plugin, and writes what came of it: all of it or nothing. Effects that are not sound are
/// a failure of the call.
async fn call(
    context: &Context,
    plugin: &Installed,
    asked: &Ask,
    beside: Beside,
) -> Result<Outcome> {
    for _ in 0..CALLS {
        let mut outcome = plugins::ask(context, plugin, asked).await?;
        let mut tx = context.database.write().await?;
        if plugins::settle(context, &mut tx, plugin, asked, &outcome).await? == Settled::Beaten {
            continue;
        }
        match write(context, &mut tx, plugin, (&outcome, &beside)).await {
            Ok(changed) => {
                tx.commit().await?;
                for changed in changed {
                    changed.tell(context);
                }
            }
            Err(Error::Invalid { field: EFFECT, message }) => {
                tx.rollback().await?;
                tracing::warn!(plugin = %plugin.id, why = message, "a plugin's effect was refused");
                plugins::refuse(context, plugin, asked, &outcome, &message).await?;
                outcome.result = Err(Failure::Refused(message));
            }
            Err(error) => return Err(error),
        }
        return Ok(outcome);
    }
    Err(Error::Busy { retry_after_s: 1 })
}

async fn write(
    context: &Context,
    tx: &mut Write,
    plugin: &Installed,
    (outcome, beside): (&Outcome, &Beside),
) -> Result<Vec<crate::pods::Changed>> {
    if let Ok(answer) = &outcome.result {
        provider_page::ensure_granted(plugin, answer)?;
    }
    if let (Beside::Checkout(id), Ok(Answer::Checkout(begun))) = (beside, &outcome.result) {
        checkout::write(context, tx, (*id, plugin.id), begun).await?;
    }
    if let Ok(Answer::Webhook(webhooks::Outcome::Accepted(event))) = &outcome.result
        && !store::hooks::insert(tx, plugin.id, &event.event_id, context.now()).await?
    {
        // It was taken before.
        return Ok(Vec::new());
    }
    effects::apply(context, tx, plugin, outcome.effects()).await
}

/// An effect that no plugin may want.
fn refused(why: impl ToString) -> Error {
    Error::invalid(EFFECT, why)
}

fn parse_invoice(id: &str) -> Result<InvoiceId> {
    id.parse().map_err(|_no_id| Error::NotFound("invoice"))
}

/// A plugin that takes payments, where it is called now; or why it is not.
async fn payer(context: &Context, id: &str) -> Result<Installed> {
    let id: InstallationId = id.parse().map_err(|_no_id| Error::NotFound("way to pay"))?;
    let found = payers(context).await?.into_iter().find(|it| it.id == id);
    let found = found.ok_or(Error::NotFound("way to pay"))?;
    found.ensure_serves(context.now())?;
    Ok(found)
}

/// The plugins that take payments, by name, whether they work or not.
async fn payers(context: &Context) -> Result<Vec<Installed>> {
    plugins::of_kind(context, myrelay_plugin_host::Kind::Billing).await
}

/// Whether a provider may have done what a call was for that failed, and nobody knows. A plugin that
/// breaks may do so after its provider answered.
fn may_be_done(failure: &Failure) -> bool {
    match failure {
        Failure::Reported(error) => {
            matches!(error.kind, ErrorKind::Indeterminate | ErrorKind::Internal)
        }
        Failure::Trap { .. } | Failure::Limit { .. } | Failure::Refused(_) => true,
        _ => false,
    }
}

/// What somebody reads who wanted to pay, or to give back.
fn told(plugin: &Installed, failure: &Failure) -> Error {
    let name = plugin.name();
    match failure {
        Failure::Reported(error) => match &error.public_message {
            Some(message) => Error::Unavailable(format!("{name}: {message}")),
            None => Error::Unavailable(format!(
                "{name} does not work at the moment: try again later, or in another way"
            )),
        },
        Failure::Busy(_) => Error::Busy { retry_after_s: 5 },
        _ => Error::Unavailable(format!(
            "{name} does not work at the moment: try again later, or in another way"
        )),
    }
}
