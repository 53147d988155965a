//! Plugins: what operators install, what each may do, and how each is called.
//!
//! A plugin wants things done, and the portal does them: what a call came to is written in one
//! transaction, or nothing of it is.

mod abilities;
mod call;
mod change;
mod compare;
mod export;
mod form;
mod gallery;
mod grants;
mod health;
mod hooks;
mod install;
mod limits;
mod memory;
mod numbers;
mod readiness;
mod recording;
mod removal;
mod replay;
mod revocation;
mod run_log;
mod runtime;
mod schedule;
mod settings;
mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
pub(crate) mod tests;
mod trace;
mod upgrade;
mod uploads;
mod versions;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use myrelay_app::contract::{DeadDeliveryRow, PluginRow, PluginView};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{Grants, HttpGrant, Kind, Manifest, PluginSecret, Secret};
use serde_json::json;

use self::change::Secrets;
pub use self::runtime::Runtime;
pub(crate) use self::{
    abilities::{abilities, ability},
    call::{
        Ask, Keys, Settled, ask, ask_with, describe, is_ready, keys, refuse, settle, settle_held,
        settle_well,
    },
    change::{change_settings, settings_view},
    compare::{compare, grows, typed_private, with_bars},
    export::{export, memory_of},
    gallery::{choose_package, gallery, gallery_icon, gallery_package},
    grants::granted_to,
    health::ask_how_it_is,
    hooks::{find_hook, hook_url},
    install::{Input, Origin, asked, check_publisher, install},
    limits::{Chosen, change_limits, kept_limits, limits_view, read_limit, set_limits},
    numbers::{Family, Form, Sample},
    readiness::work,
    removal::{remove, take_away, what_goes_on},
    replay::try_call,
    revocation::{Revocation, revoke, revoked, unrevoke},
    run_log::plugin_calls,
    schedule::next as next_time,
    uploads::{discard_upload, install_upload, takes_unsigned, upload, upload_view},
    versions::{rollback, rollback_to},
    views::Backlog,
};
use crate::{
    Error, Result,
    context::{Caller, Context},
    database::{Database, Write},
    outbox::{self, Event},
    vault::Vault,
};

/// The most plugins there are.
const MAX_PLUGINS: usize = 50;
/// The most jobs of one plugin.
const MAX_JOBS: usize = 16;
/// Calls in a row that may fail before a plugin rests.
const FAILURES_BEFORE_REST: u32 = 5;
/// The first rest, in milliseconds; each one is twice as long as the one before.
const REST_MS: i64 = 30_000;
/// The longest rest, in milliseconds.
const LONGEST_REST_MS: i64 = 10 * 60_000;
/// When to come again to a plugin that waits for an operator, in seconds: they may take days, and
/// whoever comes costs nothing.
const COME_AGAIN_S: u32 = 10 * 60;
/// After so many milliseconds of nothing but failures a plugin is stopped: 120 hours.
const HOPELESS_MS: i64 = 120 * 3_600_000;
/// After so many milliseconds without a call a failure says nothing of those before: a day.
const SILENCE_MS: i64 = 24 * 3_600_000;
/// How long calls are remembered, in milliseconds, and how many of each plugin.
const CALLS_KEPT_MS: i64 = 14 * 24 * 3_600_000;
const CALLS_KEPT: i64 = 1000;
/// How long it is remembered what they were asked and answered, and of how many of each plugin:
/// as long as an event is tried.
const RECORDED_KEPT_MS: i64 = 3 * 24 * 3_600_000;
const RECORDED_KEPT: i64 = 100;

/// An installed plugin.
#[derive(Clone)]
pub(crate) struct Installed {
    pub(crate) id: InstallationId,
    /// What its publisher calls it.
    pub(crate) plugin: String,
    name: String,
    pub(crate) version: String,
    manifest: String,
    settings: String,
    grants: String,
    limits: String,
    sealed: String,
    revision: i64,
    writes: i64,
    /// Since when events are for it.
    pub(crate) enabled_at: Option<i64>,
    /// It uses its provider's sandbox, where no money is real.
    pub(crate) test_mode: bool,
    /// The SHA-256 of its component.
    component_hash: String,
    /// The key that signed it; none where nobody did.
    publisher: Option<String>,
    pub(crate) state: State,
    pub(crate) health: Health,
    created_at: i64,
}

