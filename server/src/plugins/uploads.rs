//! Packages that operators send: looked over, read by them, and installed or forgotten.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use myrelay_app::contract::{
    AskedRow, InstallOutcome, InstallView, SettingsForm, TypedFields, UploadPlugin,
};
use myrelay_domain::ids::UploadId;
use myrelay_plugin_host::{Grants, HostPattern, Kind, Manifest, PrivateNet};
use myrelay_plugin_package::{
    PACKAGE_BYTES, Package, PackageError, PublisherKey, SettingsProblem, SignatureError,
    peek_key_id, verify,
};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Input, Installed, Origin,
    change::{Secrets, Sorted, sort},
    compare::{compare, grows, typed_private, with_bars},
    form::{self, Field},
    grants::granted_to,
    install::{self, BEFORE, Before, STALE, asked, check_publisher},
    limits::kept_limits,
    revocation, store,
};
use crate::{
    Error, Result,
    context::{Caller, Context},
};

/// How long a package waits for its operator, in milliseconds: an hour.
const WAITS_MS: i64 = 3_600_000;
/// How many of them wait for one operator.
const AT_ONCE: i64 = 3;
/// The most of a README that is shown, in characters.
const README: usize = 4000;
/// What the form holds beside settings and secrets.
const OTHERS: [&str; 7] =
    [BEFORE, "hosts", "any_host", "private", "test_mode", "growth", "without"];

/// For operators: whether what nobody signed is taken.
pub(crate) fn takes_unsigned(context: &Context, caller: Caller) -> Result<bool> {
    caller.operator()?;
    Ok(context.settings.unsigned_plugins)
}

/// For operators: takes a package in, if it is sound and signed. Nothing of it is looked at before
/// it is known who signed it.
pub(crate) async fn upload(
    context: &Context,
    caller: Caller,
    input: UploadPlugin,
) -> Result<UploadId> {
    caller.operator()?;
    let held = context.plugins.place_to_look()?;
    take_in(context, caller, (input, held)).await
}

/// The same with a place for the package in memory.
pub(super) async fn take_in(
    context: &Context,
    caller: Caller,
    (input, _held): (UploadPlugin, OwnedSemaphorePermit),
) -> Result<UploadId> {
    let operator = caller.operator()?;
    if input.package.is_empty() {
        return Err(Error::invalid("package", "choose the package, a file that ends in .pplug"));
    }
    if PACKAGE_BYTES < input.package.len() {
        let message = format!("a package has at most {PACKAGE_BYTES} bytes");
        return Err(Error::invalid("package", message));
    }
    let bytes = Arc::new(input.package);
    let said = (input.signature.as_deref(), input.publisher.trim());
    let publisher = signed_by(context, &bytes, said).await?;
    let (by, digest) = (publisher.as_ref().map(ToString::to_string), Package::digest(&bytes));
    revocation::ensure_none(context, &[by.as_deref(), Some(&digest)]).await?;
    let package = open(&bytes).await?.map_err(|it| Error::invalid("package", it))?;
    let (manifest, _) = asked(package.manifest_text()).map_err(|error| match error {
        Error::Invalid { message, .. } => Error::invalid("package", message),
        error => error,
    })?;
    check_publisher(context, &manifest.id, publisher.as_ref()).await?;
    let (now, id) = (context.now(), context.new_id());
    let text = STANDARD.encode(bytes.as_slice());
    let new = store::uploads::New {
        id,
        operator,
        session: &input.session,
        package: &text,
        publisher: publisher.map(|it| it.to_string()),
    };
    let mut tx = context.database.write().await?;
    store::uploads::prune(&mut tx, now - WAITS_MS).await?;
    store::uploads::insert(&mut tx, &new, now).await?;
    store::uploads::keep_newest(&mut tx, operator, AT_ONCE).await?;
    tx.commit().await?;
    Ok(id)
}

/// Who signed a package: whoever the operator says it has to be, or somebody whose plugins were
/// installed before.
async fn signed_by(
    context: &Context,
    bytes: &Arc<Vec<u8>>,
    (signature, typed): (Option<&str>, &str),
) -> Result<Option<PublisherKey>> {
    let Some(signature) = signature else {
        return if context.settings.unsigned_plugins && typed.is_empty() {
            Ok(None)
        } else {
            let message = "choose the signature, the file beside the package that ends in .minisig";
            Err(Error::invalid("signature", message))
        };
    };
    let of_signature = |error: SignatureError| Error::invalid("signature", error);
    let signer = peek_key_id(signature).map_err(of_signature)?;
    let keys = if typed.is_empty() {
        let known = store::uploads::publishers(context.database.read()).await?;
        let known = known.iter().filter_map(|it| PublisherKey::parse(it).ok());
        // An id is short, and whoever makes keys can make one with the id of another.
        let keys: Vec<PublisherKey> = known.filter(|it| it.key_id() == signer).collect();
        if keys.is_empty() {
            let message = format!(
                "no plugin of the key {signer} was installed yet: give the publisher's key, which \
                 you have another way than the package"
            );
            return Err(Error::invalid("publisher", message));
        }
        keys
    } else {
        vec![PublisherKey::parse(typed).map_err(|it| Error::invalid("publisher", it))?]
    };
    let (bytes, text) = (Arc::clone(bytes), signature.to_owned());
    let key = aside(move || which(&bytes, &text, keys)).await?.map_err(|error| match error {
        SignatureError::OtherKey { .. } => Error::invalid("publisher", error),
        error => of_signature(error),
    })?;
    Ok(Some(key))
}

