//! What is done later: providers are asked how things stand, and told what ended; what nobody paid
//! for ends.

use std::time::Duration;

use myrelay_plugin_host::{Answer, Call, Failure, types::ErrorKind};

use super::{Beside, books, call, payers, store};
use crate::{
    Error, Result, accounts,
    context::Context,
    plugins::{self, Ask, Installed},
    subscriptions,
};

/// How often the worker looks.
const EVERY: Duration = Duration::from_secs(5);
/// How many things are done in a round.
const AT_ONCE: i64 = 20;
/// How long a thing is left to whoever took it, in milliseconds: longer than any call may take.
const LEASE_MS: i64 = 90_000;
/// The pauses between asking how a checkout stands, and between tries, in milliseconds.
const PAUSES_MS: [i64; 8] = [
    60_000,
    5 * 60_000,
    30 * 60_000,
    2 * 3_600_000,
    6 * 3_600_000,
    12 * 3_600_000,
    24 * 3_600_000,
    24 * 3_600_000,
];
/// How long what providers reported is remembered, in milliseconds: none of them tries for longer.
const EVENTS_KEPT_MS: i64 = 90 * 24 * 3_600_000;

/// Works for as long as it is polled. Several portals may.
pub(crate) async fn work(context: Context) {
    loop {
        if let Err(error) = round(&context).await {
            let cause = match error {
                Error::Internal(cause) => format!("{cause:#}"),
                error => error.to_string(),
            };
            tracing::warn!(cause, "cannot look after payments");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Does what is due; answers whether there was anything to ask a provider.
pub(super) async fn round(context: &Context) -> Result<bool> {
    subscriptions::tell(context).await?;
    for subscription in subscriptions::overdue(context).await? {
        end_unpaid(context, subscription.account).await?;
    }
    let now = context.now();
    let mut tx = context.database.write().await?;
    store::hooks::prune(&mut tx, now - EVENTS_KEPT_MS).await?;
    tx.commit().await?;
    let due = store::tasks::due(context.database.read(), now, AT_ONCE).await?;
    let payers = if due.is_empty() { Vec::new() } else { payers(context).await? };
    for task in &due {
        if !store::tasks::take(context, task, now + LEASE_MS).await? {
            continue;
        }
        let plugin = payers.iter().find(|it| it.id == task.plugin && !it.rests(now));
        let Some(plugin) = plugin else { continue };
        if let Err(error) = run(context, plugin, task).await {
            tracing::warn!(plugin = %plugin.id, %error, "cannot ask a provider");
        }
    }
    Ok(!due.is_empty())
}

/// Ends what an account has, unless it was paid for meanwhile.
async fn end_unpaid(context: &Context, account: myrelay_domain::ids::AccountId) -> Result<()> {
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, account).await?;
    let active = subscriptions::active(&mut tx, account).await?;
    let Some(active) = active.filter(|it| it.is_overdue(context.now())) else { return Ok(()) };
    let changed = books::end(context, &mut tx, &active, "it was not paid for").await?;
    tx.commit().await?;
    for changed in changed {
        changed.tell(context);
    }
    Ok(())
}

async fn run(context: &Context, plugin: &Installed, task: &store::tasks::Task) -> Result<()> {
    if !plugins::is_ready(context, plugin).await? {
        return Ok(());
    }
    let id = task.provider_id.clone();
    let asked = Ask {
        call: match &*task.kind {
            store::tasks::RECONCILE => Call::Reconcile(id),
            kind => Call::CancelSubscription {
                subscription: id,
                at_period_end: kind == store::tasks::CANCEL_AT_END,
            },
        },
        about: None,
        delivery: format!("{}-{}-{}", task.kind, task.provider_id, task.created_at),
        attempt: u32::try_from(task.attempts + 1).unwrap_or(u32::MAX),
        at: context.now(),
    };
    let outcome = call(context, plugin, &asked, Beside::Nothing).await?;
    let again = match &outcome.result {
        // A checkout that is neither paid nor over is asked about again.
        Ok(Answer::Effects(_)) => {
            let asks = task.kind == store::tasks::RECONCILE;
            asks && store::checkouts::is_open(context, (plugin.id, &task.provider_id)).await?
        }
        Ok(_) => false,
        Err(Failure::Reported(error)) => matches!(
            error.kind,
            ErrorKind::Unavailable
                | ErrorKind::Indeterminate
                | ErrorKind::RateLimited
                | ErrorKind::Internal
                | ErrorKind::InvalidConfig
        ),
        Err(Failure::NotExported(_) | Failure::Invalid(_)) => false,
        Err(_) => true,
    };
    let pause = usize::try_from(task.attempts).ok().and_then(|it| PAUSES_MS.get(it));
    let mut tx = context.database.write().await?;
    match pause.filter(|_| again) {
        Some(pause) => store::tasks::again(&mut tx, task, context.now() + pause).await?,
        None => {
            if again {
                let what = &task.kind;
                tracing::warn!(plugin = %plugin.id, what, "a provider was asked in vain");
            }
            store::tasks::remove(&mut tx, task).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}
