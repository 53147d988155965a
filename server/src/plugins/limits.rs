//! What a plugin may use: what it asks for, or what its operator set instead, inside the hard caps.

mod form;

use std::collections::BTreeMap;

use anyhow::Context as _;
use myrelay_app::contract::{KeptLimit, LimitKind, SetLimit};
use myrelay_plugin_host::{Call, Failure, Installation, LimitName, Limits, Manifest};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) use self::form::{change_limits, limits_view, read_limit};
use super::{
    Ask, Installed,
    call::{ask_trial, describe, installation, trial},
    install, revocation, store,
};
use crate::{
    Error, Result,
    context::Context,
    outbox::{self, Event},
};

/// What an operator set, in the units in which it is typed; none where it is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Chosen {
    cpu_ms: Option<u32>,
    wall_ms: Option<u32>,
    memory_mib: Option<u32>,
    requests: Option<u32>,
    store_kib: Option<u32>,
}

/// As it stands in a plugin's row: what counts, and what of that an operator set.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    limits: Limits,
    chosen: Chosen,
}

/// The same, or as it was written before an operator could set anything.
#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Now(Stored),
    Before(Limits),
}

impl Chosen {
    fn place(&mut self, kind: LimitKind) -> &mut Option<u32> {
        match kind {
            LimitKind::Cpu => &mut self.cpu_ms,
            LimitKind::Wall => &mut self.wall_ms,
            LimitKind::Memory => &mut self.memory_mib,
            LimitKind::Requests => &mut self.requests,
            LimitKind::Store => &mut self.store_kib,
        }
    }

    fn get(mut self, kind: LimitKind) -> Option<u32> {
        *self.place(kind)
    }

    /// Sets a limit, or has it be as usual.
    pub(crate) fn set(&mut self, kind: LimitKind, number: Option<u32>) {
        *self.place(kind) = number;
    }

    /// What counts for a plugin that asks for this.
    fn over(self, asked: Limits) -> Limits {
        let bytes = |kind: LimitKind| self.get(kind).map(|it| u64::from(it) * kind.unit());
        let memory = bytes(LimitKind::Memory).and_then(|it| usize::try_from(it).ok());
        Limits {
            memory_bytes: memory.unwrap_or(asked.memory_bytes),
            cpu_ms: self.cpu_ms.or(asked.cpu_ms),
            wall_ms: self.wall_ms.or(asked.wall_ms),
            http_requests: self.requests.unwrap_or(asked.http_requests),
            kv_bytes: bytes(LimitKind::Store).unwrap_or(asked.kv_bytes),
        }
        .capped()
    }

    /// What stands in the row of a plugin with this manifest.
    pub(super) fn row(self, manifest: &Manifest) -> Result<String> {
        let stored = Stored { limits: self.over(Limits::asked(manifest)), chosen: self };
        Ok(serde_json::to_string(&stored).context("a plugin's limits")?)
    }
}

impl Installed {
    fn stored(&self) -> Result<Stored> {
        let read: Read = serde_json::from_str(&self.limits).context("a plugin's limits")?;
        Ok(match read {
            Read::Now(stored) => stored,
            Read::Before(limits) => Stored { limits, chosen: Chosen::default() },
        })
    }

    /// What its calls may use: what an operator set, and for the rest what its manifest asks for and
    /// this portal usually gives. A row may be older than either.
    pub(super) fn limits(&self) -> Result<Limits> {
        Ok(self.chosen()?.over(Limits::asked(&self.manifest()?)))
    }

    /// What of that an operator set.
    pub(crate) fn chosen(&self) -> Result<Chosen> {
        Ok(self.stored()?.chosen)
    }

    /// What an operator set, as people read it.
    pub(super) fn limits_set(&self) -> Result<Vec<SetLimit>> {
        let chosen = self.chosen()?;
        let set = |kind: LimitKind| {
            let number = u64::from(chosen.get(kind)?) * kind.unit();
            Some(SetLimit { kind, number })
        };
        Ok(LimitKind::ALL.into_iter().filter_map(set).collect())
    }

    /// What its calls may use, in words for the command line.
    pub(crate) fn limits_told(&self) -> Result<String> {
        let (limits, chosen) = (self.limits()?, self.chosen()?);
        let line = |kind: LimitKind| {
            let amount = number(&limits, kind).map(|it| kind.amount(it));
            let amount = amount.unwrap_or_else(|| "by the call".to_owned());
            let set = if chosen.get(kind).is_some() { ", set by an operator" } else { "" };
            format!("  {:<9} {amount}{set}\n", kind.name())
        };
        Ok(LimitKind::ALL.into_iter().map(line).collect())
    }
}

/// How much these limits allow; none where that depends on the call.
fn number(limits: &Limits, kind: LimitKind) -> Option<u64> {
    match kind {
        LimitKind::Cpu => limits.cpu_ms.map(u64::from),
        LimitKind::Wall => limits.wall_ms.map(u64::from),
        LimitKind::Memory => u64::try_from(limits.memory_bytes).ok(),
        LimitKind::Requests => Some(limits.http_requests.into()),
        LimitKind::Store => Some(limits.kv_bytes),
    }
}

