//! Another version of a plugin, or other settings: tried beside the one that runs, and put in its
//! place in one transaction. It keeps what it remembers and the secrets that are not given anew.

use anyhow::Context as _;
use myrelay_plugin_host::{Answer, Call, Manifest, Outcome};
use myrelay_plugin_package::Package;
use serde_json::json;

use super::{
    Input, Installed, Origin,
    call::{Ask, ask_trial, describe, place, remember, write},
    install, replay, revocation, settings, store,
};
use crate::{
    Error, Result,
    context::Context,
    outbox::{self, Event},
};

/// Puts this in the place of a plugin, and has it make itself ready where it is not disabled. The
/// inner error: it did not, and is stopped. It goes to its end also where whoever asked for it is
/// gone: what is put there and not told to make itself ready would be half a change.
pub(super) async fn replace(
    context: &Context,
    before: &Installed,
    (manifest, input): (&Manifest, Input),
    origin: &Origin,
) -> Result<Result<()>> {
    let (own, before_id, before) = (context.clone(), before.id, before.clone());
    let (manifest, origin) = (manifest.clone(), origin.clone());
    let whole = async move {
        upgrade(&own, &before, (&manifest, input), &origin).await?;
        install::reactivate(&own, &install::get(&own, before.id).await?).await
    };
    context.plugins.whole(before_id, whole).await
}

/// Puts this in the place of a plugin. Calls that run end on what they began with; what comes after
/// the commit runs on this. Where anything fails before, nothing is changed.
async fn upgrade(
    context: &Context,
    before: &Installed,
    (manifest, input): (&Manifest, Input),
    origin: &Origin,
) -> Result<()> {
    // A trial has one place in the host.
    let _alone = context.plugins.change(before.id).await;
    // Whoever was before may have put something else there: then all of this would be for nothing.
    if install::get(context, before.id).await?.revision != before.revision {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    let kept = input.settings.as_deref().unwrap_or(&before.settings);
    let settings = settings::complete(input.schema.as_deref(), kept, (manifest, &input.grants))?;
    let after = Installed {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        manifest: input.manifest.clone(),
        settings,
        grants: serde_json::to_string(&input.grants).context("a plugin's grants")?,
        // What an operator set is theirs, whatever another version asks for.
        limits: before.chosen()?.row(manifest)?,
        test_mode: input.test_mode,
        component_hash: Package::digest(&input.component),
        ..before.clone()
    };
    let tried = try_it(context, (before, &after), &input, origin).await;
    context.plugins.forget_trial(before.id).await;
    swap(context, (before, &after), manifest, (&input, tried?, origin)).await
}

/// Has the new version look at its settings, and bring what the one before remembers into its form.
async fn try_it(
    context: &Context,
    (before, after): (&Installed, &Installed),
    input: &Input,
    origin: &Origin,
) -> Result<Option<(Ask, Outcome)>> {
    let installation = install::on_trial(before.id, input, after.limits()?);
    install::check(context, installation, true).await?;
    let call = Call::ValidateConfig(after.settings.clone());
    let (_, outcome) = ask_once(context, after, input, call).await?;
    match outcome.result {
        Ok(Answer::Problems(problems)) => install::ensure_none(&problems)?,
        Ok(_) => return Err(Error::invalid("component", "it answered something else")),
        Err(failure) => return Err(Error::Unavailable(describe(&failure))),
    }
    let mut migrated = None;
    if before.version != after.version {
        let call = Call::Migrate { from_version: before.version.clone() };
        let (asked, outcome) = ask_once(context, after, input, call).await?;
        if let Err(failure) = &outcome.result {
            return Err(Error::Unavailable(format!(
                "{} does not take over what {} remembers, and {} goes on: {}",
                after.version,
                before.version,
                before.version,
                describe(failure)
            )));
        }
        migrated = Some((asked, outcome));
    }
    // What is revoked is not run to see how it did.
    let is_known = revocation::why(context, before.id).await?.is_none();
    if !is_same(before, after) && !origin.without_canary && is_known {
        let writes = migrated.as_ref().map_or(&[][..], |(_, outcome)| &outcome.kv);
        replay::canary(context, (before, after), &input.secrets, writes).await?;
    }
    Ok(migrated)
}

/// Whether only settings, secrets or grants are other ones.
fn is_same(before: &Installed, after: &Installed) -> bool {
    (&before.version, &before.component_hash) == (&after.version, &after.component_hash)
}

async fn ask_once(
    context: &Context,
    after: &Installed,
    input: &Input,
    call: Call,
) -> Result<(Ask, Outcome)> {
    let (delivery, at) = (context.new_request_id(), context.now());
    let asked = Ask { call, about: None, delivery, attempt: 1, at };
    let outcome = ask_trial(context, after, &input.secrets, &asked).await?;
    Ok((asked, outcome))
}

async fn swap(
    context: &Context,
    (before, after): (&Installed, &Installed),
    manifest: &Manifest,
    (input, migrated, origin): (&Input, Option<(Ask, Outcome)>, &Origin),
) -> Result<()> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    let held = super::hold(&mut tx, before.id).await?;
    // What was brought over has to be all that is there now.
    let is_whole = migrated.is_none() || held.writes == before.writes;
    if held.revision != before.revision || !is_whole {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    if let Some((asked, outcome)) = &migrated {
        if !write(context, &mut tx, before.id, outcome).await? {
            return Err(Error::Busy { retry_after_s: 1 });
        }
        remember(context, &mut tx, after, asked, outcome, None).await?;
    }
    for (name, secret) in &input.secrets {
        let sealed = context.vault.seal(&place(before.id, name), secret.expose())?;
        store::secrets::put(&mut tx, before.id, name, &sealed, now).await?;
    }
    if let Some(publisher) = &input.publisher {
        store::publishers::pin(&mut tx, &before.plugin, &publisher.to_string(), now).await?;
    }
    let place = (before.id, now, origin);
    let settings = (after.settings.as_str(), after.chosen()?);
    let version = install::version(place, manifest, settings, input)?;
    if !is_same(before, after) {
        store::versions::keep(&mut tx, before.id, now).await?;
    }
    store::replace(&mut tx, &version, now).await?;
    store::versions::tidy(&mut tx, before.id).await?;
    revocation::ensure_runs(&mut tx, before.id).await?;
    let payload = json!({ "plugin": before.id, "from": before.version, "to": manifest.version });
    outbox::record(context, &mut tx, Event::PluginUpgraded, None, payload).await?;
    tx.commit().await?;
    Ok(())
}