/// The first of the keys that signed these bytes, or why the last did not.
fn which(
    bytes: &[u8],
    signature: &str,
    keys: Vec<PublisherKey>,
) -> std::result::Result<PublisherKey, SignatureError> {
    let mut wrong = SignatureError::Key;
    for key in keys {
        match verify(bytes, signature, &key) {
            Ok(_) => return Ok(key),
            Err(error) => wrong = error,
        }
    }
    Err(wrong)
}

/// Opens a package.
async fn open(bytes: &Arc<Vec<u8>>) -> Result<Result<Package, PackageError>> {
    let bytes = Arc::clone(bytes);
    aside(move || Package::open(&bytes)).await
}

/// Work of a moment, beside the threads that answer requests.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.context("look at a package")?)
}

/// For operators: what waits to be installed, with the form for it.
pub(crate) async fn upload_view(
    context: &Context,
    caller: Caller,
    (session, upload): (&str, &str),
) -> Result<InstallView> {
    Opened::of(context, caller, (session, upload)).await?.view(None, &[], BTreeMap::new())
}

/// For operators: installs what waits, with all that it asks for, if it works with what was typed.
pub(crate) async fn install_upload(
    context: &Context,
    caller: Caller,
    (session, upload): (&str, &str),
    typed: TypedFields,
) -> Result<InstallOutcome> {
    let opened = Opened::of(context, caller, (session, upload)).await?;
    // What the fields mean depends on the version before.
    if typed.0.iter().all(|(name, it)| name != BEFORE || *it != opened.before_mark()) {
        return opened.stale();
    }
    let typed = sort(&opened.fields, &opened.secrets, typed, &OTHERS)?;
    let refused = |problems: &[SettingsProblem], errors| -> Result<InstallOutcome> {
        let view = opened.view(Some(&typed), problems, errors)?;
        Ok(InstallOutcome::Refused(Box::new(view)))
    };
    let (grants, errors) = opened.grants(&typed);
    let (settings, problems) = form::read(&opened.fields, &typed.settings);
    let Some(grants) = grants.filter(|_| problems.is_empty() && errors.is_empty()) else {
        return refused(&problems, errors);
    };
    if !typed.wrong.is_empty() {
        return refused(&[], errors);
    }
    let input = Input {
        manifest: opened.package.manifest_text().to_owned(),
        component: opened.package.wasm().to_vec(),
        schema: opened.package.schema_text(),
        settings: Some(settings.to_string()),
        secrets: typed.secrets.clone(),
        grants,
        test_mode: typed.others.contains_key("test_mode"),
        publisher: opened.publisher.clone(),
    };
    // So that a package that is revoked later is known to be this one.
    let hash = Some(opened.digest.clone());
    let (read, _held) = (Some(opened.before()), Some(Arc::clone(&opened.held)));
    let origin = Origin { package_hash: hash, read, _held, ..Origin::default() };
    match install::install(context, (input, origin)).await {
        Ok((id, ready)) => {
            if let Err(error) = ready {
                tracing::warn!(plugin = %id, %error, "a plugin did not make itself ready");
            }
            discard_upload(context, caller, (session, upload)).await?;
            Ok(InstallOutcome::Installed(id))
        }
        Err(Error::Settings(problems)) => refused(&problems, errors),
        // In the moment between.
        Err(Error::Invalid { field: BEFORE, .. }) => {
            drop(opened);
            Opened::of(context, caller, (session, upload)).await?.stale()
        }
        Err(error) => {
            let mut view = opened.view(Some(&typed), &[], errors)?;
            view.error = Some(error.beside_a_form()?);
            Ok(InstallOutcome::Refused(Box::new(view)))
        }
    }
}

/// For operators: forgets a package that waits. Twice is fine.
pub(crate) async fn discard_upload(
    context: &Context,
    caller: Caller,
    (session, upload): (&str, &str),
) -> Result<()> {
    let (operator, id) = (caller.operator()?, parse_id(upload)?);
    let mut tx = context.database.write().await?;
    store::uploads::delete(&mut tx, id, (operator, session)).await?;
    tx.commit().await?;
    Ok(())
}

