//! `myrelay plugin install`, `list`, and what comes after that

pub(super) mod dev;
pub(super) mod life;
pub(super) mod limits;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use myrelay_app::contract::{AskedRow, CapabilityChange, HostBar};
use myrelay_plugin_host::{
    Grants, HostPattern, HttpRule, Manifest, PluginSecret, PrivateNet, Secret,
};
use myrelay_plugin_package::{PACKAGE_BYTES, Package, PublisherKey, verify};

use super::{
    say,
    serve::{Started, start_context},
};
use crate::{
    Error,
    config::{Config, Origin, SiteTls},
    context::Context,
    database::Database,
    plugins, vault,
};

/// The commands and what they ask for.
pub(super) fn commands() -> Vec<Command> {
    let path = |text: Arg| text.value_parser(value_parser!(PathBuf));
    let install = Command::new("install")
        .about(
            "Tell what a plugin asks for and, with --grant, install it, or put it in the place of \
             another version of it",
        )
        .arg(path(Arg::new("package").value_name("PACKAGE").required(true)).help(
            "The .pplug with its .minisig beside it; or a folder with plugin.toml and \
             plugin.wasm, where unsigned plugins are allowed",
        ))
        .arg(
            Arg::new("publisher")
                .long("publisher")
                .value_name("KEY")
                .help("Who has to have signed it: a minisign.pub, or its second line"),
        )
        .args(granting())
        .args(life::install_options());
    let list = Command::new("list").about("List the plugins that are installed");
    [install, list, limits::command()].into_iter().chain(life::commands()).collect()
}

/// What an operator grants and gives to a plugin.
fn granting() -> Vec<Arg> {
    let path = |text: Arg| text.value_parser(value_parser!(PathBuf));
    let many = |text: Arg| text.action(ArgAction::Append);
    vec![
        Arg::new("grant")
            .long("grant")
            .action(ArgAction::SetTrue)
            .help("Grant all that it asks for, and install it"),
        path(Arg::new("settings").long("settings").value_name("FILE"))
            .help("Its settings, a JSON object; default: those that it has"),
        many(Arg::new("secret").long("secret").value_name("NAME=FILE"))
            .help("A secret, by the file that holds it alone; as often as it has secrets"),
        many(Arg::new("host").long("host").value_name("HOST"))
            .help("A host that it may reach, where it asks for hosts that you name"),
        Arg::new("test-mode")
            .long("test-mode")
            .action(ArgAction::SetTrue)
            .help("Let it use its provider's sandbox, where no money is real"),
        Arg::new("any-host")
            .long("any-host")
            .action(ArgAction::SetTrue)
            .conflicts_with("host")
            .help("Let it reach any host on the internet, where it asks for hosts that you name"),
        many(Arg::new("private").long("private").value_name("NETWORK:PORT"))
            .help("A private address that it may reach too, such as 10.1.2.3/32:8025"),
    ]
}

/// What was said about an installation.
#[derive(Default)]
pub(super) struct Asked {
    package: PathBuf,
    publisher: Option<String>,
    grant: bool,
    settings: Option<PathBuf>,
    secrets: Vec<String>,
    hosts: Vec<String>,
    any_host: bool,
    test_mode: bool,
    private: Vec<String>,
    rotations: Vec<PathBuf>,
    without_canary: bool,
    without_secrets: bool,
}

impl Asked {
    /// Whether it is to be installed, and not only looked at.
    pub(super) fn is_granted(&self) -> bool {
        self.grant
    }

    /// Whether hosts and private addresses are those of before.
    fn names_nothing(&self) -> bool {
        self.hosts.is_empty() && self.private.is_empty() && !self.any_host
    }
}

/// What was asked for.
pub(super) fn asked(matches: &ArgMatches) -> Asked {
    Asked {
        package: matches.get_one::<PathBuf>("package").cloned().unwrap_or_default(),
        publisher: matches.get_one::<String>("publisher").cloned(),
        rotations: matches.get_many("rotation").into_iter().flatten().cloned().collect(),
        without_canary: matches.get_flag("without-canary"),
        without_secrets: matches.get_flag("without-secrets"),
        ..given(matches)
    }
}

/// What an operator grants and gives to the plugin, whichever that is.
fn given(matches: &ArgMatches) -> Asked {
    let many = |name: &str| {
        let all = matches.get_many::<String>(name);
        all.into_iter().flatten().cloned().collect()
    };
    Asked {
        grant: matches.get_flag("grant"),
        settings: matches.get_one::<PathBuf>("settings").cloned(),
        secrets: many("secret"),
        hosts: many("host"),
        any_host: matches.get_flag("any-host"),
        test_mode: matches.get_flag("test-mode"),
        private: many("private"),
        ..Asked::default()
    }
}

