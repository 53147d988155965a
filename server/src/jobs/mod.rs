//! Jobs: what plugins do at set times, by their manifests' `[[jobs]]`.
//!
//! A job is leased before it is tried, and what it remembers is written in the transaction that says
//! that it ran. One run at a time; a time that passed while a plugin stood still, or while the run
//! before it went on, is made up for once.

mod store;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use futures::future::join_all;
use myrelay_app::contract::PluginJobRow;
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{Answer, Call, Outcome};

use crate::{
    Error, Result,
    context::{Caller, Context},
    database::Write,
    deliveries::{After, Load, Verdict, Work, log, try_once, work_on},
    plugins::{self, Ask, Installed},
};

/// How long a lease lasts, in milliseconds: longer than any call may take.
const LEASE_MS: i64 = 90_000;

/// A job that is being run.
#[derive(Clone, Debug)]
struct Leased {
    plugin: InstallationId,
    name: String,
    cron: String,
    /// This one included.
    attempts: u32,
    /// When the first try of this run began.
    began_at: i64,
    /// What this process leased it with.
    lease: String,
}

/// A job as it stands.
#[derive(Clone, Debug)]
struct Job {
    plugin: InstallationId,
    name: String,
    cron: String,
    due_at: i64,
    ended_at: Option<i64>,
    failure: Option<String>,
}

/// Jobs, as the worker runs them.
struct Jobs;

#[async_trait]
impl Work for Jobs {
    const WHAT: &'static str = "jobs";
    // Their times are whole minutes.
    const EVERY: Duration = Duration::from_secs(5);

    async fn find(&self, context: &Context) -> Result<bool> {
        schedule(context).await.map(|()| false)
    }

    async fn deliver_due(&self, context: &Context, plugin: &Installed) -> Result<bool> {
        run_due(context, plugin).await
    }

    async fn prune(&self, _context: &Context) -> Result<()> {
        // A job has one row, and it goes with its plugin.
        Ok(())
    }
}

/// Runs what is due, for as long as it is polled. Several portals may.
pub(crate) async fn work(context: Context) {
    work_on(context, Jobs).await;
}

/// Runs what is due; answers whether there was anything.
#[cfg(test)]
pub(crate) async fn round(context: &Context) -> Result<bool> {
    crate::deliveries::round_of(context, &Jobs).await
}