/// Whether a plugin gets anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Enabled,
    /// The portal stopped it, for this reason.
    Stopped(String),
    Disabled,
}

/// How a plugin did of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// In a row.
    pub(crate) failures: u32,
    pub(crate) failing_since: Option<i64>,
    pub(crate) failed_at: Option<i64>,
    pub(crate) rest_until: Option<i64>,
}

impl Health {
    /// After one more failure. Calls that were made before it rested say nothing new, and a failure
    /// long after the last one is a new beginning.
    fn failed(self, now: i64) -> Self {
        if self.rest_until.is_some_and(|until| now < until) {
            return self;
        }
        let lately = self.failed_at.is_some_and(|it| now - it < SILENCE_MS);
        let failing_since = self.failing_since.filter(|_| lately).or(Some(now));
        let failures = self.failures.saturating_add(1);
        let rest_until = failures.checked_sub(FAILURES_BEFORE_REST).map(|times| {
            let rest = REST_MS << times.min(10);
            now + rest.min(LONGEST_REST_MS)
        });
        Self { failures, failing_since, failed_at: Some(now), rest_until }
    }

    /// How many calls may run at a time: a plugin that failed often is tried with one.
    pub(crate) fn calls_at_a_time(self, most: u32) -> u32 {
        if self.failures < FAILURES_BEFORE_REST { most } else { 1 }
    }
}

impl Installed {
    pub(crate) fn manifest(&self) -> Result<Manifest> {
        let read = Manifest::parse(&self.manifest);
        Ok(read.map_err(|error| anyhow::Error::new(error).context("a manifest of our own"))?)
    }

    /// What another version of it is granted: all that it asks for, and of requests what this one
    /// was granted for the same wish.
    pub(crate) fn grants_for(&self, next: &Manifest) -> Result<Grants> {
        let before: Grants = serde_json::from_str(&self.grants).context("a plugin's grants")?;
        let mut grants = Grants::all_asked(next);
        let kept = |wish: HttpGrant| -> Vec<HttpGrant> {
            let same = |it: &&HttpGrant| {
                let (one, other) = (&it.rule, &wish.rule);
                let host = one.host == other.host || other.host.is_any();
                host && (one.scheme, one.port) == (other.scheme, other.port)
                    && (&one.methods, &one.path_prefix) == (&other.methods, &other.path_prefix)
            };
            let found: Vec<_> = before.http.iter().filter(same).cloned().collect();
            if found.is_empty() { vec![wish] } else { found }
        };
        grants.http = grants.http.into_iter().flat_map(kept).collect();
        Ok(grants)
    }

    /// The private addresses that it may reach now, and may not with these grants.
    pub(crate) fn private_lost(&self, grants: &Grants) -> Result<Vec<String>> {
        let before: Grants = serde_json::from_str(&self.grants).context("a plugin's grants")?;
        let all = |it: &Grants| -> BTreeSet<String> {
            it.http.iter().flat_map(|it| &it.private).map(ToString::to_string).collect()
        };
        Ok(all(&before).difference(&all(grants)).cloned().collect())
    }

    /// What people call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is its component, by its digest.
    pub(crate) fn is(&self, component: &str) -> bool {
        self.component_hash == component
    }

    /// Whether it is enabled, and not stopped.
    pub(crate) fn works(&self) -> bool {
        self.state == State::Enabled
    }

    /// In a line: id, what its publisher calls it, version, and whether it gets anything.
    pub(crate) fn line(&self) -> String {
        let state = match &self.state {
            State::Enabled => "enabled".to_owned(),
            State::Disabled => "disabled".to_owned(),
            State::Stopped(why) => format!("stopped: {why}"),
        };
        format!("{}  {} {}  {state}", self.id, self.plugin, self.version)
    }

    /// Whether it is left in peace now.
    pub(crate) fn rests(&self, now: i64) -> bool {
        self.health.rest_until.is_some_and(|until| now < until)
    }

    /// Whether it is called now, for whomever: it works, and does not rest.
    pub(crate) fn serves(&self, now: i64) -> bool {
        self.works() && !self.rests(now)
    }

