//! How plugins look to operators.

use std::collections::BTreeMap;

use anyhow::Context as _;
use myrelay_app::contract::{
    CallsWanted, CapabilityRow, DeadDeliveryRow, LimitKind, PluginRow, PluginState, PluginView,
};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{
    AskedHttp, Grants, HttpGrant, HttpRule, Kind, Limits, Manifest, Secret, SecretUse,
};

use super::{Installed, State, change::Secrets, revocation, run_log, store, versions};
use crate::{Result, context::Context};

/// How many calls a page shows.
const CALLS_SHOWN: usize = 20;

/// What is on its way to a plugin, and what was given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    pub(crate) plugin: InstallationId,
    pub(crate) waiting: u32,
    pub(crate) dead: u32,
    /// Since when the oldest of those waits that were not given up.
    pub(crate) oldest_at: Option<i64>,
}

pub(super) async fn row(context: &Context, plugin: &Installed, backlog: &[Backlog]) -> PluginRow {
    let now = context.now();
    let unloaded = context.plugins.unloaded(plugin.id, plugin.revision).await;
    let found = backlog.iter().find(|it| it.plugin == plugin.id);
    PluginRow {
        id: plugin.id,
        plugin: plugin.plugin.clone(),
        name: plugin.name.clone(),
        version: plugin.version.clone(),
        state: match plugin.state {
            State::Disabled => PluginState::Disabled,
            State::Stopped(_) => PluginState::Stopped,
            State::Enabled if plugin.rests(now) => PluginState::Resting,
            State::Enabled if unloaded.is_some() => PluginState::Unloaded,
            State::Enabled if 0 < plugin.health.failures => PluginState::Failing,
            State::Enabled => PluginState::Enabled,
        },
        waiting: found.map_or(0, |it| it.waiting),
        dead: found.map_or(0, |it| it.dead),
    }
}

pub(super) async fn view(
    context: &Context,
    plugin: &Installed,
    backlog: &[Backlog],
    dead: Vec<DeadDeliveryRow>,
) -> Result<PluginView> {
    let manifest = plugin.manifest()?;
    let grants: Grants = serde_json::from_str(&plugin.grants).context("a plugin's grants")?;
    let pool = context.database.read();
    let all = CallsWanted::default();
    let calls = run_log::calls(context, plugin.id, (&all, None), CALLS_SHOWN).await?;
    let row = row(context, plugin, backlog).await;
    let revoked = revocation::why(context, plugin.id).await?;
    let given = store::secrets::list(pool, plugin.id).await?;
    let missing = Secrets::of(&manifest, given.iter().map(|(name, _)| name.clone()));
    let is_given = |name: &str| given.iter().any(|(it, _)| it == name);
    let secrets = manifest.secrets.iter().map(|it| (it.name.clone(), is_given(&it.name)));
    let why = match &plugin.state {
        State::Stopped(why) => Some(why.clone()),
        State::Enabled => match row.state {
            PluginState::Unloaded => context.plugins.unloaded(plugin.id, plugin.revision).await,
            PluginState::Resting | PluginState::Failing => {
                calls.iter().find_map(|it| it.failure.clone())
            }
            _ => None,
        },
        State::Disabled => None,
    };
    Ok(PluginView {
        publisher: plugin.publisher.clone(),
        versions: versions::rows(context, plugin).await?,
        row,
        revoked: revoked.is_some(),
        collecting: store::collecting(pool, plugin.id).await?,
        carries_messages: manifest.kinds.contains(&Kind::Notification),
        why: revoked.or(why),
        installed_at: plugin.created_at,
        health: super::health::health(context, plugin).await?,
        capabilities: granted(&manifest, &grants, &plugin.limits()?),
        limits: plugin.limits_set()?,
        events: manifest.events.clone(),
        hook_url: super::hook_url(context, plugin)?,
        settings: plugin.settings.clone(),
        secrets: secrets.collect(),
        missing: missing.missing_names(&BTreeMap::new()),
        jobs: Vec::new(),
        calls,
        dead,
    })
}

/// What a plugin asks for, each with the reason its author gives or the one that it has by itself.
pub(super) fn capabilities(manifest: &Manifest) -> Vec<CapabilityRow> {
    let asked = |it: &AskedHttp| capability(request(&it.rule), &it.reason);
    let requests = manifest.http.iter().map(asked).collect();
    all(manifest, requests, &Limits::asked(manifest))
}

