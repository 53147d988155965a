//! Other settings and secrets for a plugin, as an operator types them into a form.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use myrelay_app::contract::{
    PluginSettingsView, SecretField, SettingsChange, SettingsForm, TypedFields,
};
use myrelay_plugin_host::{Manifest, PluginSecret};
use myrelay_plugin_package::SettingsProblem;
use serde_json::Value;

use super::{
    Input, Installed, Origin,
    form::{self, Field, Typed},
    install, revocation, store,
    upgrade::replace,
};
use crate::{
    Error, Result,
    context::{Caller, Context},
};

/// What forms call the number of what they were made of.
pub(super) const REVISION: &str = "revision";
/// What is said where that is not what is there.
pub(super) const CHANGED: &str = "Somebody changed this plugin while you typed. This is how it stands now; type \
                                  what you want changed once more.";
/// A secret as long as a page takes it.
const LONG_SECRET: &str = "a secret has at most 8192 bytes";

/// For operators: the settings and secrets of a plugin.
pub(crate) async fn settings_view(
    context: &Context,
    caller: Caller,
    plugin: &str,
) -> Result<PluginSettingsView> {
    caller.operator()?;
    let found = super::get(context, plugin).await?;
    Asked::of(context, &found).await?.view(None, &[])
}

/// For operators: gives a plugin other settings and secrets, if it works with them. This is what
/// installing the same version once more does.
pub(crate) async fn change_settings(
    context: &Context,
    caller: Caller,
    plugin: &str,
    typed: TypedFields,
) -> Result<SettingsChange> {
    caller.operator()?;
    let found = super::get(context, plugin).await?;
    let asked = Asked::of(context, &found).await?;
    let typed = asked.sort(typed)?;
    let refused = |problems: &[SettingsProblem]| -> Result<SettingsChange> {
        Ok(SettingsChange::Refused(Box::new(asked.view(Some(&typed), problems)?)))
    };
    if typed.revision != found.revision.to_string() {
        let mut view = asked.view(None, &[])?;
        view.form.problems.push(CHANGED.to_owned());
        return Ok(SettingsChange::Refused(Box::new(view)));
    }
    let (settings, problems) = form::read(&asked.fields, &typed.settings);
    if !problems.is_empty() || !typed.wrong.is_empty() {
        return refused(&problems);
    }
    match save(context, &found, settings, typed.secrets.clone()).await {
        Ok(()) => Ok(SettingsChange::Saved),
        Err(Error::Settings(problems)) => refused(&problems),
        Err(error) => {
            let mut view = asked.view(Some(&typed), &[])?;
            view.error = Some(error.beside_a_form()?);
            Ok(SettingsChange::Refused(Box::new(view)))
        }
    }
}

/// Puts the same version with other settings in the place of a plugin, and has it make itself
/// ready. One that does not is stopped, and its page says why.
async fn save(
    context: &Context,
    before: &Installed,
    settings: Value,
    secrets: BTreeMap<String, PluginSecret>,
) -> Result<()> {
    if let Some(why) = revocation::why(context, before.id).await? {
        return Err(Error::invalid("publisher", why));
    }
    let parts = store::parts::find(context.database.read(), before.id).await?;
    let (component, schema) = parts.ok_or(Error::NotFound("plugin"))?;
    let manifest = before.manifest()?;
    let input = Input {
        manifest: before.manifest.clone(),
        component: install::read_component(&component)?,
        schema,
        settings: Some(settings.to_string()),
        secrets,
        grants: serde_json::from_str(&before.grants).context("a plugin's grants")?,
        test_mode: before.test_mode,
        publisher: None,
    };
    let ready = replace(context, before, (&manifest, input), &Origin::default()).await?;
    if let Err(error) = ready {
        tracing::warn!(plugin = %before.id, %error, "a plugin did not make itself ready");
    }
    Ok(())
}

/// What a form asks for.
struct Asked<'a> {
    plugin: &'a Installed,
    fields: Vec<Field>,
    settings: Value,
    secrets: Secrets,
}

impl<'a> Asked<'a> {
    async fn of(context: &Context, plugin: &'a Installed) -> Result<Self> {
        let pool = context.database.read();
        let schema = store::parts::schema(pool, plugin.id).await?;
        let settings: Value =
            serde_json::from_str(&plugin.settings).context("a plugin's settings")?;
        let given = store::secrets::list(pool, plugin.id).await?;
        Ok(Self {
            plugin,
            fields: schema.map(|it| form::fields(&it, &settings)).unwrap_or_default(),
            settings,
            secrets: Secrets::of(&plugin.manifest()?, given.into_iter().map(|it| it.0)),
        })
    }

    /// Sorts what was sent; what nobody asked for is refused.
    fn sort(&self, sent: TypedFields) -> Result<Sorted> {
        let mut sorted = sort(&self.fields, &self.secrets, sent, &[REVISION])?;
        let revision = sorted.others.remove(REVISION).unwrap_or_default();
        Ok(Sorted { revision, ..sorted })
    }

