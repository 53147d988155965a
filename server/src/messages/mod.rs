//! Messages: what accounts are told of, each on its way to each channel that wants it.
//!
//! A message is made of an event once that is committed: one for every channel. Its words are made
//! when it is tried, so that none of them lie in the database. It is leased, tried again and given
//! up as an event's delivery is.

mod attempt;
mod outgoing;
mod store;
mod templates;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, btree_map::Entry};

use async_trait::async_trait;
use myrelay_app::contract::{MessageKind, MessageRow, NotificationsView, PluginRow, PluginView};
use myrelay_domain::ids::{AccountId, ChannelId, DeliveryId, EventId, InstallationId};

use crate::{
    Error, Result, accounts,
    channels::{self, Channel},
    context::{Caller, Context},
    database::Write,
    deliveries::{
        self, AT_A_TIME, DEAD_KEPT_MS, DEAD_SHOWN, LEASE_MS, PluginMetrics, Work, log, work_on,
    },
    jobs,
    outbox::{self, Untold},
    plugins::{self, Backlog, Installed},
};

pub(crate) use self::outgoing::{outgoing, send_again, send_all_again};

/// How many events become messages in one transaction.
const TOLD: i64 = 200;
/// The most messages that one channel gets in an hour: they cost the operator money.
const AN_HOUR: i64 = 60;
const HOUR_MS: i64 = 3_600_000;
/// How long what is over is remembered, in milliseconds.
const KEPT_MS: i64 = 30 * 24 * HOUR_MS;
/// How many messages a customer sees.
const SHOWN: i64 = 20;

/// A message that is to be.
struct New {
    id: DeliveryId,
    channel: ChannelId,
    plugin: InstallationId,
    account: AccountId,
    kind: MessageKind,
    /// Whether it is one too many.
    dropped: bool,
}

/// A message that is due.
struct Due {
    id: DeliveryId,
    account: AccountId,
    kind: MessageKind,
}

/// A message that is being tried.
#[derive(Clone)]
struct Leased {
    id: DeliveryId,
    channel: ChannelId,
    account: AccountId,
    kind: MessageKind,
    /// The event's name in the outbox.
    event: String,
    payload: String,
    /// This one included.
    attempts: u32,
    /// When the event happened.
    at: i64,
    created_at: i64,
    /// What this process leased it with.
    lease: String,
}

/// Messages, as the worker carries them.
struct Messages;

#[async_trait]
impl Work for Messages {
    const WHAT: &'static str = "messages";

    async fn find(&self, context: &Context) -> Result<bool> {
        while tell(context).await? {}
        // People read later than half a second.
        Ok(false)
    }

    async fn deliver_due(&self, context: &Context, plugin: &Installed) -> Result<bool> {
        deliver_due(context, plugin).await
    }

    async fn prune(&self, context: &Context) -> Result<()> {
        let now = context.now();
        let mut tx = context.database.write().await?;
        store::prune(&mut tx, now - KEPT_MS, now - DEAD_KEPT_MS).await?;
        tx.commit().await?;
        channels::prune(context).await
    }
}

/// Makes messages of events and delivers them, for as long as it is polled. Several portals may.
pub(crate) async fn work(context: Context) {
    work_on(context, Messages).await;
}

/// Makes messages of what is new, and tries what is due; answers whether there was anything.
#[cfg(test)]
pub(crate) async fn round(context: &Context) -> Result<bool> {
    deliveries::round_of(context, &Messages).await
}

/// Makes a message of each event for each channel that wants it; answers whether there may be more.
async fn tell(context: &Context) -> Result<bool> {
    let untold = outbox::untold(context, TOLD).await?;
    if untold.is_empty() {
        return Ok(false);
    }
    let now = context.now();
    let mut tx = context.database.write().await?;
    let ids: Vec<EventId> = untold.iter().map(|it| it.id).collect();
    // Another portal may have been first with some.
    let ours = outbox::mark_told(&mut tx, &ids, now).await?;
    let mut known = BTreeMap::new();
    for event in untold.iter().filter(|it| ours.contains(&it.id)) {
        let told = templates::of(&event.kind).zip(event.account);
        let Some((template, account)) = told else { continue };
        let channels = match known.entry(account) {
            Entry::Occupied(it) => it.into_mut(),
            Entry::Vacant(it) => it.insert(channels::of_account(&mut tx, account).await?),
        };
        for new in wanted(context, &mut tx, event, (template.kind, channels)).await? {
            store::insert(&mut tx, &new, event.id, now).await?;
        }
    }
    tx.commit().await?;
    Ok(untold.len() == usize::try_from(TOLD).unwrap_or_default())
}

