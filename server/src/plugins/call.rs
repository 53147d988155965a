//! Calling a plugin, and writing down what came of it.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use myrelay_app::contract::{PluginLogLine, PluginRequestRow};
use myrelay_domain::ids::{CallId, InstallationId};
use myrelay_plugin_host::{
    Answer, Call, CallRequest, Failure, InstallError, Installation, Limits, Outcome, PluginSecret,
    log, types::ErrorKind,
};

use super::{Installed, memory::Memory, note, recording, stop, store, trace};
use crate::{Error, Result, context::Context, database::Write};

/// The most that is kept of where a plugin broke, in bytes.
const BACKTRACE_BYTES: usize = 4 * 1024;

/// A call that is to be made.
pub(crate) struct Ask {
    pub(crate) call: Call,
    /// What it is about, for the list of calls.
    pub(crate) about: Option<String>,
    /// The same for every try.
    pub(crate) delivery: String,
    /// Beginning with 1.
    pub(crate) attempt: u32,
    /// When what it is about happened, in milliseconds.
    pub(crate) at: i64,
}

/// What became of a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It counts.
    Done,
    /// Something else was written meanwhile: nothing counts, and it is to be called again.
    Beaten,
}

/// Makes a plugin ready to be called. False: it is not, for now. One that this host never runs is
/// stopped, and says so.
pub(crate) async fn is_ready(context: &Context, plugin: &Installed) -> Result<bool> {
    let error = match load(context, plugin).await? {
        Ok(()) => return Ok(true),
        Err(error) => error,
    };
    if matches!(error, InstallError::Host(_)) {
        return Ok(false);
    }
    let mut tx = context.database.write().await?;
    let held = super::hold(&mut tx, plugin.id).await?;
    if held.revision == plugin.revision {
        stop(context, &mut tx, &held, &format!("it cannot be run: {error}")).await?;
        tx.commit().await?;
    }
    Ok(false)
}

/// What a plugin is called with whatever it is called for: its secrets, and the key of its own.
pub(crate) struct Keys {
    secrets: BTreeMap<String, PluginSecret>,
    own: PluginSecret,
}

/// Reads them as they are now.
pub(crate) async fn keys(context: &Context, plugin: &Installed) -> Result<Keys> {
    let own = context.vault.open(&place(plugin.id, ""), &plugin.sealed)?;
    let own = PluginSecret::new(own.as_str().to_owned()).context("a plugin's key")?;
    let mut secrets = BTreeMap::new();
    for (name, sealed) in store::secrets::list(context.database.read(), plugin.id).await? {
        let text = context.vault.open(&place(plugin.id, &name), &sealed)?;
        let secret = PluginSecret::new(text.as_str().to_owned()).context("a plugin's secret")?;
        secrets.insert(name, secret);
    }
    Ok(Keys { secrets, own })
}

/// Calls a plugin. Nothing is written: see [`settle`].
pub(crate) async fn ask(context: &Context, plugin: &Installed, ask: &Ask) -> Result<Outcome> {
    if let Some(outcome) = cannot_be_asked(context, plugin, ask).await? {
        return Ok(outcome);
    }
    let keys = keys(context, plugin).await?;
    ask_now(context, plugin, &keys, ask).await
}

/// The same with keys that were read already, for several calls that begin together.
pub(crate) async fn ask_with(
    context: &Context,
    plugin: &Installed,
    keys: &Keys,
    ask: &Ask,
) -> Result<Outcome> {
    match cannot_be_asked(context, plugin, ask).await? {
        Some(outcome) => Ok(outcome),
        None => ask_now(context, plugin, keys, ask).await,
    }
}

async fn ask_now(context: &Context, plugin: &Installed, keys: &Keys, ask: &Ask) -> Result<Outcome> {
    let request = request(context, plugin, keys, ask);
    Ok(context.plugins.call(request, Arc::new(memory(context, plugin))).await)
}

/// What a call comes to that is not made: the plugin is revoked, or this host does not run it.
async fn cannot_be_asked(
    context: &Context,
    plugin: &Installed,
    ask: &Ask,
) -> Result<Option<Outcome>> {
    // What is revoked is stopped, and may still be asked by whoever asks before they look.
    if !plugin.works()
        && let Some(why) = super::revocation::why(context, plugin.id).await?
    {
        return Ok(Some(Outcome::failed(Failure::Host(why))));
    }
    let Err(error) = load(context, plugin).await? else { return Ok(None) };
    let outcome = Outcome::failed(Failure::Host(error.to_string()));
    context.plugins.numbers.begin(plugin.id, &ask.call).end(&outcome);
    Ok(Some(outcome))
}