/// Tells what a plugin asks for, and installs it if that is granted. The portal may run meanwhile:
/// it takes the plugin up within a second.
pub(super) async fn install(config: Config, asked: Asked) -> anyhow::Result<()> {
    let Opened { package, publisher, hash } = open(&asked)?;
    let origin = plugins::Origin {
        package_hash: hash,
        rotations: life::rotations(&asked.rotations, &asked.package)?,
        without_canary: asked.without_canary,
        ..plugins::Origin::default()
    };
    let (read, _) = plugins::asked(package.manifest_text())?;
    let portal = portal_of(&config, &asked).await?;
    let before = match &portal {
        Some(context) => plugins::find(context, &read.id).await?,
        None => None,
    };
    say(&told(&asked, (&read, publisher.as_ref()), before.as_ref())?)?;
    if let Some(context) = portal.as_ref().filter(|_| origin.rotations.is_empty()) {
        // Whoever only reads learns it too.
        plugins::check_publisher(context, &read.id, publisher.as_ref()).await?;
    }
    let Some(context) = portal.filter(|_| asked.grant) else {
        return say("\nNothing was installed. To grant all of this, add --grant.\n");
    };
    let input = input(&asked, (&package, publisher), (&read, before.as_ref()))?;
    ensure_asked(&asked, &read, &input.secrets)?;
    let missing = plugins::missing_secrets(&context, &read, &input.secrets).await?;
    if !asked.without_secrets {
        ensure_given(&missing)?;
    }
    let lost = before.as_ref().map(|it| it.private_lost(&input.grants)).transpose()?;
    for address in lost.unwrap_or_default() {
        say(&format!(
            "\nIt may not reach {address} any more, since that was granted for another wish: name \
             it with --private if it is meant for this one\n"
        ))?;
    }
    let done = plugins::install(&context, (input, origin)).await;
    let hook = match &done {
        Ok((id, _)) => {
            let found = plugins::get(&context, &id.to_string()).await?;
            plugins::hook_url(&context, &found)?
        }
        Err(_) => None,
    };
    context.database.close().await;
    let (id, enabled) = done.map_err(about_settings)?;
    if let Some(hook) = hook {
        say(&format!("\nIts provider is to report to {hook}\n"))?;
    }
    for Secret { name, .. } in missing {
        say(&format!(
            "\nThe secret {name} is not given yet: give it on its page, or install it once more with \
             --secret {name}=FILE\n"
        ))?;
    }
    match enabled {
        Ok(()) => say(&format!("\nInstalled: {id}\n")),
        Err(error) => bail!(
            "{} is installed as {id}, and did not make itself ready: {}. Its page in the portal \
             tries again; install it once more to give it other settings or secrets",
            read.name,
            error.words()
        ),
    }
}

/// The portal, where there is one or it is to be installed there. Looking makes none, and brings
/// nothing of one that runs up to date.
async fn portal_of(config: &Config, asked: &Asked) -> anyhow::Result<Option<Context>> {
    let folder = config.data_dir.display();
    if !asked.grant && !vault::is_in(&config.data_dir) {
        say(&format!("There is no portal in {folder}: this is how one without it is asked.\n\n"))?;
        return Ok(None);
    }
    if !asked.grant && !Database::is_current(&config.database_url).await {
        return Ok(None);
    }
    match started(config).await {
        Ok(started) => Ok(Some(started.context)),
        Err(error) if asked.grant => Err(error),
        Err(error) => {
            say(&format!("What the portal has of it cannot be read: {error:#}\n\n"))?;
            Ok(None)
        }
    }
}

/// Whether all that is named is of use to the plugin: what it has no use for is most likely mistyped.
fn ensure_asked(
    asked: &Asked,
    manifest: &Manifest,
    secrets: &BTreeMap<String, PluginSecret>,
) -> anyhow::Result<()> {
    if let Some(name) = secrets.keys().find(|it| manifest.secret(it).is_none()) {
        let all = manifest.secrets.iter().map(|it| it.name.as_str()).collect::<Vec<_>>();
        let all = if all.is_empty() { "none".to_owned() } else { all.join(", ") };
        bail!("--secret {name}: this plugin has no such secret; it has {all}");
    }
    let names_hosts = manifest.http.iter().any(|it| it.rule.host.is_any());
    if !names_hosts && (asked.any_host || !asked.hosts.is_empty()) {
        bail!(
            "--host: this plugin asks for no hosts that you name; an address of your own network is \
             granted by --private"
        );
    }
    Ok(())
}

