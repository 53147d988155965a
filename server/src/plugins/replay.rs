//! Calls that are made once more as they were made before: by the same clock and the same chance,
//! with what their requests were answered then. Nothing comes of them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use myrelay_app::contract::{PluginCallRow, PluginTrialView};
use myrelay_domain::ids::CallId;
use myrelay_plugin_host::{
    Answer, Failure, HttpTrace, KvChange, KvEntry, KvReader, KvUnavailable, KvUsage, KvWrite,
    Outcome, PluginSecret, notifier, webhooks,
};

use super::{
    Installed,
    call::{Ask, backtrace, describe, keys, line, load, memory, request, request_row, trial},
    memory::Memory,
    recording::{Kept, allowed, open, shown},
    store, views,
};
use crate::{
    Error, Result,
    context::{Caller, Context},
};

/// How many calls another version has to answer before it takes the place of the one before, and
/// how long that may take.
const CANARIES: i64 = 20;
const CANARY_TIME: Duration = Duration::from_secs(10);

/// What a plugin remembers, with what is to be written before.
struct Overlay {
    memory: Memory,
    writes: BTreeMap<String, KvWrite>,
}

impl Overlay {
    fn new(memory: Memory, changes: &[KvChange]) -> Self {
        let writes = changes.iter().map(|it| (it.key.clone(), it.write.clone())).collect();
        Self { memory, writes }
    }
}

