//! Versions that another took the place of: two of each plugin stay, and an operator may go back to
//! them.

use anyhow::Context as _;
use myrelay_app::contract::PluginVersionRow;
use myrelay_plugin_host::Manifest;
use myrelay_plugin_package::{Package, PublisherKey};

use super::{
    Input, Installed, Origin, install, revocation, store, store::versions::Listed, upgrade::replace,
};
use crate::{
    Error, Result,
    context::{Caller, Context},
};

/// For operators: puts an earlier version in the place of the one that is installed, with what it
/// was granted and its settings of then. What the plugin remembers and its secrets stay; the
/// earlier version is asked to bring what is remembered into its form.
///
/// # Errors
/// [`Error::NotFound`] of the plugin or the version, [`Error::Invalid`] where it is revoked, and
/// whatever it says itself: nothing is changed then.
pub(crate) async fn rollback(
    context: &Context,
    caller: Caller,
    plugin: &str,
    number: i64,
) -> Result<()> {
    caller.operator()?;
    let before = super::get(context, plugin).await?;
    go_back(context, &before, number).await?
}

/// The same for the command line: to a version by its name, or to the newest of those before.
///
/// # Errors
/// As [`rollback`]. The inner one: it is installed, and did not make itself ready.
pub(crate) async fn rollback_to(
    context: &Context,
    before: &Installed,
    version: Option<&str>,
) -> Result<(String, Result<()>)> {
    let all = store::versions::list(context.database.read(), before.id).await?;
    let is_it = |it: &&Listed| version.is_none_or(|version| version == it.version);
    let found = all.iter().find(is_it).ok_or_else(|| none_of(&all, before, version))?;
    Ok((found.version.clone(), go_back(context, before, found.number).await?))
}

/// Why there is no such version to go back to.
fn none_of(all: &[Listed], before: &Installed, version: Option<&str>) -> Error {
    let kept: Vec<&str> = all.iter().map(|it| it.version.as_str()).collect();
    let message = match version {
        Some(it) if it == before.version => format!("{it} is installed already"),
        _ if kept.is_empty() => "no earlier version is kept".to_owned(),
        _ => format!("there is {}", kept.join(" and ")),
    };
    Error::invalid("version", message)
}

/// Whether what ran here before may run again: who signed it, the package's digest, and the
/// component's.
async fn ensure_may(
    context: &Context,
    plugin: &str,
    (publisher, package, component): (Option<&str>, Option<&str>, &str),
) -> Result<()> {
    revocation::ensure_none(context, &[publisher, package, Some(component)]).await?;
    if publisher.is_none() {
        // As for whatever else is installed: an earlier key is one that its publisher changed.
        install::check_publisher(context, plugin, None).await?;
    }
    Ok(())
}

/// The versions that are kept, newest first, each with why nobody may go back to it.
pub(super) async fn rows(context: &Context, plugin: &Installed) -> Result<Vec<PluginVersionRow>> {
    let mut rows = Vec::new();
    for it in store::versions::list(context.database.read(), plugin.id).await? {
        let all = (it.publisher.as_deref(), it.package_hash.as_deref(), &*it.component_hash);
        let barred = match ensure_may(context, &plugin.plugin, all).await {
            Ok(()) => None,
            Err(Error::Invalid { message, .. }) => Some(message),
            Err(error) => return Err(error),
        };
        let key = it.publisher.and_then(|it| PublisherKey::parse(&it).ok());
        rows.push(PluginVersionRow {
            number: it.number,
            version: it.version,
            key_id: key.map(|it| it.key_id()),
            at: it.created_at,
            barred,
        });
    }
    Ok(rows)
}

async fn go_back(context: &Context, before: &Installed, number: i64) -> Result<Result<()>> {
    let found = store::versions::find(context.database.read(), before.id, number).await?;
    let found = found.ok_or(Error::NotFound("version"))?;
    let component = install::read_component(&found.component)?;
    let (by, own) = (found.publisher.as_deref(), Package::digest(&component));
    ensure_may(context, &before.plugin, (by, found.package_hash.as_deref(), &own)).await?;
    let publisher = found.publisher.as_deref().map(PublisherKey::parse).transpose();
    let manifest = Manifest::parse(&found.manifest).context("a manifest of our own")?;
    let input = Input {
        component,
        schema: found.settings_schema,
        settings: Some(found.settings),
        secrets: std::collections::BTreeMap::new(),
        grants: serde_json::from_str(&found.grants).context("a plugin's grants")?,
        test_mode: found.test_mode_at.is_some(),
        publisher: publisher.context("a publisher's key of our own")?,
        manifest: found.manifest,
    };
    // It ran here before, and an operator who goes back has a reason.
    let origin =
        Origin { package_hash: found.package_hash, without_canary: true, ..Origin::default() };
    let ready = replace(context, before, (&manifest, input), &origin).await?;
    tracing::info!(plugin = %before.id, from = before.version, to = found.version, "went back");
    Ok(ready)
}