/// Whether all secrets are given that a plugin uses: as on its page, that they are not takes a word of
/// the operator's.
fn ensure_given(missing: &[Secret]) -> anyhow::Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let line = |it: &Secret| {
        let about = it.label.as_ref().map_or(String::new(), |it| format!("  ({it})"));
        format!("  --secret {}=FILE{about}\n", it.name)
    };
    let lines: String = missing.iter().map(line).collect();
    bail!(
        "nothing was installed, since secrets are not given that it uses:\n{lines}Add them, each by \
         the file that holds it alone; or say --without-secrets, and give them later: some come only \
         from its provider, once it is installed"
    )
}

/// Settings that do not fit, with what to do about them.
fn about_settings(error: Error) -> anyhow::Error {
    match error {
        Error::Settings(problems) => {
            let lines: String = problems.iter().map(|it| format!("\n  {it}")).collect();
            anyhow!(
                "nothing was changed, since its settings do not fit; --settings names a file with \
                 them, a JSON object:{lines}"
            )
        }
        error => error.into(),
    }
}

/// A plugin with all that its operator grants and gives.
fn input(
    asked: &Asked,
    (package, publisher): (&Package, Option<PublisherKey>),
    (read, before): (&Manifest, Option<&plugins::Installed>),
) -> anyhow::Result<plugins::Input> {
    let settings = asked.settings.as_ref().map(|it| read_text(it));
    let grants = match before {
        // What it may reach beyond its wishes stays, where nothing else is said.
        Some(before) if asked.names_nothing() => before.grants_for(read)?,
        _ => grants(read, asked)?,
    };
    Ok(plugins::Input {
        grants,
        test_mode: asked.test_mode,
        secrets: secrets(&asked.secrets)?,
        schema: package.schema_text(),
        settings: settings.transpose()?,
        manifest: package.manifest_text().to_owned(),
        component: package.wasm().to_vec(),
        publisher,
    })
}

/// A package that is sound, and where it is from.
struct Opened {
    package: Package,
    publisher: Option<PublisherKey>,
    /// The SHA-256 of its bytes; none where it is a folder.
    hash: Option<String>,
}

/// The package, and who signed it: nothing of it is looked at before that is known.
fn open(asked: &Asked) -> anyhow::Result<Opened> {
    let place = &asked.package;
    let shown = || place.display().to_string();
    let publisher = asked.publisher.as_deref().map(publisher).transpose()?;
    if place.is_dir() {
        if publisher.is_some() {
            bail!("--publisher: {} is a folder, and only packages are signed", shown());
        }
        let package = Package::from_folder(place).with_context(shown)?;
        return Ok(Opened { package, publisher: None, hash: None });
    }
    let size = fs::metadata(place).with_context(|| read_what(place))?.len();
    if u64::try_from(PACKAGE_BYTES).is_ok_and(|most| most < size) {
        bail!("{}: a package has at most {PACKAGE_BYTES} bytes, not {size}", shown());
    }
    let bytes = fs::read(place).with_context(|| read_what(place))?;
    let mut beside = place.clone().into_os_string();
    beside.push(".minisig");
    if publisher.is_none() && Path::new(&beside).exists() {
        bail!("{} is signed: say by whom it has to be, --publisher KEY", shown());
    }
    if let Some(publisher) = &publisher {
        let signature = read_text(Path::new(&beside))?;
        verify(&bytes, &signature, publisher).with_context(shown)?;
    }
    let package = Package::open(&bytes).with_context(shown)?;
    Ok(Opened { package, publisher, hash: Some(Package::digest(&bytes)) })
}

/// A key by its file or by itself.
fn publisher(text: &str) -> anyhow::Result<PublisherKey> {
    if let Ok(key) = PublisherKey::parse(text) {
        return Ok(key);
    }
    PublisherKey::parse(&read_text(Path::new(text))?).with_context(|| text.to_owned())
}

/// Lists the plugins.
pub(super) async fn list(config: Config) -> anyhow::Result<()> {
    let Started { context, .. } = started(&config).await?;
    let all = plugins::all(&context).await;
    context.database.close().await;
    let lines: Vec<String> = all?.iter().map(plugins::Installed::line).collect();
    if lines.is_empty() {
        return say("No plugin is installed.\n");
    }
    say(&format!("{}\n", lines.join("\n")))
}