/// The messages of one event to these channels of its account.
async fn wanted(
    context: &Context,
    tx: &mut Write,
    event: &Untold,
    (kind, channels): (MessageKind, &[Channel]),
) -> Result<Vec<New>> {
    let mut new = Vec::new();
    for channel in channels {
        // Whoever just confirmed a channel needs no message there that says so.
        let about_it = event.payload.contains(&channel.id.to_string());
        if about_it || !channel.takes(kind) {
            continue;
        }
        let lately = store::count_since(tx, channel.id, context.now() - HOUR_MS).await?;
        new.push(New {
            id: context.new_id(),
            channel: channel.id,
            plugin: channel.plugin,
            account: channel.account,
            kind,
            dropped: AN_HOUR <= lately,
        });
    }
    Ok(new)
}

/// Tries what is due of one plugin; answers whether anything was.
async fn deliver_due(context: &Context, plugin: &Installed) -> Result<bool> {
    let most = plugin.health.calls_at_a_time(AT_A_TIME);
    let due = store::due(context.database.read(), plugin.id, context.now(), most).await?;
    // Loading may take longer than a lease.
    if due.is_empty() || !plugins::is_ready(context, plugin).await? {
        return Ok(false);
    }
    let leased = lease(context, due).await?;
    let tries = leased.iter().map(|it| attempt::attempt(context, plugin, it));
    for tried in futures::future::join_all(tries).await {
        if let Err(error) = tried {
            // One that cannot be made ready holds up nobody else's: its lease ends by itself.
            log(&format!("cannot deliver a message by {}", plugin.id), &error);
        }
    }
    Ok(true)
}

/// Takes what is due, but for what has to wait for the end of quiet hours.
async fn lease(context: &Context, due: Vec<Due>) -> Result<Vec<Leased>> {
    let now = context.now();
    let lease = context.new_request_id();
    let mut quiet = Vec::new();
    for message in &due {
        let waits = match message.kind {
            MessageKind::Security => None,
            _ => channels::quiet_until(context, message.account).await?,
        };
        quiet.push(waits);
    }
    let mut tx = context.database.write().await?;
    let mut leased = Vec::new();
    for (Due { id, .. }, quiet) in due.into_iter().zip(quiet) {
        if let Some(until) = quiet {
            store::postpone(&mut tx, id, (now, until)).await?;
        } else if store::lease(&mut tx, id, &lease, (now, now + LEASE_MS)).await? {
            leased.extend(store::read_leased(&mut tx, id, &lease).await?);
        }
    }
    tx.commit().await?;
    Ok(leased)
}

/// All that the account that asks sees of notifications.
pub(crate) async fn view(context: &Context, caller: Caller) -> Result<NotificationsView> {
    let account = caller.account()?;
    let (carriers, stopped) = channels::carriers(context, caller).await?;
    Ok(NotificationsView {
        channels: channels::list(context, caller).await?,
        limit: channels::MAX_CHANNELS,
        carriers,
        stopped,
        email: accounts::view(context, caller).await?.email,
        quiet: channels::quiet(context, caller).await?,
        messages: recent(context, account).await?,
    })
}

async fn recent(context: &Context, account: AccountId) -> Result<Vec<MessageRow>> {
    let mut rows = store::recent(context.database.read(), account, SHOWN).await?;
    for row in &mut rows {
        // The row has the event's name.
        templates::title(&row.subject).clone_into(&mut row.subject);
    }
    Ok(rows)
}

/// For operators: all plugins by name, with the events and messages on their way to each.
pub(crate) async fn list_plugins(context: &Context, caller: Caller) -> Result<Vec<PluginRow>> {
    let mut rows = deliveries::list_plugins(context, caller).await?;
    let backlog = store::backlog(context.database.read()).await?;
    for row in &mut rows {
        add(&mut row.waiting, &mut row.dead, &backlog, row.id);
    }
    Ok(rows)
}

