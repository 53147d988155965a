//! Versions that a portal put in place and ended before it told them to make themselves ready:
//! whichever portal is there tells them.

use std::time::Duration;

use myrelay_domain::ids::InstallationId;

use super::{install, store};
use crate::{Result, context::Context};

/// How long whoever put a version in place has, in milliseconds: longer than it takes to look at
/// the settings and to make ready. One that is told twice does the same twice.
pub(super) const PATIENCE_MS: i64 = 90_000;
/// How often somebody looks.
const EVERY: Duration = Duration::from_secs(10);

/// Tells those that nobody told, for as long as it is polled. Several portals may.
pub(crate) async fn work(context: Context) {
    loop {
        if let Err(error) = finish(&context).await {
            tracing::warn!(%error, "cannot look which plugins are to make themselves ready");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Tells those that nobody told in time.
pub(super) async fn finish(context: &Context) -> Result<()> {
    let until = context.now() - PATIENCE_MS;
    for id in store::unready(context.database.read(), until).await? {
        if let Err(error) = finish_one(context, id).await {
            tracing::warn!(plugin = %id, %error, "cannot tell it to make itself ready");
        }
    }
    Ok(())
}

async fn finish_one(context: &Context, id: InstallationId) -> Result<()> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    let is_mine = store::begin_readying(&mut tx, id, (now - PATIENCE_MS, now)).await?;
    tx.commit().await?;
    if is_mine {
        // One that does not is stopped, and its page says why.
        match install::reactivate(context, &install::get(context, id).await?).await? {
            Ok(()) => tracing::info!(plugin = %id, "it is ready, and whoever changed it is gone"),
            Err(error) => tracing::warn!(plugin = %id, %error, "it did not make itself ready"),
        }
    }
    Ok(())
}
