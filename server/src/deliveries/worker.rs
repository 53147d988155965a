//! What works on everything that is on its way to plugins: of all of them side by side, so that no
//! plugin waits for another one.

use std::{collections::BTreeSet, time::Duration};

use async_trait::async_trait;
use futures::stream::{FuturesUnordered, StreamExt as _};
use myrelay_domain::ids::InstallationId;

use crate::{
    Error, Result,
    context::Context,
    plugins::{self, Installed},
};

/// How soon it looks again while new things come.
const SOON: Duration = Duration::from_millis(50);
/// How often it forgets what is over.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// A kind of thing that is carried to plugins.
#[async_trait]
pub(crate) trait Work: Send + Sync {
    /// What the log calls it.
    const WHAT: &'static str;
    /// How often the worker looks when nothing was to be done.
    const EVERY: Duration = Duration::from_millis(500);

    /// Puts on its way what was not; answers whether more of it is to be expected at once.
    async fn find(&self, context: &Context) -> Result<bool>;

    /// Tries what is due of one plugin; answers whether anything was.
    async fn deliver_due(&self, context: &Context, plugin: &Installed) -> Result<bool>;

    /// Forgets what is over.
    async fn prune(&self, context: &Context) -> Result<()>;
}

/// Works for as long as it is polled. Several portals may. No plugin waits for another one, and
/// what is new is found meanwhile.
pub(crate) async fn work_on<W: Work>(context: Context, work: W) {
    let mut pruned_at = context.now();
    let mut running = FuturesUnordered::new();
    let mut at_work = BTreeSet::new();
    loop {
        let found = beside::<W, _>(&mut running, &mut at_work, open_plugins(&context, &work)).await;
        let mut pause = W::EVERY;
        match found {
            Ok((plugins, more)) => {
                pause = if more { SOON } else { pause };
                for plugin in plugins.into_iter().filter(|it| at_work.insert(it.id)) {
                    let (context, work) = (&context, &work);
                    running
                        .push(async move { (plugin.id, work.deliver_due(context, &plugin).await) });
                }
            }
            Err(error) => log(&format!("cannot find {}", W::WHAT), &error),
        }
        if PRUNE_EVERY.as_millis() <= (context.now() - pruned_at).unsigned_abs().into() {
            pruned_at = context.now();
            let pruned = beside::<W, _>(&mut running, &mut at_work, work.prune(&context)).await;
            if let Err(error) = pruned {
                log(&format!("cannot forget {} that are over", W::WHAT), &error);
            }
        }
        let pause = tokio::time::sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                Some((plugin, tried)) = running.next() => {
                    at_work.remove(&plugin);
                    // One that had nothing to do is asked again after the pause.
                    if settled::<W>(plugin, tried) {
                        break;
                    }
                }
                () = &mut pause => break,
            }
        }
    }
}

/// Waits for something while the deliveries go on. One of them may have the only connection that
/// writes, or be the next to get it: whoever waits without them waits for nothing.
async fn beside<W: Work, T>(
    running: &mut FuturesUnordered<impl Future<Output = (InstallationId, Result<bool>)>>,
    at_work: &mut BTreeSet<InstallationId>,
    awaited: impl Future<Output = T>,
) -> T {
    tokio::pin!(awaited);
    loop {
        tokio::select! {
            done = &mut awaited => return done,
            Some((plugin, tried)) = running.next() => {
                at_work.remove(&plugin);
                settled::<W>(plugin, tried);
            }
        }
    }
}

/// Whether more may be due of a plugin.
fn settled<W: Work>(plugin: InstallationId, tried: Result<bool>) -> bool {
    tried.unwrap_or_else(|error| {
        log(&format!("cannot deliver {} to {plugin}", W::WHAT), &error);
        false
    })
}

/// Writes an error with its cause into the log.
pub(crate) fn log(what: &str, error: &Error) {
    let cause = match error {
        Error::Internal(cause) => format!("{cause:#}"),
        error => error.to_string(),
    };
    tracing::warn!(cause, "{what}");
}

/// Finds what is new; answers the plugins to which something may go now, and whether more is to be
/// expected at once.
async fn open_plugins<W: Work>(context: &Context, work: &W) -> Result<(Vec<Installed>, bool)> {
    let more = work.find(context).await?;
    let mut plugins = plugins::all(context).await?;
    let now = context.now();
    plugins.retain(|it| it.serves(now));
    Ok((plugins, more))
}

/// Finds what is new, and tries what is due; answers whether there was anything.
#[cfg(test)]
pub(crate) async fn round_of<W: Work>(context: &Context, work: &W) -> Result<bool> {
    let (plugins, _) = open_plugins(context, work).await?;
    let tries = plugins.iter().map(|plugin| work.deliver_due(context, plugin));
    let mut busy = false;
    for tried in futures::future::join_all(tries).await {
        busy |= tried?;
    }
    Ok(busy)
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;
    use crate::testing::World;

    /// A delivery that holds what writes until somebody looks for more, who has to write as well.
    #[derive(Default)]
    struct Entangled {
        looks: Notify,
        found_after: Notify,
    }

    #[async_trait]
    impl Work for &Entangled {
        const WHAT: &'static str = "knots";

        async fn find(&self, context: &Context) -> Result<bool> {
            // Only who waits already hears of it.
            self.looks.notify_waiters();
            context.database.write().await?.commit().await?;
            Ok(false)
        }

        async fn deliver_due(&self, context: &Context, _plugin: &Installed) -> Result<bool> {
            let tx = context.database.write().await?;
            self.looks.notified().await;
            tx.commit().await?;
            self.found_after.notify_one();
            Ok(false)
        }

        async fn prune(&self, _context: &Context) -> Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn deliveries_go_on_while_what_is_new_is_looked_for() {
        let world = World::on_sqlite().await;
        world.plugin("dev.example.one", &["account.created.v1"]).await;
        let knot = Entangled::default();
        let twice = async {
            knot.found_after.notified().await;
            knot.found_after.notified().await;
        };
        let works = async {
            tokio::select! {
                () = work_on(world.context.clone(), &knot) => {}
                () = twice => {}
            }
        };
        // Longer than two rounds, and shorter than a connection is waited for.
        let patience = Duration::from_secs(4);
        tokio::time::timeout(patience, works).await.expect("they wait for each other");
    }
}
