//! Installing a plugin: what it asks for is read first, and it is asked who it is before a row is
//! written.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_app::contract::CapabilityRow;
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{
    Answer, Call, Failure, Grants, InstallError, Installation, Kind, Limits, Manifest,
    PluginSecret, lifecycle,
};
use myrelay_plugin_package::{Package, PublisherKey, Rotation, SettingsProblem};
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Ask, Chosen, Installed, MAX_JOBS, MAX_PLUGINS, Settled, State,
    call::{ask, describe, place, settle, trial},
    revocation, schedule, settings, store,
    upgrade::replace,
    views,
};
use crate::{
    Error, Result,
    context::Context,
    database::is_taken,
    outbox::{self, Event},
};

/// The most problems with its settings that a plugin is heard of.
const MAX_PROBLEMS: usize = 20;

/// The version of this portal, which a plugin may need to be a later one.
const PORTAL: &str = env!("CARGO_PKG_VERSION");

/// How long a plugin has to clean up: whoever removes it waits.
const GOODBYE: Duration = Duration::from_secs(10);

/// A plugin that is to be installed, and what its operator says to it.
pub(crate) struct Input {
    /// The text of `plugin.toml`.
    pub(crate) manifest: String,
    /// The component.
    pub(crate) component: Vec<u8>,
    /// The JSON Schema of its settings.
    pub(crate) schema: Option<String>,
    /// Its settings, as JSON; none: those that it has, or its defaults.
    pub(crate) settings: Option<String>,
    /// Its secrets by their names; those that it has and that are not here stay.
    pub(crate) secrets: BTreeMap<String, PluginSecret>,
    pub(crate) grants: Grants,
    /// It is to use its provider's sandbox, where no money is real.
    pub(crate) test_mode: bool,
    /// Who signed it; none: nobody did.
    pub(crate) publisher: Option<PublisherKey>,
}

/// What is known of a plugin beside what is in it.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    /// The SHA-256 of the package that it came in.
    pub(crate) package_hash: Option<String>,
    /// What publishers say of their next keys, in their order.
    pub(crate) rotations: Vec<Rotation>,
    /// It need not answer what the version before answered.
    pub(crate) without_canary: bool,
    /// What its operator read that it takes the place of; none: they were not asked.
    pub(crate) read: Option<Before>,
    /// Its place in memory, where that is counted.
    pub(crate) _held: Option<Arc<OwnedSemaphorePermit>>,
}

/// What is installed, by its id and revision; none: nothing.
pub(crate) type Before = Option<(InstallationId, i64)>;

/// The field that says what a form was made of.
pub(super) const BEFORE: &str = "before";

/// What is said where what was agreed to is not what is there.
pub(super) const STALE: &str = "somebody installed or changed this plugin since you read this page: nothing was done, and this is how it stands now. \
     Read once more what is asked for";

/// A plugin with what is known of it, or nothing of that.
pub(crate) struct Arrival {
    input: Input,
    origin: Origin,
}

impl From<Input> for Arrival {
    fn from(input: Input) -> Self {
        Self { input, origin: Origin::default() }
    }
}

impl From<(Input, Origin)> for Arrival {
    fn from((input, origin): (Input, Origin)) -> Self {
        Self { input, origin }
    }
}

/// What a plugin asks for, to be read before it is granted.
///
/// # Errors
/// [`Error::Invalid`] of `manifest`.
pub(crate) fn asked(manifest: &str) -> Result<(Manifest, Vec<CapabilityRow>)> {
    let manifest = Manifest::parse(manifest).map_err(|it| Error::invalid("manifest", it))?;
    manifest.check_portal(PORTAL).map_err(|it| Error::invalid("manifest", it))?;
    manifest.check_checkout_hosts().map_err(|it| Error::invalid("manifest", it))?;
    let events = manifest.check_events(&Event::all_published());
    events.map_err(|it| Error::invalid("manifest", it))?;
    check_served(&manifest)?;
    let rows = views::capabilities(&manifest);
    Ok((manifest, rows))
}

/// Installs a plugin, and enables it if it makes itself ready. One that does not, as because its
/// provider is away, is installed and stopped, and what it said is returned. One whose settings
/// do not work is not installed. Where a plugin of this name is installed, this takes its place.
pub(crate) async fn install(
    context: &Context,
    plugin: impl Into<Arrival>,
) -> Result<(InstallationId, Result<()>)> {
    let Arrival { input, origin } = plugin.into();
    install_from(context, input, &origin).await
}