#[async_trait]
impl KvReader for Overlay {
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        match self.writes.get(key) {
            None => self.memory.get(key).await,
            Some(write) => Ok(entry(key, write)),
        }
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KvEntry>, KvUnavailable> {
        let ours = u32::try_from(self.writes.len()).unwrap_or(u32::MAX);
        let ask = limit.saturating_add(ours);
        let read = self.memory.scan(prefix, after, ask).await?;
        let whole = read.len() < usize::try_from(ask).unwrap_or(usize::MAX);
        let last = read.last().map(|it| it.key.clone());
        let mut all: BTreeMap<String, KvEntry> =
            read.into_iter().map(|it| (it.key.clone(), it)).collect();
        for (key, write) in &self.writes {
            let is_in = key.starts_with(prefix) && after.is_none_or(|it| it < key.as_str());
            match entry(key, write) {
                None => drop(all.remove(key)),
                Some(put) if is_in && (whole || Some(key) <= last.as_ref()) => {
                    all.insert(key.clone(), put);
                }
                Some(_) => {}
            }
        }
        Ok(all.into_values().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        self.memory.usage().await
    }
}

fn entry(key: &str, write: &KvWrite) -> Option<KvEntry> {
    match write {
        KvWrite::Delete => None,
        KvWrite::Put { value, version, .. } => {
            Some(KvEntry { key: key.to_owned(), value: value.clone(), version: *version })
        }
    }
}

/// Makes a call once more, of what is installed or of what stands there for a trial.
async fn again(
    context: &Context,
    plugin: &Installed,
    kept: &Kept,
    on_trial: Option<(&BTreeMap<String, PluginSecret>, &[KvChange])>,
) -> Result<Outcome> {
    let asked = Ask {
        call: kept.recorded.call.clone(),
        about: None,
        delivery: kept.stored.delivery.clone(),
        attempt: kept.stored.row.attempt,
        at: kept.stored.happened_at,
    };
    let mut request = request(context, plugin, &keys(context, plugin).await?, &asked);
    request.started_ms = kept.stored.started_at.cast_unsigned();
    let changes = on_trial.map_or(&[][..], |it| it.1);
    if let Some((secrets, _)) = on_trial {
        request.installation = trial(plugin.id);
        request.secrets.extend(secrets.iter().map(|(name, it)| (name.clone(), it.clone())));
    }
    let reader = Overlay::new(memory(context, plugin), changes);
    let recording = kept.recorded.http.clone();
    Ok(context.plugins.replay(request, recording, Arc::new(reader)).await)
}

/// For operators: makes a call once more and shows what would come of it.
///
/// # Errors
/// [`Error::NotFound`] where there is no such call, [`Error::Unavailable`] where it is not kept.
pub(crate) async fn try_call(
    context: &Context,
    caller: Caller,
    plugin: &str,
    call: &str,
) -> Result<PluginTrialView> {
    caller.operator()?;
    let plugin = super::get(context, plugin).await?;
    let call: CallId = call.parse().map_err(|_no_id| Error::NotFound("call"))?;
    let stored = store::calls::find(context.database.read(), plugin.id, call).await?;
    let stored = stored.ok_or(Error::NotFound("call"))?;
    let gone = || {
        let why = "what it was asked is not kept: it is older than three days, too long, or held \
                   a code or an address that lets somebody in";
        Error::Unavailable(why.to_owned())
    };
    let mut kept = open(context, plugin.id, stored)?.ok_or_else(gone)?;
    // It runs nothing that must not run, even so.
    if let Some(why) = super::revocation::why(context, plugin.id).await? {
        return Err(Error::Unavailable(why));
    }
    let outcome = match load(context, &plugin).await? {
        Ok(()) => again(context, &plugin, &kept, None).await?,
        Err(error) => Outcome::failed(Failure::Host(error.to_string())),
    };
    kept.stored.row.input = kept.recorded.shown_input();
    kept.stored.row.answer = kept.recorded.shown_answer();
    let limits = plugin.limits().ok();
    let before = kept.stored.row;
    Ok(PluginTrialView {
        again: PluginCallRow {
            version: Some(plugin.version.clone()),
            failure: outcome.result.as_ref().err().map(describe),
            cpu_us: outcome.used.cpu_us,
            wall_us: outcome.used.wall_us,
            memory: u64::try_from(outcome.used.memory_peak).unwrap_or(u64::MAX),
            requests: outcome.used.http_requests,
            limits: limits.map(|it| allowed(&it, &kept.recorded.call)),
            input: None,
            answer: outcome.result.as_ref().ok().and_then(shown),
            backtrace: backtrace(&outcome),
            log: outcome.logs.iter().map(line).collect(),
            logs_dropped: outcome.logs_dropped,
            http: outcome.http.iter().map(request_row).collect(),
            at: context.now(),
            ..before.clone()
        },
        before,
        would: would(&outcome),
        unrecorded: outcome.http.iter().any(HttpTrace::is_unrecorded),
        plugin: views::row(context, &plugin, &[]).await,
    })
}

/// What it would remember and forget, and the secrets that it would put away.
fn would(outcome: &Outcome) -> Vec<String> {
    let change = |it: &KvChange| match &it.write {
        KvWrite::Put { value, .. } => format!("Remember {} ({} bytes)", it.key, value.len()),
        KvWrite::Delete => format!("Forget {}", it.key),
    };
    let put = |it: &myrelay_plugin_host::SecretPut| format!("Put away the secret {}", it.name);
    outcome.kv.iter().map(change).chain(outcome.secret_puts.iter().map(put)).collect()
}

/// Has another version answer what the one before answered of late, one call at a time, each on
/// both. The one that is tried stands there for a trial, and `writes` is what it wants to bring
/// over.
///
/// # Errors
/// [`Error::Invalid`] of `component` that names the call to which it has no answer.
pub(super) async fn canary(
    context: &Context,
    (before, after): (&Installed, &Installed),
    secrets: &BTreeMap<String, PluginSecret>,
    writes: &[KvChange],
) -> Result<()> {
    let stored = store::calls::repeatable(context.database.read(), before.id, CANARIES).await?;
    if stored.is_empty() || load(context, before).await?.is_err() {
        return Ok(());
    }
    let (mut compared, mut cpu_us) = (0_u32, (0_u64, 0_u64));
    let work = async {
        for stored in stored {
            let Some(kept) = open(context, before.id, stored)? else { continue };
            let old = again(context, before, &kept, None).await?;
            let new = again(context, after, &kept, Some((secrets, writes))).await?;
            if let Some(why) = worse(&old, &new) {
                return Err(refused(&kept, &after.version, &why));
            }
            compared += 1;
            cpu_us.0 += old.used.cpu_us;
            cpu_us.1 += new.used.cpu_us;
        }
        Ok(())
    };
    // What was not compared in this time is not.
    if let Ok(done) = tokio::time::timeout(CANARY_TIME, work).await {
        done?;
    }
    let (old, new) = cpu_us;
    tracing::info!(plugin = %before.id, compared, old, new, "calls were tried on another version");
    Ok(())
}

fn refused(kept: &Kept, version: &str, why: &str) -> Error {
    let row = &kept.stored.row;
    let about = row.about.as_ref().map_or_else(String::new, |it| format!(" of {it}"));
    let message = format!(
        "{version} does not do what the installed version does: in the call {} ({}{about}), {why}. \
         Nothing was changed; `myrelay plugin install --without-canary` installs it all the same",
        row.id, row.call
    );
    Error::invalid("component", message)
}

/// In what another version is worse than the one before; nothing where it cannot be told.
fn worse(old: &Outcome, new: &Outcome) -> Option<String> {
    let Ok(answered) = &old.result else { return None };
    let asked_else = new.http.iter().any(HttpTrace::is_unrecorded);
    match &new.result {
        Err(failure @ (Failure::Trap { .. } | Failure::Limit { .. })) => Some(describe(failure)),
        _ if asked_else => None,
        Err(failure @ (Failure::Reported(_) | Failure::Refused(_) | Failure::NotExported(_))) => {
            Some(describe(failure))
        }
        Err(_) => None,
        Ok(answer) => {
            let (old, new) = (kind(answered), kind(answer));
            (old != new).then(|| format!("it answers {new} where {old} was answered"))
        }
    }
}

/// What sort of answer it is.
fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Delivered(notifier::Outcome::Sent(_)) => "sent",
        Answer::Delivered(notifier::Outcome::Rejected(_)) => "that the address takes nothing",
        Answer::Webhook(webhooks::Outcome::Accepted(_)) => "that it takes the report",
        Answer::Webhook(_) => "that it does not take the report",
        Answer::Done => "done",
        _ => "something else",
    }
}