    /// The same where somebody waits, who reads what they can do.
    pub(crate) fn ensure_serves(&self, now: i64) -> Result<()> {
        let name = &self.name;
        Err(Error::Unavailable(match self.state {
            State::Enabled if !self.rests(now) => return Ok(()),
            State::Enabled => {
                format!("{name} does not work at the moment: try again in a few minutes")
            }
            State::Stopped(_) => format!(
                "{name} is not available now: it is stopped until the people who run this service \
                 look at it"
            ),
            State::Disabled => format!(
                "{name} is not available now: the people who run this service have switched it off"
            ),
        }))
    }

    /// In how many seconds whoever found that it does not serve may come again.
    pub(crate) fn come_again_s(&self, now: i64) -> u32 {
        let rest = self.health.rest_until.filter(|until| self.works() && now < *until);
        let seconds = rest.map(|until| (until - now).unsigned_abs().div_ceil(1000));
        seconds.map_or(COME_AGAIN_S, |it| u32::try_from(it).unwrap_or(COME_AGAIN_S))
    }

    /// Whether what was made ready before may be called now: it serves, and is as it was.
    pub(crate) fn goes_on(&self, before: &Self, now: i64) -> bool {
        self.serves(now) && self.revision == before.revision
    }
}

/// All plugins.
pub(crate) async fn all(context: &Context) -> Result<Vec<Installed>> {
    Ok(store::list(context.database.read()).await?)
}

/// What plugins did since this portal started.
pub(crate) async fn numbers(context: &Context) -> Result<Vec<Family>> {
    let all = all(context).await?;
    let names = all.into_iter().map(|it| (it.id, it.plugin)).collect();
    let mut families = context.plugins.numbers.families(&names);
    families.push(Family::of_one(
        "myrelay_plugin_host_starts_total",
        "How often a process for plugins was started.",
        Form::Counter,
        context.plugins.starts(),
    ));
    families.extend(numbers::of_pool(context.plugins.pool()));
    Ok(families)
}

/// The plugin that its publisher calls so.
pub(crate) async fn find(context: &Context, plugin: &str) -> Result<Option<Installed>> {
    Ok(all(context).await?.into_iter().find(|it| it.plugin == plugin))
}

/// The plugins of a kind, by name, whether they work or not.
pub(crate) async fn of_kind(context: &Context, kind: Kind) -> Result<Vec<Installed>> {
    let mut found = all(context).await?;
    found.retain(|it| it.manifest().is_ok_and(|it| it.kinds.contains(&kind)));
    Ok(found)
}

/// The secrets that a plugin may use and that nobody gave or gives now, but for those that its provider
/// makes and those that it may work without.
pub(crate) async fn missing_secrets(
    context: &Context,
    manifest: &Manifest,
    now: &BTreeMap<String, PluginSecret>,
) -> Result<Vec<Secret>> {
    let given = match find(context, &manifest.id).await? {
        Some(plugin) => store::secrets::list(context.database.read(), plugin.id).await?,
        None => Vec::new(),
    };
    let secrets = Secrets::of(manifest, given.into_iter().map(|it| it.0));
    Ok(secrets.missing(now).into_iter().cloned().collect())
}

/// All plugins, as a transaction sees them.
pub(crate) async fn all_in(tx: &mut Write) -> Result<Vec<Installed>> {
    Ok(store::list(&mut **tx).await?)
}

/// Whether the vault opens what the database has: it comes from the same place.
pub(crate) async fn check_vault(database: &Database, vault: &Vault) -> anyhow::Result<()> {
    for plugin in store::list(database.read()).await? {
        vault.open(&call::place(plugin.id, ""), &plugin.sealed)?;
    }
    Ok(())
}

/// The plugin of an id.
pub(crate) async fn get(context: &Context, id: &str) -> Result<Installed> {
    let id = parse_id(id)?;
    store::find(context.database.read(), id).await?.ok_or(Error::NotFound("plugin"))
}

/// For operators: all plugins, by name.
pub(crate) async fn list(
    context: &Context,
    caller: Caller,
    backlog: &[Backlog],
) -> Result<Vec<PluginRow>> {
    caller.operator()?;
    let mut rows = Vec::new();
    for plugin in &all(context).await? {
        rows.push(views::row(context, plugin, backlog).await);
    }
    Ok(rows)
}