pub(super) async fn install_from(
    context: &Context,
    input: Input,
    origin: &Origin,
) -> Result<(InstallationId, Result<()>)> {
    let (manifest, _) = asked(&input.manifest)?;
    let (publisher, component) = (input.publisher.as_ref(), Package::digest(&input.component));
    let publisher = publisher.map(ToString::to_string);
    let all = [publisher.as_deref(), origin.package_hash.as_deref(), Some(component.as_str())];
    revocation::ensure_none(context, &all).await?;
    rotate(context, &origin.rotations).await?;
    check_publisher(context, &manifest.id, input.publisher.as_ref()).await?;
    for name in input.secrets.keys() {
        if manifest.secret(name).is_none() {
            let message = format!("plugin.toml names no secret {name:?}");
            return Err(Error::invalid("secrets", message));
        }
    }
    let before = super::find(context, &manifest.id).await?;
    let is_read = |read: Before| read == before.as_ref().map(|it| (it.id, it.revision));
    if !origin.read.is_none_or(is_read) {
        return Err(Error::invalid(BEFORE, STALE));
    }
    if let Some(before) = before {
        let ready = replace(context, &before, (&manifest, input), origin).await?;
        return Ok((before.id, ready));
    }
    let settings = input.settings.as_deref().unwrap_or_default();
    let granted = (&manifest, &input.grants);
    let settings = settings::complete(input.schema.as_deref(), settings, granted)?;
    let id: InstallationId = context.new_id();
    check(context, on_trial(id, &input, Limits::asked(&manifest)), false).await?;
    write(context, (id, origin), &manifest, &settings, &input).await?;
    let found = get(context, id).await?;
    match activate(context, &found).await {
        Err(error @ (Error::Settings(_) | Error::Invalid { field: "settings", .. })) => {
            super::removal::delete(context, &found, true).await?;
            Err(error)
        }
        Err(error) => {
            stop_unready(context, &found, &error).await?;
            Ok((id, Err(error)))
        }
        Ok(()) => Ok((id, Ok(()))),
    }
}

/// Stops a plugin that did not make itself ready: nothing goes to it, and its page says why. Another
/// version that is there by now is not stopped for it.
async fn stop_unready(context: &Context, tried: &Installed, error: &Error) -> Result<()> {
    let id = tried.id;
    let mut tx = context.database.write().await?;
    let held = super::hold(&mut tx, id).await?;
    if held.revision != tried.revision {
        return Ok(());
    }
    if held.state != State::Enabled {
        // One that was stopped before is stopped for another reason now.
        store::enable(&mut tx, (id, held.revision), context.now()).await?;
    }
    let held = super::hold(&mut tx, id).await?;
    let why = format!("it did not make itself ready: {}", error.words());
    super::stop(context, &mut tx, &held, &why).await?;
    tx.commit().await?;
    Ok(())
}

/// It does something here: what this portal does not ask of plugins yet would never happen.
fn check_served(manifest: &Manifest) -> Result<()> {
    let does = !manifest.events.is_empty() || !manifest.jobs.is_empty();
    let is_event = manifest.kinds.contains(&Kind::Event);
    let is_asked = [Kind::Billing, Kind::Notification].iter().any(|it| manifest.kinds.contains(it));
    let is_called = is_asked || (is_event && does);
    if !is_called {
        let message = if is_event {
            "capabilities.events: it hears of nothing and has no [[jobs]]; this one would never be \
             called"
        } else {
            "plugin.kind: this portal tells plugins of events, runs their jobs, has them take \
             payments and carry messages, and asks them for nothing else yet; this one would never \
             be called"
        };
        return Err(Error::invalid("manifest", message));
    }
    if MAX_JOBS < manifest.jobs.len() {
        return Err(Error::invalid("manifest", format!("jobs: at most {MAX_JOBS}")));
    }
    if let Some(job) = manifest.jobs.iter().find(|it| schedule::next(&it.cron, 0).is_none()) {
        let message = format!("jobs: the time of {}, {:?}, never comes", job.name, job.cron);
        return Err(Error::invalid("manifest", message));
    }
    Ok(())
}

pub(super) async fn get(context: &Context, id: InstallationId) -> Result<Installed> {
    store::find(context.database.read(), id).await?.ok_or(Error::NotFound("plugin"))
}

