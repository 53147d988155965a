//! Taking a plugin away. Where its provider goes on collecting from customers, somebody has to say
//! that it shall.

use myrelay_app::contract::CollectingView;
use myrelay_domain::ids::InstallationId;
use serde_json::json;

use super::{Installed, hold, hold_back, install, parse_id, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    outbox::{self, Event},
};

/// What an operator ticks who removes a plugin all the same.
const LEAVE: &str = "leave";

/// For operators: takes a plugin away, with its secrets and all that it remembers. It is told
/// first, and what it says to that changes nothing. `leave`: although its provider goes on
/// collecting.
pub(crate) async fn remove(
    context: &Context,
    caller: Caller,
    plugin: &str,
    leave: bool,
) -> Result<()> {
    caller.operator()?;
    take_away(context, parse_id(plugin)?, leave).await
}

/// The same for the command line.
pub(crate) async fn take_away(
    context: &Context,
    plugin: InstallationId,
    leave: bool,
) -> Result<()> {
    let found = install::get(context, plugin).await?;
    let collecting = store::collecting(context.database.read(), found.id).await?;
    ensure_said(collecting, leave)?;
    hold_back(context, plugin).await?;
    let found = install::get(context, plugin).await?;
    // A call that ran meanwhile may have had one more come of it: then nobody says goodbye.
    let collecting = store::collecting(context.database.read(), found.id).await?;
    ensure_said(collecting, leave)?;
    install::deactivate(context, &found).await;
    delete(context, &found, leave).await
}

pub(super) async fn delete(context: &Context, found: &Installed, leave: bool) -> Result<()> {
    let mut tx = context.database.write().await?;
    hold(&mut tx, found.id).await?;
    // What was reported meanwhile was written with the plugin held.
    ensure_said(store::collecting(&mut *tx, found.id).await?, leave)?;
    store::delete(&mut tx, found.id).await?;
    let payload = json!({ "plugin": found.id, "name": found.plugin });
    outbox::record(context, &mut tx, Event::PluginRemoved, None, payload).await?;
    tx.commit().await?;
    context.plugins.forget(found.id).await;
    Ok(())
}

fn ensure_said(collecting: CollectingView, leave: bool) -> Result<()> {
    match collecting.words().filter(|_| !leave) {
        None => Ok(()),
        Some(what) => Err(Error::invalid(
            LEAVE,
            format!(
                "{what}: end the subscriptions first, on their accounts' pages, and wait until it \
                 was told, for which the plugin has to be enabled; or tick that it goes on"
            ),
        )),
    }
}

/// What a plugin's provider would go on doing after the plugin was removed; none: nothing.
pub(crate) async fn what_goes_on(context: &Context, plugin: &Installed) -> Result<Option<String>> {
    Ok(store::collecting(context.database.read(), plugin.id).await?.words())
}