    /// The form, as it stands or as it was typed.
    fn view(
        &self,
        typed: Option<&Sorted>,
        problems: &[SettingsProblem],
    ) -> Result<PluginSettingsView> {
        let stored = || form::typed(&self.fields, &self.settings);
        let shown = typed.map_or_else(stored, |it| it.settings.clone());
        let (fields, problems) = form::draw(&self.fields, &shown, problems);
        let nothing = BTreeSet::new();
        let secrets = self.secrets.draw(typed.map_or(&nothing, |it| &it.wrong));
        Ok(PluginSettingsView {
            id: self.plugin.id,
            name: self.plugin.name.clone(),
            revision: self.plugin.revision,
            form: SettingsForm { fields, secrets, problems },
            error: None,
        })
    }
}

/// The secrets that a plugin uses, in the manifest's order: name, label, whether its provider makes
/// it, and whether there is one.
pub(super) struct Secrets(Vec<(myrelay_plugin_host::Secret, bool)>);

impl Secrets {
    pub(super) fn of(manifest: &Manifest, given: impl Iterator<Item = String>) -> Self {
        let given: BTreeSet<String> = given.collect();
        let all = manifest.secrets.iter().cloned();
        Self(all.map(|it| (it.clone(), given.contains(&it.name))).collect())
    }

    pub(super) fn draw(&self, wrong: &BTreeSet<String>) -> Vec<SecretField> {
        let field =
            |(index, (secret, given)): (usize, &(myrelay_plugin_host::Secret, bool))| SecretField {
                name: name(index),
                secret: secret.name.clone(),
                label: secret.label.clone(),
                given: *given,
                generated: secret.generated,
                optional: secret.optional,
                error: wrong.contains(&secret.name).then(|| LONG_SECRET.to_owned()),
            };
        self.0.iter().enumerate().map(field).collect()
    }

    /// Those that nobody gave, these aside; not those that a provider makes, or that the plugin may
    /// work without.
    pub(super) fn missing(
        &self,
        typed: &BTreeMap<String, PluginSecret>,
    ) -> Vec<&myrelay_plugin_host::Secret> {
        let is_missing = |(secret, given): &&(myrelay_plugin_host::Secret, bool)| {
            let may_be_missing = secret.generated || secret.optional;
            !given && !may_be_missing && !typed.contains_key(&secret.name)
        };
        self.0.iter().filter(is_missing).map(|(it, _)| it).collect()
    }

    /// What those are called.
    pub(super) fn missing_names(&self, typed: &BTreeMap<String, PluginSecret>) -> Vec<String> {
        let called =
            |it: &myrelay_plugin_host::Secret| it.label.as_ref().unwrap_or(&it.name).clone();
        self.missing(typed).into_iter().map(called).collect()
    }

    /// The secret that a field of a form is about.
    fn named(&self, field: &str) -> Option<&str> {
        let asked = self.0.iter().enumerate().filter(|(_, (it, _))| !it.generated);
        asked
            .map(|(index, (it, _))| (name(index), it))
            .find(|(it, _)| it == field)
            .map(|it| it.1.name.as_str())
    }
}

/// What the form calls a secret: its own name may be a word that no body may carry.
fn name(index: usize) -> String {
    format!("secret-{index}")
}

/// What was sent, sorted.
#[derive(Default)]
pub(super) struct Sorted {
    revision: String,
    pub(super) settings: Typed,
    /// Those that are not empty.
    pub(super) secrets: BTreeMap<String, PluginSecret>,
    /// The secrets that are too long.
    pub(super) wrong: BTreeSet<String>,
    pub(super) others: BTreeMap<String, String>,
}

/// Sorts what a form sent into settings, secrets and these others. What nobody asked for is
/// refused, and so is what is there twice.
pub(super) fn sort(
    fields: &[Field],
    secrets: &Secrets,
    sent: TypedFields,
    others: &[&str],
) -> Result<Sorted> {
    let names: BTreeSet<&str> = form::names(fields).into_iter().collect();
    let mut sorted = Sorted::default();
    let mut seen = BTreeSet::new();
    for (name, text) in sent.0 {
        if !seen.insert(name.clone()) {
            return Err(Error::invalid("form", format!("{name} is there twice")));
        }
        if names.contains(name.as_str()) {
            sorted.settings.insert(name, text);
        } else if others.contains(&name.as_str()) {
            sorted.others.insert(name, text);
        } else if let Some(secret) = secrets.named(&name) {
            if text.is_empty() {
                continue;
            }
            match PluginSecret::new(text) {
                Some(it) => drop(sorted.secrets.insert(secret.to_owned(), it)),
                None => drop(sorted.wrong.insert(secret.to_owned())),
            }
        } else {
            return Err(Error::invalid("form", format!("nobody asked for {name}")));
        }
    }
    Ok(sorted)
}