/// Forgets what waited for too long.
pub(super) async fn prune(context: &Context) -> Result<()> {
    let mut tx = context.database.write().await?;
    store::uploads::prune(&mut tx, context.now() - WAITS_MS).await?;
    tx.commit().await?;
    Ok(())
}

fn parse_id(id: &str) -> Result<UploadId> {
    id.parse().map_err(|_no_id| Error::NotFound(PACKAGE))
}

/// What people call what waits.
const PACKAGE: &str = "uploaded package";

/// A package that waits, and what it meets here.
struct Opened {
    id: UploadId,
    package: Package,
    digest: String,
    publisher: Option<PublisherKey>,
    /// A plugin of this name was installed with this key before.
    is_pinned: bool,
    before: Option<(Installed, Manifest, Grants)>,
    asked: Vec<AskedRow>,
    fields: Vec<Field>,
    settings: Value,
    secrets: Secrets,
    /// Its place in memory.
    held: Arc<OwnedSemaphorePermit>,
}

impl Opened {
    async fn of(
        context: &Context,
        caller: Caller,
        (session, upload): (&str, &str),
    ) -> Result<Self> {
        let (operator, id) = (caller.operator()?, parse_id(upload)?);
        let held = context.plugins.place_to_look()?;
        let (pool, since) = (context.database.read(), context.now() - WAITS_MS);
        let found = store::uploads::find(pool, id, (operator, session), since).await?;
        let (text, publisher) = found.ok_or(Error::NotFound(PACKAGE))?;
        let broken = |error: String| anyhow::anyhow!(error).context("a package of our own");
        let bytes = STANDARD.decode(text).map_err(|it| broken(it.to_string()))?;
        let bytes = Arc::new(bytes);
        let package = open(&bytes).await?.map_err(|it| broken(it.to_string()))?;
        let publisher = publisher.map(|it| PublisherKey::parse(&it)).transpose();
        let publisher = publisher.map_err(|it| broken(it.to_string()))?;
        let plugin = package.manifest().id.clone();
        let pinned = store::publishers::find(pool, &plugin).await?;
        let mut given = Vec::new();
        let before = match super::find(context, &plugin).await? {
            Some(before) => {
                given = store::secrets::list(pool, before.id).await?;
                let grants =
                    serde_json::from_str(&before.grants).map_err(|it| broken(it.to_string()))?;
                let manifest = before.manifest()?;
                Some((before, manifest, grants))
            }
            None => None,
        };
        let kept = before.as_ref().map(|(it, ..)| serde_json::from_str(&it.settings));
        let kept = kept.transpose().map_err(|it| broken(it.to_string()))?;
        let settings = kept.unwrap_or_else(|| json!({}));
        let settings = package.schema().map_or(json!({}), |it| it.with_defaults(&settings));
        let schema = package.schema_text();
        Ok(Self {
            id,
            asked: compare(before.as_ref().map(|(_, it, _)| it), package.manifest()),
            digest: Package::digest(&bytes),
            is_pinned: pinned.is_some(),
            fields: schema.map(|it| form::fields(&it, &settings)).unwrap_or_default(),
            secrets: Secrets::of(package.manifest(), given.into_iter().map(|it| it.0)),
            package,
            publisher,
            before,
            settings,
            held: Arc::new(held),
        })
    }

    /// What the form was made of: the version before, so that nobody agrees to another one.
    fn before_mark(&self) -> String {
        self.before().map_or_else(String::new, |(id, revision)| format!("{id} {revision}"))
    }

    fn before(&self) -> Before {
        self.before.as_ref().map(|(it, ..)| (it.id, it.revision))
    }

    /// The form anew, where it was made of something else.
    fn stale(&self) -> Result<InstallOutcome> {
        let mut view = self.view(None, &[], BTreeMap::new())?;
        view.form.problems.push(format!("{STALE}."));
        Ok(InstallOutcome::Refused(Box::new(view)))
    }