/// For operators: one plugin, with what its deliveries are known to be.
pub(crate) async fn view(
    context: &Context,
    caller: Caller,
    plugin: &Installed,
    (backlog, dead): (&[Backlog], Vec<DeadDeliveryRow>),
) -> Result<PluginView> {
    caller.operator()?;
    views::view(context, plugin, backlog, dead).await
}

/// For operators: lets a plugin have what it listens to. It is called to make itself ready first.
pub(crate) async fn enable(context: &Context, caller: Caller, plugin: &str) -> Result<()> {
    caller.operator()?;
    let found = get(context, plugin).await?;
    let is_loaded = context.plugins.unloaded(found.id, found.revision).await.is_none();
    if found.state == State::Enabled && found.health == Health::default() && is_loaded {
        return Ok(());
    }
    context.plugins.load_again(found.id).await;
    install::activate(context, &found).await
}

/// For operators: nothing goes to a plugin any more.
pub(crate) async fn disable(context: &Context, caller: Caller, plugin: &str) -> Result<()> {
    caller.operator()?;
    hold_back(context, parse_id(plugin)?).await
}

/// The same for the command line.
pub(crate) async fn hold_back(context: &Context, plugin: InstallationId) -> Result<()> {
    let mut tx = context.database.write().await?;
    let found = hold(&mut tx, plugin).await?;
    if found.state == State::Disabled {
        return Ok(());
    }
    store::disable(&mut tx, plugin).await?;
    let payload = json!({ "plugin": plugin });
    outbox::record(context, &mut tx, Event::PluginDisabled, None, payload).await?;
    tx.commit().await?;
    Ok(())
}

/// A plugin, held until the commit. Whoever writes of a plugin and of what is on its way to it holds
/// the plugin first.
pub(crate) async fn hold(tx: &mut Write, id: InstallationId) -> Result<Installed> {
    store::hold(tx, id).await?.ok_or(Error::NotFound("plugin"))
}

/// Writes down that a call went well, or that it failed. A plugin that fails too often rests, and
/// one that fails for days is stopped. To be called with the plugin held.
async fn note(
    context: &Context,
    tx: &mut Write,
    held: &Installed,
    failure: Option<&str>,
) -> Result<()> {
    let now = context.now();
    let Some(failure) = failure else {
        if held.health != Health::default() {
            store::set_health(tx, held.id, Health::default()).await?;
        }
        return Ok(());
    };
    let health = held.health.failed(now);
    store::set_health(tx, held.id, health).await?;
    if health.failing_since.is_some_and(|since| HOPELESS_MS <= now - since) {
        let why = format!("it did nothing but fail for five days: {failure}");
        stop(context, tx, held, &why).await?;
    }
    Ok(())
}

/// Stops a plugin until an operator looks at it: what is on its way waits. To be called with the
/// plugin held.
async fn stop(context: &Context, tx: &mut Write, held: &Installed, why: &str) -> Result<()> {
    if held.state != State::Enabled {
        return Ok(());
    }
    store::stop(tx, held.id, why, context.now()).await?;
    tracing::warn!(plugin = %held.id, why, "a plugin is stopped");
    let payload = json!({ "plugin": held.id });
    outbox::record(context, tx, Event::PluginStopped, None, payload).await
}

/// Forgets what is over.
pub(crate) async fn prune(context: &Context) -> Result<()> {
    let now = context.now();
    for plugin in all(context).await? {
        let mut tx = context.database.write().await?;
        store::calls::keep_newest(&mut tx, plugin.id, CALLS_KEPT).await?;
        store::calls::keep_newest_recorded(&mut tx, plugin.id, RECORDED_KEPT).await?;
        tx.commit().await?;
    }
    let mut tx = context.database.write().await?;
    store::calls::prune(&mut tx, now - CALLS_KEPT_MS).await?;
    store::calls::prune_recorded(&mut tx, now - RECORDED_KEPT_MS).await?;
    store::kv::prune(&mut tx, now).await?;
    tx.commit().await?;
    uploads::prune(context).await
}

/// The id of a plugin.
fn parse_id(id: &str) -> Result<InstallationId> {
    id.parse().map_err(|_no_id| Error::NotFound("plugin"))
}