/// Brings the rows in line with the manifests of the plugins that are enabled: a job that is new, or
/// has other times, waits for the next of them. Those of a disabled plugin stay.
async fn schedule(context: &Context) -> Result<()> {
    let known = store::all(context.database.read()).await?;
    let now = context.now();
    for plugin in plugins::all(context).await?.iter().filter(|it| it.works()) {
        let manifest = match plugin.manifest() {
            Ok(manifest) => manifest,
            // One that cannot be read holds up nobody else.
            Err(error) => {
                log(&format!("cannot read the jobs of {}", plugin.id), &error);
                continue;
            }
        };
        let asked: BTreeMap<_, _> = manifest.jobs.iter().map(|it| (&it.name, &it.cron)).collect();
        let its = || known.iter().filter(|it| it.plugin == plugin.id);
        let is_known =
            |name: &str, cron: &str| its().any(|it| (&*it.name, &*it.cron) == (name, cron));
        let fresh = asked.iter().filter(|(name, cron)| !is_known(name, cron));
        let fresh: Vec<_> = fresh
            .filter_map(|(name, cron)| Some((*name, *cron, plugins::next_time(cron, now)?)))
            .collect();
        let gone: Vec<_> = its().filter(|it| !asked.contains_key(&it.name)).collect();
        if fresh.is_empty() && gone.is_empty() {
            continue;
        }
        let mut tx = context.database.write().await?;
        for (name, cron, due_at) in fresh {
            store::put(&mut tx, (plugin.id, name), (cron, due_at), now).await?;
        }
        for job in gone {
            store::delete(&mut tx, plugin.id, &job.name).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Runs what is due of one plugin; answers whether anything was.
async fn run_due(context: &Context, plugin: &Installed) -> Result<bool> {
    let now = context.now();
    let due = store::due(context.database.read(), plugin.id, now).await?;
    // Loading may take longer than a lease.
    if due.is_empty() || !plugins::is_ready(context, plugin).await? {
        return Ok(false);
    }
    let leased = lease(context, plugin.id, due).await?;
    let busy = !leased.is_empty();
    for tried in join_all(leased.iter().map(|it| run(context, plugin, it))).await {
        tried?;
    }
    Ok(busy)
}

async fn lease(context: &Context, plugin: InstallationId, due: Vec<String>) -> Result<Vec<Leased>> {
    let now = context.now();
    let lease = context.new_request_id();
    let mut tx = context.database.write().await?;
    let mut leased = Vec::new();
    for name in due {
        // Another portal may have been first.
        if store::lease(&mut tx, (plugin, &name), &lease, (now, now + LEASE_MS)).await? {
            leased.extend(store::read_leased(&mut tx, (plugin, &name), &lease).await?);
        }
    }
    tx.commit().await?;
    Ok(leased)
}

async fn run(context: &Context, plugin: &Installed, leased: &Leased) -> Result<()> {
    let asked = Ask {
        call: Call::Job(leased.name.clone()),
        about: Some(leased.name.clone()),
        delivery: format!("{}-{}-{}", plugin.id, leased.name, leased.began_at),
        attempt: leased.attempts,
        at: leased.began_at,
    };
    try_once(context, plugin, leased, &asked).await
}

#[async_trait]
impl Load for Leased {
    // A run has one id in all its tries.
    const AGAIN_WHEN_UNKNOWN: bool = true;

    fn created_at(&self) -> i64 {
        self.began_at
    }

    async fn is_held(&self, tx: &mut Write) -> Result<bool> {
        Ok(store::is_leased(tx, (self.plugin, &self.name), &self.lease).await?)
    }

    fn read(&self, answer: &Answer) -> Option<After> {
        let done = After { verdict: Verdict::Delivered, failure: None };
        (*answer == Answer::Done).then_some(done)
    }

    async fn settle(
        &self,
        context: &Context,
        tx: &mut Write,
        after: &After,
        _outcome: &Outcome,
    ) -> Result<()> {
        let now = context.now();
        // What never comes again comes in a hundred years.
        let next = plugins::next_time(&self.cron, now).unwrap_or(now + 100 * 366 * 86_400_000);
        let which = (self.plugin, &*self.name, &*self.lease);
        match after.verdict {
            // The next time begins anew, whatever became of this one.
            Verdict::Again { due_at, counts } if due_at < next => {
                let tried = (due_at, i64::from(!counts));
                store::again(tx, which, tried, after.failure.as_deref()).await?;
            }
            _ => store::end(tx, which, (next, now), after.failure.as_deref()).await?,
        }
        Ok(())
    }
}

/// For operators: a plugin's jobs by name, with when each runs next and how it ended last.
pub(crate) async fn list(
    context: &Context,
    caller: Caller,
    plugin: &str,
) -> Result<Vec<PluginJobRow>> {
    caller.operator()?;
    let found = plugins::get(context, plugin).await?;
    let mut jobs = store::all(context.database.read()).await?;
    jobs.retain(|it| it.plugin == found.id);
    let row = |it: Job| PluginJobRow {
        name: it.name,
        cron: it.cron,
        next_at: found.works().then_some(it.due_at),
        ended_at: it.ended_at,
        failure: it.failure,
    };
    Ok(jobs.into_iter().map(row).collect())
}

/// For operators: has a job run as soon as it can, and at its times as before.
pub(crate) async fn run_now(
    context: &Context,
    caller: Caller,
    plugin: &str,
    job: &str,
) -> Result<()> {
    caller.operator()?;
    let found = plugins::get(context, plugin).await?;
    if !found.works() {
        let message = "it stands still: enable it, or let it go on, first";
        return Err(Error::invalid("plugin", message));
    }
    let mut tx = context.database.write().await?;
    if store::is_run(&mut tx, (found.id, job), context.now()).await? {
        let message = "this job runs at the moment: look again when it ended";
        return Err(Error::invalid("job", message));
    }
    if !store::set_due(&mut tx, (found.id, job), context.now()).await? {
        return Err(Error::NotFound("job"));
    }
    tx.commit().await?;
    Ok(())
}