/// Calls what stands in the host for a trial, with what the plugin remembers, its secrets and these.
pub(super) async fn ask_trial(
    context: &Context,
    plugin: &Installed,
    secrets: &BTreeMap<String, PluginSecret>,
    ask: &Ask,
) -> Result<Outcome> {
    let mut request = request(context, plugin, &keys(context, plugin).await?, ask);
    request.installation = trial(plugin.id);
    request.secrets.extend(secrets.iter().map(|(name, it)| (name.clone(), it.clone())));
    Ok(context.plugins.call(request, Arc::new(memory(context, plugin))).await)
}

/// What the host calls a plugin that is tried beside the one that runs.
pub(super) fn trial(plugin: InstallationId) -> String {
    format!("trial-{plugin}")
}

pub(super) fn memory(context: &Context, plugin: &Installed) -> Memory {
    Memory { context: context.clone(), installation: plugin.id }
}

/// Writes down what a call came to: what the plugin remembers, the secrets it put away, how it
/// does, and the line in its list of calls. The caller commits, unless it was beaten.
pub(crate) async fn settle(
    context: &Context,
    tx: &mut Write,
    called: &Installed,
    ask: &Ask,
    outcome: &Outcome,
) -> Result<Settled> {
    let held = super::hold(tx, called.id).await?;
    settle_held(context, tx, (&held, called), ask, outcome).await
}

/// The same with the plugin held, as it is now and as it was called. Several calls that failed are
/// not settled with what one reading of the plugin said: each counts on from the one before.
pub(crate) async fn settle_held(
    context: &Context,
    tx: &mut Write,
    (held, called): (&Installed, &Installed),
    ask: &Ask,
    outcome: &Outcome,
) -> Result<Settled> {
    let plugin = called.id;
    // What another version wants is in another form, and what it says is of other settings.
    if !is_as_called(held, called) || !write(context, tx, plugin, outcome).await? {
        return Ok(Settled::Beaten);
    }
    let failure = outcome.result.as_ref().err().map(describe);
    match &outcome.result {
        // It answers, and does not do its work: that is no failure, and nothing went well. Whoever
        // asks a plugin that rests lets nothing go on.
        Ok(Answer::Health(report)) if !report.ok || held.rests(context.now()) => {}
        Ok(_) => note(context, tx, held, None).await?,
        Err(failed) if is_its_own(failed) => note(context, tx, held, failure.as_deref()).await?,
        Err(Failure::Reported(error)) if error.kind == ErrorKind::InvalidConfig => {
            let why = format!("it says that its settings do not work: {}", error.message);
            stop(context, tx, held, &why).await?;
        }
        // It does its work: what it was asked cannot be done.
        Err(Failure::Reported(error)) if error.kind != ErrorKind::RateLimited => {
            note(context, tx, held, None).await?;
        }
        Err(_) => {}
    }
    remember(context, tx, called, ask, outcome, failure.as_deref()).await?;
    Ok(Settled::Done)
}

/// Whether a plugin is what it was when it was called. What an operator let it use meanwhile makes
/// nothing of a call undone: a mail that went out is not sent again for it.
fn is_as_called(held: &Installed, called: &Installed) -> bool {
    // The rest of a row is how it does, which says nothing of what it is.
    fn what(it: &Installed) -> [&str; 4] {
        [&it.version, &it.component_hash, &it.settings, &it.grants]
    }
    held.revision == called.revision || held.limits != called.limits && what(held) == what(called)
}

/// The same of several calls that went well, together: either all of them count, or none does.
pub(crate) async fn settle_well(
    context: &Context,
    tx: &mut Write,
    (held, called): (&Installed, &Installed),
    went: &[(&Ask, &Outcome)],
) -> Result<Settled> {
    if !is_as_called(held, called) {
        return Ok(Settled::Beaten);
    }
    let (limits, mut all) = (called.limits()?, Vec::with_capacity(went.len()));
    for (ask, outcome) in went {
        if !write(context, tx, called.id, outcome).await? {
            return Ok(Settled::Beaten);
        }
        all.push(done(context, (called, &limits), ask, outcome, None)?);
    }
    if !all.is_empty() {
        note(context, tx, held, None).await?;
        store::calls::insert(tx, &all, context.now()).await?;
    }
    Ok(Settled::Done)
}