async fn started(config: &Config) -> anyhow::Result<Started> {
    let secure = config.tls != SiteTls::Clear;
    let site =
        config.public_url.clone().unwrap_or_else(|| Origin::of_listener(secure, config.listen));
    let node = Origin::new(true, site.host.clone(), Some(config.node_listen.port()));
    start_context(config, &site, &node).await
}

/// What an operator reads before granting it, beside the version that is there.
fn told(
    asked: &Asked,
    (manifest, by): (&Manifest, Option<&PublisherKey>),
    before: Option<&plugins::Installed>,
) -> anyhow::Result<String> {
    let Manifest { name, version, id, .. } = manifest;
    let by = by.map_or_else(|| "nobody".to_owned(), life::with_id);
    let mut text = format!("{name} {version} ({id}), signed by {by}, asks to:\n");
    let rows = with_bars(asked, manifest, before)?;
    text.extend(rows.iter().filter_map(|it| line_of(it, true)));
    if let Some(before) = before {
        let grows = if plugins::grows(&rows) { "It asks for more" } else { "It asks for no more" };
        text.push_str(&format!(
            "\nIt takes the place of version {}. {grows} than that did.\n",
            before.version
        ));
    }
    for it in plugins::kept_limits(before, manifest)? {
        let (set, asked) = (it.kind.amount(it.number), it.kind.amount(it.asked));
        text.push_str(&format!(
            "\nIts limit {} stays at {set}, as an operator set it, and it asks for {asked}.\n",
            it.kind.name()
        ));
    }
    Ok(text)
}

/// What it asks for, with what keeps a host from being reached as it is to be installed.
fn with_bars(
    asked: &Asked,
    manifest: &Manifest,
    before: Option<&plugins::Installed>,
) -> anyhow::Result<Vec<AskedRow>> {
    let had = before.map(plugins::Installed::manifest).transpose()?;
    let rows = plugins::compare(had.as_ref(), manifest);
    let Some(before) = before.filter(|_| asked.names_nothing()) else {
        let named = plugins::typed_private(&asked.private.join("\n"));
        return Ok(plugins::with_bars(rows, manifest, |_| named.clone()));
    };
    // What was granted for one request is not granted for another.
    let kept = before.grants_for(manifest)?.http;
    let of = |rule: &HttpRule| {
        let same = kept.iter().filter(|it| it.rule == *rule);
        same.flat_map(|it| it.private.clone()).collect()
    };
    Ok(plugins::with_bars(rows, manifest, of))
}

/// Something that is asked for, in two lines, and a third where its host is not reached; nothing
/// where it is as before and that is not wanted.
fn line_of(row: &AskedRow, with_same: bool) -> Option<String> {
    let AskedRow { what, reason, change, bar } = row;
    let mark = match change {
        Some(CapabilityChange::Added) => "new: ",
        Some(CapabilityChange::Removed) => "no longer: ",
        _ if with_same => "",
        _ => return None,
    };
    let bar = bar.as_ref().map_or_else(String::new, |it| {
        let how = if matches!(it, HostBar::Private { .. }) { " (--private)" } else { "" };
        format!("      {}{how}\n", it.words())
    });
    Some(format!("  {mark}{what}\n      {reason}\n{bar}"))
}

/// All that is asked for, with the hosts and the private addresses that the operator named.
fn grants(manifest: &Manifest, asked: &Asked) -> anyhow::Result<Grants> {
    let parse = |it: &String| {
        HostPattern::parse(it).with_context(|| format!("--host: {it:?} is no name of a host"))
    };
    let hosts = asked.hosts.iter().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
    let private = asked.private.iter().map(|it| it.parse::<PrivateNet>());
    let private = private.collect::<Result<Vec<_>, _>>();
    let private = private.map_err(|why| anyhow!("--private: {why}"))?;
    plugins::granted_to(manifest, &hosts, asked.any_host, &private)
        .context("it asks for hosts that you name: add --host NAME, or --any-host")
}

fn secrets(all: &[String]) -> anyhow::Result<BTreeMap<String, PluginSecret>> {
    let read = |it: &String| {
        let Some((name, file)) = it.split_once('=') else {
            bail!("--secret: expected NAME=FILE, not {it:?}: a secret in a command is readable");
        };
        let text = read_text(Path::new(file))?;
        let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
        let secret = PluginSecret::new(text);
        let secret = secret.with_context(|| format!("{file}: it is empty, or too long"))?;
        Ok((name.to_owned(), secret))
    };
    all.iter().map(read).collect()
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| read_what(path))
}

fn read_what(path: &Path) -> String {
    format!("read {}", path.display())
}
