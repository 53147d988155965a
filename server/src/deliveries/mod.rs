//! Deliveries: each event on its way to each plugin that listens to it, until it took it or nobody
//! tries any more.
//!
//! An event is dispatched once it is committed: a delivery for every plugin that listens. At least
//! once, in order for each account, whatever is killed when: a delivery is leased before it is
//! tried, and what the plugin wants done is written in the transaction that says that it was
//! delivered.

mod attempt;
mod carry;
mod store;
#[cfg(test)]
mod tests;
mod worker;

use async_trait::async_trait;
use myrelay_app::contract::{PluginRow, PluginView};
use myrelay_domain::ids::{AccountId, DeliveryId, EventId, InstallationId};

#[cfg(test)]
pub(crate) use self::worker::round_of;
pub(crate) use self::{
    attempt::{After, Load, Verdict, try_once},
    worker::{Work, log, work_on},
};
use crate::{
    Result,
    context::{Caller, Context},
    database::{Write, is_taken},
    outbox::{self, Waiting},
    plugins::{self, Installed, State},
};

/// How many events are dispatched in one transaction.
const DISPATCHED: i64 = 200;
/// How many calls of one plugin run at a time.
pub(crate) const AT_A_TIME: u32 = 8;
/// How long a lease lasts, in milliseconds: longer than any call may take.
pub(crate) const LEASE_MS: i64 = 90_000;
/// How long what was delivered is remembered, in milliseconds, and what was given up.
pub(crate) const DELIVERED_KEPT_MS: i64 = 7 * 24 * 3_600_000;
pub(crate) const DEAD_KEPT_MS: i64 = 60 * 24 * 3_600_000;
/// How many of those given up a page shows.
pub(crate) const DEAD_SHOWN: i64 = 50;

/// A delivery that is being tried.
#[derive(Clone, Debug)]
struct Leased {
    id: DeliveryId,
    event: EventId,
    /// The event's name in the outbox.
    kind: String,
    account: Option<AccountId>,
    sequence: u64,
    /// This one included.
    attempts: u32,
    payload: String,
    /// When the event happened.
    at: i64,
    created_at: i64,
    /// What this process leased it with.
    lease: String,
}

/// Events, as the worker carries them.
struct Events;

#[async_trait]
impl Work for Events {
    const WHAT: &'static str = "events";

    async fn find(&self, context: &Context) -> Result<bool> {
        let mut found = 0;
        loop {
            let dispatched = dispatch(context).await?;
            found += dispatched;
            if dispatched < usize::try_from(DISPATCHED).unwrap_or_default() {
                return Ok(0 < found);
            }
        }
    }

    async fn deliver_due(&self, context: &Context, plugin: &Installed) -> Result<bool> {
        carry::deliver_due(context, plugin).await
    }

    async fn prune(&self, context: &Context) -> Result<()> {
        prune(context).await
    }
}

/// Dispatches events and delivers them, for as long as it is polled. Several portals may.
pub(crate) async fn work(context: Context) {
    worker::work_on(context, Events).await;
}

/// Dispatches what was not, and tries what is due; answers whether there was anything.
#[cfg(test)]
pub(crate) async fn round(context: &Context) -> Result<bool> {
    worker::round_of(context, &Events).await
}

/// Makes a delivery of each event for each plugin that listens to it; answers of how many. There may
/// be more of them where it is [`DISPATCHED`].
async fn dispatch(context: &Context) -> Result<usize> {
    let waiting = outbox::waiting(context, DISPATCHED).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let now = context.now();
    let mut tx = context.database.write().await?;
    // After the events: whoever was enabled before one of them is among these.
    let listening = listening(plugins::all_in(&mut tx).await?);
    let ids: Vec<EventId> = waiting.iter().map(|it| it.id).collect();
    // Another portal may have been first with some.
    let ours = outbox::mark_dispatched(&mut tx, &ids, now).await?;
    let mut new = Vec::new();
    for Waiting { id, kind, account, at } in waiting.iter().filter(|it| ours.contains(&it.id)) {
        let Some(published) = outbox::published(kind) else { continue };
        let hears = |it: &&Listening| it.since <= *at && it.events.contains(&published);
        for Listening { plugin, .. } in listening.iter().filter(hears) {
            let (event, account) = (*id, *account);
            new.push(store::New { id: context.new_id(), plugin: *plugin, event, account });
        }
    }
    let inserted = store::insert(&mut tx, &new, now).await;
    if inserted.as_ref().is_err_and(is_taken) {
        // Another portal counted on for the same account: all of it is done once more.
        return Ok(usize::try_from(DISPATCHED).unwrap_or_default());
    }
    inserted?;
    tx.commit().await?;
    Ok(waiting.len())
}

