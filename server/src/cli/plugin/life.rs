//! `myrelay plugin rollback`, `remove`, `revoke`, `revoked`

#[cfg(test)]
mod tests;

use std::{
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use myrelay_plugin_package::{PublisherKey, ROTATION_BYTES, Rotation};

use super::{read_text, say, started};
use crate::{
    cli::serve::Started,
    config::Config,
    context::Context,
    plugins::{self, Installed},
};

/// The commands and what they ask for.
pub(super) fn commands() -> [Command; 4] {
    let plugin = || {
        Arg::new("plugin")
            .value_name("PLUGIN")
            .required(true)
            .help("What its publisher calls it, such as org.example.mail")
    };
    let rollback = Command::new("rollback")
        .about("Put an earlier version of a plugin in the place of the one that is installed")
        .arg(plugin())
        .arg(
            Arg::new("version")
                .value_name("VERSION")
                .help("Which; default: the last one before. Two are kept"),
        );
    let remove = Command::new("remove")
        .about("Take a plugin away, with its secrets and all that it remembers")
        .arg(plugin())
        .arg(
            Arg::new("export")
                .long("export")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Write what it remembers there first, as JSON; the file must not exist"),
        )
        .arg(
            Arg::new("leave-subscriptions")
                .long("leave-subscriptions")
                .action(ArgAction::SetTrue)
                .help(
                    "Remove it although its provider collects from customers: that goes on there",
                ),
        );
    let revoke = Command::new("revoke")
        .about(
            "Run nothing any more that a key signed, or one package: what is installed of it is \
             stopped",
        )
        .arg(Arg::new("what").value_name("KEY|SHA256").required(true).help(
            "A publisher's key as `plugin keygen` prints it, its id, or the SHA-256 of a package \
             or of a plugin.wasm",
        ))
        .arg(
            Arg::new("reason")
                .long("reason")
                .value_name("TEXT")
                .required_unless_present("undo")
                .help("Why, for whoever reads the plugin's page"),
        )
        .arg(
            Arg::new("undo")
                .long("undo")
                .action(ArgAction::SetTrue)
                .conflicts_with("reason")
                .help("Take it back; what it stopped is enabled on its page"),
        );
    let revoked = Command::new("revoked").about("List what is revoked, and why");
    [rollback, remove, revoke, revoked]
}

/// What the command line adds to `plugin install`.
pub(super) fn install_options() -> [Arg; 3] {
    [
        Arg::new("rotation")
            .long("rotation")
            .value_name("FILE")
            .action(ArgAction::Append)
            .value_parser(value_parser!(PathBuf))
            .help(
                "What its publisher says of a new key, signed with the key before; default: \
                 PACKAGE.rotation, if it is there",
            ),
        Arg::new("without-canary")
            .long("without-canary")
            .action(ArgAction::SetTrue)
            .help("Do not try the last calls of the installed version on this one first"),
        Arg::new("without-secrets").long("without-secrets").action(ArgAction::SetTrue).help(
            "Install it although secrets that it uses are not given: whatever needs one fails \
                 until you give it",
        ),
    ]
}

/// What publishers say of their next keys: in the files that are named, or beside the package.
pub(super) fn rotations(named: &[PathBuf], package: &Path) -> anyhow::Result<Vec<Rotation>> {
    let mut places = named.to_vec();
    let mut beside = package.as_os_str().to_owned();
    beside.push(".rotation");
    if places.is_empty() && Path::new(&beside).exists() {
        places.push(PathBuf::from(beside));
    }
    let read = |place: &PathBuf| {
        let shown = || place.display().to_string();
        let size = place.metadata().with_context(shown)?.len();
        if u64::try_from(ROTATION_BYTES).is_ok_and(|most| most < size) {
            bail!("{}: a rotation has at most {ROTATION_BYTES} bytes, not {size}", shown());
        }
        Rotation::read(&read_text(place)?).with_context(shown)
    };
    places.iter().map(read).collect()
}

/// Does what one of the commands says. The portal may run meanwhile.
pub(crate) async fn run(config: Config, act: &str, matches: &ArgMatches) -> anyhow::Result<()> {
    let Started { context, .. } = started(&config).await?;
    let done = done(&context, act, matches).await;
    context.database.close().await;
    say(&done?)
}

/// Does it, and answers what is to be said.
async fn done(context: &Context, act: &str, matches: &ArgMatches) -> anyhow::Result<String> {
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten();
    match act {
        "rollback" => rollback(context, text("plugin"), text("version")).await,
        "remove" => {
            let leave = matches.get_flag("leave-subscriptions");
            remove(context, text("plugin"), (matches.get_one("export"), leave)).await
        }
        "revoke" => revoke(context, text("what"), text("reason")).await,
        _ => revoked(context).await,
    }
}

pub(super) async fn found(context: &Context, plugin: Option<&String>) -> anyhow::Result<Installed> {
    let plugin = plugin.context("PLUGIN is missing")?;
    // `list` shows both.
    let is_it = |it: &Installed| it.plugin == *plugin || it.id.to_string() == *plugin;
    let found = plugins::all(context).await?.into_iter().find(is_it);
    found.with_context(|| format!("{plugin} is not installed; `myrelay plugin list` has all"))
}

async fn rollback(
    context: &Context,
    plugin: Option<&String>,
    version: Option<&String>,
) -> anyhow::Result<String> {
    let before = found(context, plugin).await?;
    let (back, ready) = plugins::rollback_to(context, &before, version.map(String::as_str)).await?;
    if let Err(error) = ready {
        bail!(
            "{} is {back} again, and did not make itself ready: {}. Its page in the portal tries \
             again",
            before.plugin,
            error.words()
        );
    }
    Ok(format!("{} was {} and is {back} again.\n", before.plugin, before.version))
}

async fn remove(
    context: &Context,
    plugin: Option<&String>,
    (export, leave): (Option<&PathBuf>, bool),
) -> anyhow::Result<String> {
    let found = found(context, plugin).await?;
    let goes_on = plugins::what_goes_on(context, &found).await?;
    if let Some(what) = goes_on.filter(|_| !leave) {
        bail!(
            "{} is not removed, since {what}. End the subscriptions first, on their accounts' \
             pages, and wait until it was told; or say --leave-subscriptions: then that goes on \
             there, and nobody tells it to end",
            found.plugin
        );
    }
    if let Some(place) = export {
        let shown = || format!("write {}", place.display());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(place);
        let mut file = file.with_context(shown)?;
        // What is written after this would not be in the file.
        plugins::hold_back(context, found.id).await?;
        let text = plugins::export(context, &found).await?;
        file.write_all(text.as_bytes()).with_context(shown)?;
    }
    plugins::take_away(context, found.id, leave).await?;
    Ok(format!("{} is removed.\n", found.plugin))
}

async fn revoke(
    context: &Context,
    what: Option<&String>,
    reason: Option<&String>,
) -> anyhow::Result<String> {
    let what = what.context("KEY or SHA256 is missing")?;
    let Some(reason) = reason else {
        plugins::unrevoke(context, what).await?;
        return Ok("It is not revoked any more. What was stopped stays so until you let it go on, on its page.\n".to_owned());
    };
    let found = plugins::revoke(context, what, reason).await?;
    let lines = found.iter().map(|it| format!("  {} {}\n", it.plugin, it.version));
    let lines: String = lines.collect();
    Ok(if lines.is_empty() {
        "Revoked. Nothing that is installed is of it.\n".to_owned()
    } else {
        format!("Revoked. These do not run any more:\n{lines}")
    })
}

/// A key as its publisher has it, and as signatures name it.
pub(super) fn with_id(key: &PublisherKey) -> String {
    format!("{key} (key id {})", key.key_id())
}

async fn revoked(context: &Context) -> anyhow::Result<String> {
    let all = plugins::revoked(context).await?;
    let shown = |what: &str| match PublisherKey::parse(what) {
        Ok(key) => with_id(&key),
        Err(_a_digest) => what.to_owned(),
    };
    let line = |it: &plugins::Revocation| format!("{}  {}\n", shown(&it.what), it.reason);
    let lines: String = all.iter().map(line).collect();
    Ok(if lines.is_empty() { "Nothing is revoked.\n".to_owned() } else { lines })
}