fn add(waiting: &mut u32, dead: &mut u32, backlog: &[Backlog], plugin: InstallationId) {
    if let Some(more) = backlog.iter().find(|it| it.plugin == plugin) {
        *waiting = waiting.saturating_add(more.waiting);
        *dead = dead.saturating_add(more.dead);
    }
}

/// For operators: one plugin, with the events and messages on their way to it, and those given up.
pub(crate) async fn get_plugin(
    context: &Context,
    caller: Caller,
    plugin: &str,
) -> Result<PluginView> {
    let mut view = deliveries::get_plugin(context, caller, plugin).await?;
    let pool = context.database.read();
    let backlog = store::backlog(pool).await?;
    add(&mut view.row.waiting, &mut view.row.dead, &backlog, view.row.id);
    view.dead.extend(store::dead(pool, view.row.id, DEAD_SHOWN).await?);
    // As they were put on their way, which is what "after it" means.
    view.dead.sort_by_key(|it| it.id.to_string());
    view.jobs = jobs::list(context, caller, plugin).await?;
    Ok(view)
}

/// All plugins in numbers, by name.
pub(crate) async fn metrics(context: &Context) -> Result<Vec<PluginMetrics>> {
    let mut all = deliveries::metrics(context).await?;
    let backlog = store::backlog(context.database.read()).await?;
    let plugins = plugins::all(context).await?;
    for one in &mut all {
        if let Some(found) = plugins.iter().find(|it| it.plugin == one.plugin) {
            add(&mut one.waiting, &mut one.dead, &backlog, found.id);
            let more = backlog.iter().find(|it| it.plugin == found.id);
            let both = one.oldest_at.into_iter().chain(more.and_then(|it| it.oldest_at));
            one.oldest_at = both.min();
        }
    }
    Ok(all)
}

/// For operators: enables a plugin, or has it tried again with all that waits.
pub(crate) async fn enable_plugin(context: &Context, caller: Caller, plugin: &str) -> Result<()> {
    plugins::enable(context, caller, plugin).await?;
    let plugin = plugins::get(context, plugin).await?.id;
    let mut tx = context.database.write().await?;
    plugins::hold(&mut tx, plugin).await?;
    deliveries::hurry(context, &mut tx, plugin).await?;
    store::hurry(&mut tx, plugin, context.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// For operators: puts an event or a message that was given up on its way again, or all.
///
/// # Errors
/// [`Error::NotFound`] where it is none of this plugin's that were given up.
pub(crate) async fn replay(
    context: &Context,
    caller: Caller,
    plugin: &str,
    delivery: Option<&str>,
) -> Result<()> {
    caller.operator()?;
    let plugin = plugins::get(context, plugin).await?.id;
    let parse = |it: &str| it.parse().map_err(|_no_id| Error::NotFound("delivery"));
    let one: Option<DeliveryId> = delivery.map(parse).transpose()?;
    let mut tx = context.database.write().await?;
    plugins::hold(&mut tx, plugin).await?;
    let events = deliveries::revive(context, &mut tx, plugin, one).await?;
    let messages = store::revive(&mut tx, plugin, one, context.now()).await?;
    if events + messages == 0 && one.is_some() {
        return Err(Error::NotFound("delivery"));
    }
    tx.commit().await?;
    Ok(())
}

/// For operators: puts an event or a message that was given up on its way again, with all events and
/// messages that were put on theirs after it and given up.
///
/// # Errors
/// [`Error::NotFound`] where it is none of this plugin's that were given up; then none is.
pub(crate) async fn replay_from(
    context: &Context,
    caller: Caller,
    plugin: &str,
    first: &str,
) -> Result<()> {
    caller.operator()?;
    let plugin = plugins::get(context, plugin).await?.id;
    let first: DeliveryId = first.parse().map_err(|_no_id| Error::NotFound("delivery"))?;
    let mut tx = context.database.write().await?;
    plugins::hold(&mut tx, plugin).await?;
    let is_message = store::is_dead(&mut tx, plugin, first).await?;
    let is_event = deliveries::revive_from(context, &mut tx, plugin, first).await?;
    if !is_message && !is_event {
        return Err(Error::NotFound("delivery"));
    }
    store::revive_from(&mut tx, plugin, first, context.now()).await?;
    tx.commit().await?;
    Ok(())
}