/// What a plugin may do: as it asked, but for requests and amounts, which an operator may have set
/// otherwise.
fn granted(manifest: &Manifest, grants: &Grants, limits: &Limits) -> Vec<CapabilityRow> {
    let reason = |rule: &HttpRule| {
        let same = |it: &&AskedHttp| {
            (it.rule.scheme, it.rule.port) == (rule.scheme, rule.port)
                && (&it.rule.methods, &it.rule.path_prefix) == (&rule.methods, &rule.path_prefix)
        };
        manifest.http.iter().find(same).map_or("An operator granted it", |it| &it.reason)
    };
    let given = |it: &HttpGrant| {
        let mut what = request(&it.rule);
        for private in &it.private {
            what.push_str(&format!(", also at {private}"));
        }
        capability(what, reason(&it.rule))
    };
    all(manifest, grants.http.iter().map(given).collect(), limits)
}

/// So much that is remembered, in the largest unit that counts it without a rest.
fn store(bytes: u64) -> String {
    let whole = bytes.is_multiple_of(LimitKind::Memory.unit());
    let kind = if whole { LimitKind::Memory } else { LimitKind::Store };
    kind.amount(bytes)
}

fn capability(what: String, reason: &str) -> CapabilityRow {
    CapabilityRow { what, reason: reason.to_owned() }
}

fn all(manifest: &Manifest, requests: Vec<CapabilityRow>, limits: &Limits) -> Vec<CapabilityRow> {
    let deaf = manifest.events.is_empty();
    let kinds = manifest.kinds.iter().filter(|it| !(deaf && **it == Kind::Event));
    let mut rows: Vec<_> = kinds.map(|it| kind(*it)).collect();
    if manifest.kv.is_some() {
        let what = format!("Remember things, up to {}", store(limits.kv_bytes));
        rows.push(capability(what, "Nobody else can read them"));
    }
    if manifest.crypto {
        rows.push(capability(
            "Sign and verify".to_owned(),
            "With its secrets, which it does not see",
        ));
    }
    rows.extend(requests);
    if let Some(webhooks) = &manifest.webhooks {
        rows.push(capability(
            format!("Take its provider's reports, of up to {} bytes", webhooks.max_body),
            "At an address that nobody guesses, which stands on its page",
        ));
        let host = |it| {
            let what = format!("Send customers to {it} to pay, or to change how they pay");
            capability(what, "By a link or a button, over https")
        };
        rows.extend(webhooks.checkout_hosts.iter().map(host));
    }
    rows.extend(manifest.secrets.iter().map(secret));
    if !manifest.events.is_empty() {
        let what = format!("Hear of {}", manifest.events.join(", "));
        rows.push(capability(what, "Events hold ids, and no names, addresses or keys"));
    }
    if manifest.memory_mib.is_some() {
        let memory = limits.memory_bytes >> 20;
        let what = format!("Use {memory} MiB of memory in a call");
        rows.push(capability(what, "Up to eight calls run at a time"));
    }
    for job in &manifest.jobs {
        rows.push(capability(
            format!("Run {} at {}", job.name, job.cron),
            "Minutes, hours, days in UTC",
        ));
    }
    rows
}

fn kind(kind: Kind) -> CapabilityRow {
    let (what, reason) = match kind {
        Kind::Billing => ("Take payments", "It says what happened, and the portal checks it"),
        Kind::Notification => ("Carry messages", "It gets the text and the address"),
        Kind::Event => ("Listen to events", "Those that are named below"),
        Kind::Invoicing => ("Write invoices", "It gets the lines of the invoice"),
    };
    CapabilityRow { what: what.to_owned(), reason: reason.to_owned() }
}

/// A request or a mail, as operators read it.
pub(super) fn request(rule: &HttpRule) -> String {
    if let Some(security) = rule.scheme.security() {
        let kept = if security == "clear" { "in clear" } else { "with TLS" };
        let host = rule.host.to_string();
        let host = if rule.host.is_any() { "a server that you name" } else { host.as_str() };
        return format!("Hand mails to {host}, port {}, {kept}", rule.port);
    }
    let (scheme, methods) = (rule.scheme.name(), rule.methods.join(", "));
    let port =
        if rule.port == rule.scheme.port() { String::new() } else { format!(":{}", rule.port) };
    format!("{methods} {scheme}://{}{port}{}", rule.host, rule.path_prefix)
}

fn secret(secret: &Secret) -> CapabilityRow {
    let uses = secret.uses.iter().map(|it| match it {
        SecretUse::Hmac => "to sign".to_owned(),
        SecretUse::Http { host, places } => {
            let places: Vec<_> = places.iter().map(|it| it.name()).collect();
            let host = host.to_string();
            let host = if host == "*" { "the hosts that you name" } else { host.as_str() };
            format!("in requests to {host} ({})", places.join(", "))
        }
    });
    let uses: Vec<String> = uses.collect();
    CapabilityRow {
        what: format!("Use the secret {} {}", secret.name, uses.join(" and ")),
        reason: secret.label.clone().unwrap_or_else(|| "It does not see it".to_owned()),
    }
}