/// Believes publishers what they say of their next keys: it holds for all that they published. A
/// key that is revoked says nothing any more, and none becomes one that is.
async fn rotate(context: &Context, rotations: &[Rotation]) -> Result<()> {
    for rotation in rotations {
        let (from, to) = (rotation.from().to_string(), rotation.to().to_string());
        revocation::ensure_none(context, &[Some(&from), Some(&to)]).await?;
        let mut tx = context.database.write().await?;
        store::publishers::rotate(&mut tx, &from, &to).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Whoever published a plugin first publishes all that bears its name.
pub(crate) async fn check_publisher(
    context: &Context,
    plugin: &str,
    publisher: Option<&PublisherKey>,
) -> Result<()> {
    let pinned = store::publishers::find(context.database.read(), plugin).await?;
    let refused = |message: String| Err(Error::invalid("publisher", message));
    match (pinned, publisher) {
        (Some(pinned), Some(by)) if pinned == by.to_string() => Ok(()),
        (Some(pinned), Some(by)) => refused(format!(
            "{plugin} was signed by {pinned} before, and this is by {by}: if its publisher says so \
             in another way too, give it another name, or look who made this; a publisher who \
             changes keys signs that with the one before, which is what --rotation FILE is for"
        )),
        (Some(pinned), None) => {
            refused(format!("{plugin} was signed by {pinned} before, and nobody signed this"))
        }
        (None, Some(_)) => Ok(()),
        (None, None) if context.settings.unsigned_plugins => Ok(()),
        (None, None) => refused(
            "nobody signed it: have its publisher sign it, or allow unsigned-plugins on a portal \
             for development"
                .to_owned(),
        ),
    }
}

/// Has another version make itself ready, where the plugin is not disabled. One that does not is
/// stopped, so that nothing goes to it; where only the moment was wrong it is told once more soon.
pub(super) async fn reactivate(context: &Context, plugin: &Installed) -> Result<Result<()>> {
    if plugin.state == State::Disabled {
        return Ok(Ok(()));
    }
    let Err(error) = activate(context, plugin).await else { return Ok(Ok(())) };
    let is_momentary = matches!(error, Error::Busy { .. });
    if is_momentary || get(context, plugin.id).await?.state == State::Disabled {
        return Ok(Err(error));
    }
    stop_unready(context, plugin, &error).await?;
    Ok(Err(error))
}

/// What the host is given of a plugin that is not installed yet.
pub(super) fn on_trial(id: InstallationId, input: &Input, limits: Limits) -> Installation {
    Installation {
        id: trial(id),
        manifest: input.manifest.clone(),
        wasm: input.component.clone(),
        grants: input.grants.clone(),
        limits,
    }
}

/// Whether the host can run it with what is granted. If so it stays there for a trial, or not.
pub(super) async fn check(
    context: &Context,
    installation: Installation,
    stays: bool,
) -> Result<()> {
    context.plugins.check(installation, stays).await.map_err(|error| match error {
        InstallError::Manifest(_) => Error::invalid("manifest", error),
        InstallError::Host(_) => Error::Unavailable(error.to_string()),
        InstallError::Imports(_) => Error::invalid("grants", error),
        _ => Error::invalid("component", error),
    })
}

/// A version as it stands in a row.
pub(super) fn version<'a>(
    (id, now, origin): (InstallationId, i64, &'a Origin),
    manifest: &'a Manifest,
    (settings, chosen): (&'a str, Chosen),
    input: &'a Input,
) -> Result<store::Version<'a>> {
    Ok(store::Version {
        id,
        name: &manifest.name,
        version: &manifest.version,
        manifest: &input.manifest,
        component: STANDARD.encode(&input.component),
        component_hash: Package::digest(&input.component),
        settings_schema: input.schema.as_deref(),
        settings,
        grants: serde_json::to_string(&input.grants).context("a plugin's grants")?,
        limits: chosen.row(manifest)?,
        test_mode_at: input.test_mode.then_some(now),
        publisher: input.publisher.as_ref().map(ToString::to_string),
        package_hash: origin.package_hash.as_deref(),
    })
}

async fn write(
    context: &Context,
    (id, origin): (InstallationId, &Origin),
    manifest: &Manifest,
    settings: &str,
    input: &Input,
) -> Result<()> {
    let key: String = context.random::<32>().iter().map(|it| format!("{it:02x}")).collect();
    let sealed = context.vault.seal(&place(id, ""), &key)?;
    let now = context.now();
    let settings = (settings, Chosen::default());
    let version = version((id, now, origin), manifest, settings, input)?;
    let mut tx = context.database.write().await?;
    if MAX_PLUGINS <= store::count(&mut tx).await? {
        return Err(Error::Limit(format!("there are {MAX_PLUGINS} plugins: remove one first")));
    }
    let inserted = store::insert(&mut tx, &version, (&manifest.id, &sealed), now).await;
    if inserted.as_ref().is_err_and(is_taken) {
        // Somebody else did so in the same moment.
        return Err(Error::Busy { retry_after_s: 1 });
    }
    inserted?;
    let hook = super::hooks::token(&key);
    store::set_hook(&mut tx, id, hook.hash().as_str()).await?;
    for (name, secret) in &input.secrets {
        let sealed = context.vault.seal(&place(id, name), secret.expose())?;
        store::secrets::put(&mut tx, id, name, &sealed, now).await?;
    }
    if let Some(publisher) = &input.publisher {
        store::publishers::pin(&mut tx, &manifest.id, &publisher.to_string(), now).await?;
    }
    revocation::ensure_runs(&mut tx, id).await?;
    let payload = json!({ "plugin": id, "name": manifest.id, "version": manifest.version });
    outbox::record(context, &mut tx, Event::PluginInstalled, None, payload).await?;
    tx.commit().await?;
    Ok(())
}

/// Has a plugin look at its settings and make itself ready, and enables it then.
pub(super) async fn activate(context: &Context, plugin: &Installed) -> Result<()> {
    if let Some(why) = revocation::why(context, plugin.id).await? {
        return Err(Error::invalid("publisher", why));
    }
    let settings = plugin.settings.clone();
    match once(context, plugin, Call::ValidateConfig(settings)).await? {
        Answer::Problems(problems) => ensure_none(&problems)?,
        _ => return Err(Error::invalid("settings", "the plugin answered something else")),
    }
    let webhook_url = super::hooks::hook_url(context, plugin)?;
    once(context, plugin, Call::Activate { webhook_url }).await?;
    let mut tx = context.database.write().await?;
    let held = super::hold(&mut tx, plugin.id).await?;
    revocation::ensure_runs(&mut tx, plugin.id).await?;
    // Whoever disabled it meanwhile is not overruled.
    if held.state == State::Disabled && plugin.state != State::Disabled {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    store::enable(&mut tx, (plugin.id, plugin.revision), context.now()).await?;
    if held.state != State::Enabled {
        let payload = json!({ "plugin": plugin.id });
        outbox::record(context, &mut tx, Event::PluginEnabled, None, payload).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What a plugin finds wrong with its settings, by their places.
pub(super) fn ensure_none(problems: &[lifecycle::ConfigProblem]) -> Result<()> {
    if problems.is_empty() {
        return Ok(());
    }
    let problem = |it: &lifecycle::ConfigProblem| SettingsProblem::new(&it.path, &it.message);
    Err(Error::Settings(problems.iter().take(MAX_PROBLEMS).map(problem).collect()))
}

/// Tells a plugin that it goes. Whatever it answers, it goes.
pub(super) async fn deactivate(context: &Context, plugin: &Installed) {
    match tokio::time::timeout(GOODBYE, once(context, plugin, Call::Deactivate)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => {
            tracing::warn!(plugin = %plugin.id, %error, "a plugin could not clean up");
        }
        Err(_late) => tracing::warn!(plugin = %plugin.id, "a plugin was too slow to clean up"),
    }
}

/// A call that somebody waits for: its answer, written down.
async fn once(context: &Context, plugin: &Installed, call: Call) -> Result<Answer> {
    let asked = Ask {
        call,
        about: None,
        delivery: context.new_request_id(),
        attempt: 1,
        at: context.now(),
    };
    let outcome = ask(context, plugin, &asked).await?;
    let mut tx = context.database.write().await?;
    if settle(context, &mut tx, plugin, &asked, &outcome).await? == Settled::Beaten {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    tx.commit().await?;
    outcome.result.map_err(|failure| match &failure {
        Failure::Reported(error) => Error::invalid("plugin", format!("it says: {}", error.message)),
        failure => Error::Unavailable(describe(failure)),
    })
}

/// The component of a row.
pub(super) fn read_component(text: &str) -> Result<Vec<u8>> {
    Ok(STANDARD.decode(text).context("a plugin's component")?)
}