/// A plugin that is enabled, and what it hears.
struct Listening {
    plugin: InstallationId,
    events: Vec<String>,
    since: i64,
}

fn listening(plugins: Vec<Installed>) -> Vec<Listening> {
    let listening = plugins.into_iter().filter_map(|it| {
        let since = it.enabled_at?;
        match it.manifest() {
            Ok(manifest) => Some(Listening { plugin: it.id, events: manifest.events, since }),
            // One that cannot be read holds up nobody else.
            Err(error) => {
                log(&format!("cannot read what {} listens to", it.id), &error);
                None
            }
        }
    });
    listening.collect()
}

/// For operators: all plugins by name, with what is on its way to each.
pub(crate) async fn list_plugins(context: &Context, caller: Caller) -> Result<Vec<PluginRow>> {
    caller.operator()?;
    let backlog = store::backlog(context.database.read()).await?;
    plugins::list(context, caller, &backlog).await
}

/// For operators: one plugin, with what is on its way to it and what was given up.
pub(crate) async fn get_plugin(
    context: &Context,
    caller: Caller,
    plugin: &str,
) -> Result<PluginView> {
    caller.operator()?;
    let found = plugins::get(context, plugin).await?;
    let backlog = store::backlog(context.database.read()).await?;
    let dead = store::dead(context.database.read(), found.id, DEAD_SHOWN).await?;
    plugins::view(context, caller, &found, (&backlog, dead)).await
}

/// One plugin in numbers, for monitors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PluginMetrics {
    /// What its publisher calls it.
    pub(crate) plugin: String,
    pub(crate) enabled: bool,
    /// Enabled, and stopped by the portal.
    pub(crate) stopped: bool,
    /// Failures since it did anything well.
    pub(crate) failures: u32,
    /// Nothing goes to it for a while, after failures.
    pub(crate) resting: bool,
    /// Events on their way, and events given up.
    pub(crate) waiting: u32,
    pub(crate) dead: u32,
    /// Since when the oldest of those waits that are on their way.
    pub(crate) oldest_at: Option<i64>,
}

/// All plugins, by name.
pub(crate) async fn metrics(context: &Context) -> Result<Vec<PluginMetrics>> {
    let backlog = store::backlog(context.database.read()).await?;
    let of = |plugin: &Installed| {
        let found = backlog.iter().find(|it| it.plugin == plugin.id);
        PluginMetrics {
            plugin: plugin.plugin.clone(),
            enabled: plugin.state != State::Disabled,
            stopped: matches!(plugin.state, State::Stopped(_)),
            failures: plugin.health.failures,
            resting: plugin.rests(context.now()),
            waiting: found.map_or(0, |it| it.waiting),
            dead: found.map_or(0, |it| it.dead),
            oldest_at: found.and_then(|it| it.oldest_at),
        }
    };
    Ok(plugins::all(context).await?.iter().map(of).collect())
}

/// Puts one of those that were given up on its way again, or all; answers how many. To be called with
/// the plugin held.
pub(crate) async fn revive(
    context: &Context,
    tx: &mut Write,
    plugin: InstallationId,
    delivery: Option<DeliveryId>,
) -> Result<u64> {
    Ok(store::revive(tx, plugin, delivery, context.now()).await?)
}

/// Puts those that were given up on their way again, this one and all after it; answers whether this
/// is one of them. To be called with the plugin held.
pub(crate) async fn revive_from(
    context: &Context,
    tx: &mut Write,
    plugin: InstallationId,
    first: DeliveryId,
) -> Result<bool> {
    let is_dead = store::is_dead(tx, plugin, first).await?;
    store::revive_from(tx, plugin, first, context.now()).await?;
    Ok(is_dead)
}

/// Has what waits of a plugin tried now. To be called with the plugin held.
pub(crate) async fn hurry(context: &Context, tx: &mut Write, plugin: InstallationId) -> Result<()> {
    Ok(store::hurry(tx, plugin, context.now()).await?)
}

/// Forgets what is over.
async fn prune(context: &Context) -> Result<()> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    store::prune(&mut tx, now - DELIVERED_KEPT_MS, now - DEAD_KEPT_MS).await?;
    tx.commit().await?;
    plugins::prune(context).await
}
