//! What is done later: providers are asked how things stand, and told what ended; what nobody paid
//! for ends.

use std::time::Duration;

use myrelay_plugin_host::{Answer, Call, Failure, billing_types::Effect, types::ErrorKind};

use super::{Beside, books, call, payers, store};
use crate::{
    Error, Result, accounts,
    context::Context,
    ledger,
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
        logged("look after payments", round(&context).await.map(drop));
        tokio::time::sleep(EVERY).await;
    }
}

/// Does what is due; answers whether there was anything to ask a provider, or to end.
pub(super) async fn round(context: &Context) -> Result<bool> {
    logged("tell of what will run out", subscriptions::tell(context).await);
    logged("ask whether it was collected", ask_unpaid(context).await);
    let now = context.now();
    let mut tx = context.database.write().await?;
    store::hooks::prune(&mut tx, now - EVENTS_KEPT_MS).await?;
    tx.commit().await?;
    let due = store::tasks::due(context.database.read(), now, AT_ONCE).await?;
    let payers = if due.is_empty() { Vec::new() } else { payers(context).await? };
    for task in &due {
        let lease = now + LEASE_MS;
        if !store::tasks::take(context, task, lease).await? {
            continue;
        }
        let plugin = payers.iter().find(|it| it.id == task.plugin && it.serves(now));
        let Some(plugin) = plugin else { continue };
        logged("ask a provider", run(context, plugin, (task, lease)).await);
    }
    // Last: what was asked may have been answered.
    logged("tell of what ran out", subscriptions::tell_past_due(context).await);
    let unpaid = subscriptions::unpaid(context).await?;
    for subscription in &unpaid {
        logged("end what is not paid", end_unpaid(context, subscription.account).await);
    }
    Ok(!due.is_empty() || !unpaid.is_empty())
}

/// One thing that goes wrong holds up nothing else.
fn logged(what: &str, done: Result<()>) {
    if let Err(error) = done {
        let cause = match error {
            Error::Internal(cause) => format!("{cause:#}"),
            error => error.to_string(),
        };
        tracing::warn!(cause, "cannot {what}");
    }
}

/// Has providers asked whether they collected what should be paid by now: what they reported may
/// have been lost.
async fn ask_unpaid(context: &Context) -> Result<()> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    for (id, link) in subscriptions::unasked(&mut tx, now).await? {
        subscriptions::set_asked(&mut tx, id, now).await?;
        let task = (link.plugin, store::tasks::RECONCILE, &*link.provider_id);
        store::tasks::add(&mut tx, task, now, now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends what an account has, unless it was paid for meanwhile.
async fn end_unpaid(context: &Context, account: myrelay_domain::ids::AccountId) -> Result<()> {
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, account).await?;
    let unpaid = subscriptions::unpaid_of(context, &mut tx, account).await?;
    let Some(active) = unpaid else { return Ok(()) };
    let price = active.price();
    let changed = if price.minor <= ledger::credit(&mut tx, account, price.currency).await? {
        // It is paid with what the account has.
        let invoice = subscriptions::next_invoice(context, &mut tx, &active).await?;
        books::settle(context, &mut tx, invoice).await?.unwrap_or_default()
    } else {
        books::end(context, &mut tx, &active, "it was not paid for").await?
    };
    tx.commit().await?;
    for changed in changed {
        changed.tell(context);
    }
    Ok(())
}

async fn run(
    context: &Context,
    plugin: &Installed,
    (task, lease): (&store::tasks::Task, i64),
) -> Result<()> {
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
    let asks = task.kind == store::tasks::RECONCILE;
    let own = |it: &Effect| matches!(it, Effect::NeedsReconcile(id) if *id == task.provider_id);
    let again = match &outcome.result {
        // A checkout that is neither paid nor over is asked about again.
        Ok(Answer::Effects(effects)) => {
            let open = (plugin.id, &*task.provider_id);
            asks && (effects.iter().any(own) || store::checkouts::is_open(context, open).await?)
        }
        Ok(_) => false,
        // Whoever is not told goes on collecting.
        Err(Failure::Reported(error)) if !asks => {
            !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict)
        }
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
    let attempts = usize::try_from(task.attempts).unwrap_or(usize::MAX);
    let last = if asks { None } else { PAUSES_MS.last() };
    let pause = PAUSES_MS.get(attempts).or(last).filter(|_| again);
    if again && PAUSES_MS.len() <= attempts + 1 {
        tracing::warn!(plugin = %plugin.id, what = task.kind, "a provider is asked in vain");
    }
    let mut tx = context.database.write().await?;
    if asks && !again {
        // What came of it is written.
        let known = (task.plugin, &*task.provider_id);
        subscriptions::set_answered(&mut tx, known, asked.at).await?;
    }
    match pause {
        Some(pause) => store::tasks::again(&mut tx, task, context.now() + pause).await?,
        // Unless it was wanted once more meanwhile.
        None => store::tasks::remove(&mut tx, task, lease).await?,
    }
    tx.commit().await?;
    Ok(())
}