/// Writes down that what a call came to was refused, for this reason: nothing of it counts.
pub(crate) async fn refuse(
    context: &Context,
    called: &Installed,
    ask: &Ask,
    outcome: &Outcome,
    why: &str,
) -> Result<()> {
    context.plugins.numbers.refused(called.id);
    let nothing = Outcome {
        result: Err(Failure::Refused(why.to_owned())),
        kv: Vec::new(),
        secret_puts: Vec::new(),
        ..outcome.clone()
    };
    let mut tx = context.database.write().await?;
    if settle(context, &mut tx, called, ask, &nothing).await? == Settled::Done {
        tx.commit().await?;
    }
    Ok(())
}

/// Writes what a plugin remembers and the secrets it put away, if its call went well. False: something else was written
/// meanwhile. To be called with the plugin held.
pub(super) async fn write(
    context: &Context,
    tx: &mut Write,
    plugin: InstallationId,
    outcome: &Outcome,
) -> Result<bool> {
    // The host hands on nothing of a call that failed; this does not depend on it.
    if outcome.result.is_err() {
        return Ok(true);
    }
    let now = context.now();
    if !store::kv::apply(tx, plugin, &outcome.kv, now).await? {
        return Ok(false);
    }
    if !outcome.kv.is_empty() {
        store::count_writes(tx, plugin).await?;
    }
    for put in &outcome.secret_puts {
        let sealed = context.vault.seal(&place(plugin, &put.name), put.value.expose())?;
        store::secrets::put(tx, plugin, &put.name, &sealed, now).await?;
    }
    Ok(true)
}

/// Whether a failure says something of how the plugin and its provider are.
fn is_its_own(failure: &Failure) -> bool {
    match failure {
        Failure::Reported(error) => matches!(
            error.kind,
            ErrorKind::Unavailable | ErrorKind::Indeterminate | ErrorKind::Internal
        ),
        Failure::Limit { .. } | Failure::Trap { .. } | Failure::Refused(_) => true,
        _ => false,
    }
}

/// A failure in a line, for operators.
pub(crate) fn describe(failure: &Failure) -> String {
    let line = match failure {
        Failure::Reported(error) => format!("{}: {}", kind_name(error.kind), error.message),
        Failure::Limit { name, detail } => format!("limit {name:?}: {detail}"),
        Failure::Trap { what, .. } => format!("it broke: {what}"),
        Failure::Refused(why) => format!("its answer was refused: {why}"),
        Failure::NotExported(what) => format!("it has no {what}"),
        Failure::Busy(why) => format!("busy: {why}"),
        Failure::Unknown => "the host does not have it".to_owned(),
        Failure::Invalid(why) => format!("the call was refused: {why}"),
        Failure::Host(why) => format!("the host could not call it: {why}"),
    };
    line.chars().filter(|it| !it.is_control()).take(500).collect()
}

/// Where a plugin broke, as far as its names are known. They are its author's: none of them does
/// anything to the page or the log around it.
pub(super) fn backtrace(outcome: &Outcome) -> Option<String> {
    let Err(Failure::Trap { backtrace, .. }) = &outcome.result else { return None };
    let mut text = backtrace.clone();
    text.retain(|it| it == '\n' || !it.is_control());
    text.truncate(text.floor_char_boundary(BACKTRACE_BYTES));
    (!text.is_empty()).then_some(text)
}

pub(super) fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidConfig => "invalid-config",
        ErrorKind::InvalidInput => "invalid-input",
        ErrorKind::NotFound => "not-found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Denied => "denied",
        ErrorKind::RateLimited => "rate-limited",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Indeterminate => "indeterminate",
        ErrorKind::Internal => "internal",
    }
}

pub(super) async fn load(
    context: &Context,
    plugin: &Installed,
) -> Result<Result<(), InstallError>> {
    let read = async || installation(context, plugin).await;
    context.plugins.load(plugin.id, (plugin.revision, context.now()), read).await
}

/// What the host is given of a plugin.
pub(super) async fn installation(context: &Context, plugin: &Installed) -> Result<Installation> {
    let component = store::component(context.database.read(), plugin.id).await?;
    let component = component.ok_or(Error::NotFound("plugin"))?;
    Ok(Installation {
        id: plugin.id.to_string(),
        manifest: plugin.manifest.clone(),
        wasm: super::install::read_component(&component)?,
        grants: serde_json::from_str(&plugin.grants).context("a plugin's grants")?,
        limits: plugin.limits()?,
    })
}

