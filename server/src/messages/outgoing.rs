//! What operators see of messages that did not arrive, and how those that were given up are sent
//! again.

use myrelay_app::contract::{
    OutgoingRow, OutgoingState, OutgoingView, OutgoingWanted, PAGE_ROWS, PluginRow, PluginState,
};
use myrelay_domain::ids::{DeliveryId, InstallationId};

use super::{store, templates};
use crate::{
    Error, Result,
    context::{Caller, Context},
    error::InField,
    paging::page,
    plugins,
};

/// What people call one.
const MESSAGE: &str = "message";

/// For operators: a page of the messages that are looked for.
pub(crate) async fn outgoing(
    context: &Context,
    caller: Caller,
    wanted: OutgoingWanted,
    after: Option<&str>,
) -> Result<OutgoingView> {
    caller.operator()?;
    let only = match &wanted.plugin {
        Some(plugin) => Some(plugins::get(context, plugin).await?.id),
        None => None,
    };
    let after = after.map(str::parse::<DeliveryId>).transpose().in_field("after")?;
    let pool = context.database.read();
    let backlog = store::backlog(pool).await?;
    let carriers = plugins::list(context, caller, &backlog).await?;
    let most = PAGE_ROWS + 1;
    let stored = store::outgoing::list(pool, (only, wanted.given_up), after, most).await?;
    let now = context.now();
    let rows: Vec<_> = stored.into_iter().map(|it| row(it, &carriers, now)).collect();
    let counted = || carriers.iter().filter(|it| only.is_none_or(|only| only == it.id));
    Ok(OutgoingView {
        carrier: only.and_then(|it| carrier(&carriers, it)).map(|it| it.name.clone()),
        waiting: counted().map(|it| it.waiting).fold(0, u32::saturating_add),
        given_up: counted().map(|it| it.dead).fold(0, u32::saturating_add),
        messages: page(rows, |it| it.id.to_string()),
        wanted: OutgoingWanted { plugin: only.map(|it| it.to_string()), ..wanted },
    })
}

fn carrier(carriers: &[PluginRow], plugin: InstallationId) -> Option<&PluginRow> {
    carriers.iter().find(|it| it.id == plugin)
}

fn row(stored: store::outgoing::Stored, carriers: &[PluginRow], now: i64) -> OutgoingRow {
    let carrier = carrier(carriers, stored.plugin);
    OutgoingRow {
        id: stored.id,
        about: templates::title(&stored.event).to_owned(),
        kind: stored.kind,
        account: stored.account,
        plugin: stored.plugin,
        state: state(&stored, carrier.map(|it| it.state), now),
        carrier: carrier.map(|it| it.name.clone()).unwrap_or_default(),
        attempts: stored.attempts,
        failure: stored.failure,
        created_at: stored.created_at,
    }
}

fn state(
    stored: &store::outgoing::Stored,
    carrier: Option<PluginState>,
    now: i64,
) -> OutgoingState {
    if let Some(since) = stored.dead_at {
        return match templates::is_late(&stored.event, stored.happened_at, now) {
            true => OutgoingState::TooLate(since),
            false => OutgoingState::GivenUp(since),
        };
    }
    let is_called = matches!(carrier, Some(PluginState::Enabled | PluginState::Failing));
    match stored.due_at {
        _ if stored.leased_until.is_some_and(|it| now < it) => OutgoingState::Trying,
        _ if !is_called => OutgoingState::StandsStill,
        // What nobody tried and is put off is so by the customer's own wish.
        due if now < due && stored.attempts == 0 && stored.failure.is_none() => {
            OutgoingState::Quiet(due)
        }
        due if now < due => OutgoingState::Later(due),
        _ => OutgoingState::InTurn,
    }
}

/// For operators: puts all that were given up on their way again, or those of one plugin.
pub(crate) async fn send_all_again(
    context: &Context,
    caller: Caller,
    plugin: Option<&str>,
) -> Result<()> {
    caller.operator()?;
    let plugins = match plugin {
        Some(plugin) => vec![plugins::get(context, plugin).await?.id],
        None => plugins::all(context).await?.into_iter().map(|it| it.id).collect(),
    };
    for plugin in plugins {
        revive(context, plugin, None).await?;
    }
    Ok(())
}

/// For operators: puts one that was given up on its way again.
pub(crate) async fn send_again(context: &Context, caller: Caller, message: &str) -> Result<()> {
    caller.operator()?;
    let message: DeliveryId = message.parse().map_err(|_no_id| Error::NotFound(MESSAGE))?;
    let plugin = store::outgoing::plugin_of(context.database.read(), message).await?;
    let plugin = plugin.ok_or(Error::NotFound(MESSAGE))?;
    if revive(context, plugin, Some(message)).await? == 0 {
        return Err(Error::NotFound(MESSAGE));
    }
    Ok(())
}

/// Puts one of a plugin's that were given up on its way again, or all; answers how many.
async fn revive(
    context: &Context,
    plugin: InstallationId,
    message: Option<DeliveryId>,
) -> Result<u64> {
    let mut tx = context.database.write().await?;
    plugins::hold(&mut tx, plugin).await?;
    let count = store::revive(&mut tx, plugin, message, context.now()).await?;
    tx.commit().await?;
    Ok(count)
}