    /// What the operator grants, and what is wrong with it by the names of the fields.
    fn grants(&self, typed: &Sorted) -> (Option<Grants>, BTreeMap<String, String>) {
        let mut errors = BTreeMap::new();
        let text = |name: &str| typed.others.get(name).map(String::as_str).unwrap_or_default();
        let mut wrong = |field: &str, message: String| {
            errors.entry(field.to_owned()).or_insert(message);
        };
        let (mut hosts, mut private) = (Vec::new(), Vec::new());
        for line in lines(text("hosts")) {
            match HostPattern::parse(line) {
                Some(host) if !host.is_any() => hosts.push(host),
                _ => wrong("hosts", no_host(line)),
            }
        }
        for line in lines(text("private")) {
            match line.parse::<PrivateNet>() {
                Ok(net) => private.push(net),
                Err(why) => wrong("private", format!("{line:?}: {why}")),
            }
        }
        let any_host = typed.others.contains_key("any_host");
        let grants = granted_to(self.package.manifest(), &hosts, any_host, &private);
        if grants.is_none() {
            wrong("hosts", "it asks for hosts that you name: name one, or tick the box".to_owned());
        }
        if self.grows() && !typed.others.contains_key("growth") {
            wrong("growth", "read what is new, and tick that you grant it".to_owned());
        }
        let missing = self.secrets.missing_names(&typed.secrets);
        if typed.wrong.is_empty() && !missing.is_empty() && !typed.others.contains_key("without") {
            let message = format!(
                "these are not given: {}. Type them, or tick that you give them later",
                missing.join(", ")
            );
            wrong("without", message);
        }
        (grants, errors)
    }

    fn grows(&self) -> bool {
        grows(&self.asked)
    }

    /// The hosts and private addresses that were granted before, and whether any host was.
    fn granted(&self) -> (Vec<String>, Vec<String>, bool) {
        let Some((_, manifest, grants)) = &self.before else { return Default::default() };
        let is_named = |host: &HostPattern| {
            !host.is_any() && manifest.http.iter().all(|it| it.rule.host != *host)
        };
        let hosts = grants.http.iter().map(|it| &it.rule.host).filter(|it| is_named(it));
        let mut hosts: Vec<String> = hosts.map(ToString::to_string).collect();
        let private = grants.http.iter().flat_map(|it| &it.private);
        let mut private: Vec<String> = private.map(ToString::to_string).collect();
        for list in [&mut hosts, &mut private] {
            list.sort_unstable();
            list.dedup();
        }
        (hosts, private, grants.http.iter().any(|it| it.any_host))
    }

    fn view(
        &self,
        typed: Option<&Sorted>,
        problems: &[SettingsProblem],
        errors: BTreeMap<String, String>,
    ) -> Result<InstallView> {
        let manifest = self.package.manifest();
        let stored = || form::typed(&self.fields, &self.settings);
        let shown = typed.map_or_else(stored, |it| it.settings.clone());
        let (fields, problems) = form::draw(&self.fields, &shown, problems);
        let nothing = Sorted::default();
        let secrets = self.secrets.draw(&typed.unwrap_or(&nothing).wrong);
        let (hosts, private, any_host) = self.granted();
        let text = |name: &str, stored: &[String]| {
            typed.map_or_else(
                || stored.join("\n"),
                |it| it.others.get(name).cloned().unwrap_or_default(),
            )
        };
        let ticked =
            |name: &str, stored: bool| typed.map_or(stored, |it| it.others.contains_key(name));
        let before = self.before.as_ref();
        let reached = typed_private(&text("private", &private));
        Ok(InstallView {
            upload: self.id,
            plugin: manifest.id.clone(),
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            license: manifest.license.clone(),
            homepage: manifest.homepage.clone(),
            publisher: self.publisher.as_ref().map(ToString::to_string),
            is_pinned: self.is_pinned,
            digest: self.digest.clone(),
            readme: self.package.readme().map(excerpt),
            replaces: before.map(|(it, ..)| it.version.clone()),
            asked: with_bars(self.asked.clone(), manifest, |_| reached.clone()),
            kept_limits: kept_limits(before.map(|(it, ..)| it), manifest)?,
            grows: self.grows(),
            agreed: ticked("growth", false),
            before: self.before_mark(),
            names_hosts: manifest.http.iter().any(|it| it.rule.host.is_any()),
            makes_requests: !manifest.http.is_empty(),
            takes_payments: manifest.kinds.contains(&Kind::Billing),
            hosts: text("hosts", &hosts),
            any_host: ticked("any_host", any_host),
            private: text("private", &private),
            test_mode: ticked("test_mode", before.is_some_and(|(it, ..)| it.test_mode)),
            missing: self.secrets.missing_names(&BTreeMap::new()),
            without: ticked("without", false),
            form: SettingsForm { fields, secrets, problems },
            errors,
            error: None,
        })
    }
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|it| !it.is_empty())
}

/// What is wrong with a line that names no host.
fn no_host(line: &str) -> String {
    match line {
        "*" => "for any host there is a tick below, and nothing to write here".to_owned(),
        _ if line.contains("://") => {
            format!("{line:?}: write the host alone, as mail.example.org")
        }
        _ => format!("{line:?} is no name of a host, as mail.example.org is"),
    }
}

/// The beginning of a README, without what no text holds.
fn excerpt(text: &str) -> String {
    let kept = text.chars().filter(|it| *it == '\n' || !it.is_control());
    let mut short: String = kept.take(README).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