pub(super) fn request(
    context: &Context,
    plugin: &Installed,
    keys: &Keys,
    ask: &Ask,
) -> CallRequest {
    CallRequest {
        installation: plugin.id.to_string(),
        call: ask.call.clone(),
        delivery_id: ask.delivery.clone(),
        attempt: ask.attempt,
        now_ms: ask.at.cast_unsigned(),
        started_ms: context.now().cast_unsigned(),
        test_mode: plugin.test_mode,
        trace_parent: Some(trace::parent(&ask.delivery, ask.attempt)),
        config: plugin.settings.clone(),
        secrets: keys.secrets.clone(),
        installation_key: keys.own.clone(),
    }
}

pub(super) async fn remember(
    context: &Context,
    tx: &mut Write,
    called: &Installed,
    ask: &Ask,
    outcome: &Outcome,
    failure: Option<&str>,
) -> Result<()> {
    let done = done(context, (called, &called.limits()?), ask, outcome, failure)?;
    store::calls::insert(tx, &[done], context.now()).await?;
    Ok(())
}

/// The line of a call in its plugin's list.
fn done<'a>(
    context: &Context,
    (called, limits): (&'a Installed, &Limits),
    ask: &'a Ask,
    outcome: &Outcome,
    failure: Option<&'a str>,
) -> Result<store::calls::Done<'a>> {
    let (id, plugin): (CallId, _) = (context.new_id(), called.id);
    let took = i64::try_from(outcome.used.wall_us / 1000).unwrap_or(i64::MAX);
    let log: Vec<PluginLogLine> = outcome.logs.iter().map(line).collect();
    let http: Vec<PluginRequestRow> = outcome.http.iter().map(request_row).collect();
    Ok(store::calls::Done {
        id,
        plugin,
        version: &called.version,
        call: function(&ask.call),
        about: ask.about.as_deref(),
        attempt: ask.attempt,
        failure,
        used: outcome.used,
        backtrace: backtrace(outcome),
        logs_dropped: outcome.logs_dropped,
        log: serde_json::to_string(&log).context("a plugin's log")?,
        http: serde_json::to_string(&http).context("a plugin's requests")?,
        delivery: &ask.delivery,
        happened_at: ask.at,
        started_at: context.now().saturating_sub(took),
        allowed: serde_json::to_string(&recording::allowed(limits, &ask.call))
            .context("a plugin's limits")?,
        recorded: recording::seal(context, (plugin, id), ask, outcome)?,
    })
}

pub(super) fn line(line: &myrelay_plugin_host::LogLine) -> PluginLogLine {
    let level = match line.level {
        log::Level::Trace => "trace",
        log::Level::Debug => "debug",
        log::Level::Info => "info",
        log::Level::Warn => "warn",
        log::Level::Error => "error",
    };
    let mut message = line.message.clone();
    for (name, value) in &line.fields {
        message.push_str(&format!(" {name}={value}"));
    }
    PluginLogLine { level: level.to_owned(), message }
}

pub(super) fn request_row(trace: &myrelay_plugin_host::HttpTrace) -> PluginRequestRow {
    PluginRequestRow {
        what: format!("{} {}", trace.method, trace.url),
        result: match &trace.result {
            Ok(status) => status.to_string(),
            Err(why) => why.clone(),
        },
        began_ms: trace.began_ms,
        took_ms: trace.took_ms,
    }
}

/// The function's name, as the interface has it.
pub(super) fn function(call: &Call) -> &'static str {
    match call {
        Call::Describe => "describe",
        Call::Activate { .. } => "activate",
        Call::Deactivate => "deactivate",
        Call::ValidateConfig(_) => "validate-config",
        Call::Migrate { .. } => "migrate",
        Call::Health => "health",
        Call::Job(_) => "run",
        Call::Event(_) => "events.handle",
        Call::BeginVerification { .. } => "begin-verification",
        Call::Deliver { .. } => "deliver",
        Call::Capabilities => "get-capabilities",
        Call::PriceQuote(_) => "price-quote",
        Call::BeginCheckout(_) => "begin-checkout",
        Call::ChargeSaved(_) => "charge-saved",
        Call::Refund { .. } => "refund",
        Call::CancelSubscription { .. } => "cancel-subscription",
        Call::ReportUsage(_) => "report-usage",
        Call::Reconcile(_) => "reconcile",
        Call::CustomerPortalUrl { .. } => "customer-portal-url",
        Call::Webhook(_) => "webhooks.handle",
        Call::ComposeInvoice(_) => "compose",
    }
}

/// What a sealed text is sealed for: the secret of this name, or the plugin's own key.
pub(super) fn place(plugin: InstallationId, name: &str) -> String {
    format!("{plugin}/{name}")
}