/// The limits that an operator set lower than what another version asks for: they stay.
pub(crate) fn kept_limits(before: Option<&Installed>, next: &Manifest) -> Result<Vec<KeptLimit>> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let asked = Limits::asked(next);
    let kept = |it: SetLimit| {
        let SetLimit { kind, number: set } = it;
        let asked = number(&asked, kind).filter(|it| set < *it)?;
        // Of anything else nobody asks for a number.
        let asks = matches!(kind, LimitKind::Memory | LimitKind::Store);
        asks.then_some(KeptLimit { kind, number: set, asked })
    };
    Ok(before.limits_set()?.into_iter().filter_map(kept).collect())
}

/// Sets what a plugin may use, if it can look at its settings with that. Calls that run end on what
/// they began with; what comes after the commit has this. It is not told to make itself ready: it
/// is the same plugin, and a provider that is away for the moment is no reason to stop it.
pub(crate) async fn set_limits(
    context: &Context,
    before: &Installed,
    chosen: Chosen,
) -> Result<()> {
    if before.chosen()? == chosen {
        return Ok(());
    }
    if let Some(why) = revocation::why(context, before.id).await? {
        return Err(Error::invalid("publisher", why));
    }
    let (own, id, before) = (context.clone(), before.id, before.clone());
    let whole = async move { put(&own, &before, chosen).await };
    context.plugins.whole(id, whole).await
}

async fn put(context: &Context, before: &Installed, chosen: Chosen) -> Result<()> {
    // A trial has one place in the host.
    let _alone = context.plugins.change(before.id).await;
    if install::get(context, before.id).await?.revision != before.revision {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    let limits = chosen.row(&before.manifest()?)?;
    let after = Installed { limits, ..before.clone() };
    let tried = try_it(context, &after).await;
    context.plugins.forget_trial(before.id).await;
    tried?;
    let mut tx = context.database.write().await?;
    let held = super::hold(&mut tx, before.id).await?;
    if held.revision != before.revision {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    store::set_limits(&mut tx, before.id, &after.limits).await?;
    revocation::ensure_runs(&mut tx, before.id).await?;
    let payload = json!({ "plugin": before.id, "from": before.version, "to": before.version });
    outbox::record(context, &mut tx, Event::PluginUpgraded, None, payload).await?;
    tx.commit().await?;
    tracing::info!(plugin = %before.id, ?chosen, "it has other limits");
    Ok(())
}

/// Has a plugin look at the settings that it has. What it says of them is not asked for here, and
/// where it does not work anyway its limits may change all the same.
async fn try_it(context: &Context, after: &Installed) -> Result<()> {
    let installation = Installation { id: trial(after.id), ..installation(context, after).await? };
    install::check(context, installation, true).await?;
    let ask = Ask {
        call: Call::ValidateConfig(after.settings.clone()),
        about: None,
        delivery: context.new_request_id(),
        attempt: 1,
        at: context.now(),
    };
    let outcome = ask_trial(context, after, &BTreeMap::new(), &ask).await?;
    let Err(failure) = outcome.result else { return Ok(()) };
    match &failure {
        Failure::Busy(_) | Failure::Unknown | Failure::Host(_) => {
            Err(Error::Unavailable(describe(&failure)))
        }
        Failure::Limit { name, detail } => too_low(*name, detail),
        _ => Ok(()),
    }
}

fn too_low(name: LimitName, detail: &str) -> Result<()> {
    let kind = match name {
        LimitName::Cpu => LimitKind::Cpu,
        LimitName::Wall => LimitKind::Wall,
        LimitName::Memory => LimitKind::Memory,
        // It meets others whatever is set here.
        _ => return Ok(()),
    };
    let message = format!("with this the plugin cannot even look at its settings: {detail}");
    Err(Error::invalid(kind.name(), message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::testing;

    fn manifest(more: &str) -> Manifest {
        let text = testing::manifest("dev.example.one", &["account.created.v1"]);
        Manifest::parse(&(text + more)).unwrap()
    }

    #[test]
    fn what_is_set_counts_and_all_else_is_as_asked() {
        let asks = manifest("[limits]\nmemory_mib = 100\n");
        let mut chosen = Chosen::default();
        assert_eq!(chosen.over(Limits::asked(&asks)), Limits::asked(&asks));
        for (kind, number) in LimitKind::ALL.into_iter().zip([300, 400, 32, 5, 6]) {
            chosen.set(kind, Some(number));
        }
        let set = Limits {
            memory_bytes: 32 << 20,
            cpu_ms: Some(300),
            wall_ms: Some(400),
            http_requests: 5,
            kv_bytes: 6 << 10,
        };
        assert_eq!(chosen.over(Limits::asked(&asks)), set);
        for kind in LimitKind::ALL {
            chosen.set(kind, Some(u32::MAX));
        }
        assert_eq!(chosen.over(Limits::asked(&asks)), Limits::CAPS);
    }

    #[test]
    fn a_row_from_before_is_read_and_nothing_was_set_there() {
        let before = serde_json::to_string(&Limits::default()).unwrap();
        let Read::Before(limits) = serde_json::from_str(&before).unwrap() else {
            panic!("{before}");
        };
        assert_eq!(limits, Limits::default());
        let mut chosen = Chosen::default();
        chosen.set(LimitKind::Memory, Some(100));
        let row = chosen.row(&manifest("")).unwrap();
        let Read::Now(stored) = serde_json::from_str(&row).unwrap() else { panic!("{row}") };
        assert_eq!((stored.chosen, stored.limits.memory_bytes), (chosen, 100 << 20));
    }
}
