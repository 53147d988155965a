//! `myrelay plugin dev --portal`: what an author builds takes the place of what runs in a portal for
//! development on this machine, which goes on meanwhile.

use std::{io::stdout, path::Path};

use anyhow::bail;
use async_trait::async_trait;
use clap::{Arg, ArgAction, ArgMatches, Command};
use myrelay_app::contract::AskedRow;
use myrelay_plugin_package::Package;
use myrelay_plugin_tools::{Portal, interrupted};

use super::{Asked, given, granting, input, line_of, read_text, started};
use crate::{cli::serve::Started, config::Config, context::Context, outbox::Event, plugins};

/// The flag by which there is a portal.
const PORTAL: &str = "portal";

/// The command with what a portal needs.
pub(crate) fn options(command: Command) -> Command {
    let portal = Arg::new(PORTAL).long(PORTAL).action(ArgAction::SetTrue).help(
        "Put each version that is sound into the portal whose settings these are; it has \
         unsigned-plugins, and may run meanwhile",
    );
    command.arg(portal).args(granting().into_iter().map(|it| it.requires(PORTAL)))
}

/// Whether a portal is to have what is built.
pub(crate) fn has_portal(matches: &ArgMatches) -> bool {
    matches.get_flag(PORTAL)
}

/// Works on a plugin with a portal, until it is stopped.
pub(crate) async fn run(config: Config, matches: &ArgMatches) -> anyhow::Result<()> {
    if !config.unsigned_plugins {
        bail!(
            "unsigned-plugins: it is off, and what is built is signed by nobody: set it for a \
             portal that is for development, and for no other"
        );
    }
    let Started { context, .. } = started(&config).await?;
    let mut portal = Development { context: context.clone(), asked: given(matches), there: None };
    let events = Event::all_published();
    let mut out = stdout();
    let work =
        myrelay_plugin_tools::dev(matches, &events, (&mut out, Some(&mut portal)), interrupted());
    let done = work.await;
    context.database.close().await;
    done
}

/// A portal for development.
struct Development {
    context: Context,
    asked: Asked,
    /// What was put there last.
    there: Option<String>,
}

#[async_trait]
impl Portal for Development {
    async fn put(&mut self, folder: &Path) -> anyhow::Result<String> {
        let package = Package::from_folder(folder)?;
        let mark = self.mark(&package)?;
        let (read, _) = plugins::asked(package.manifest_text())?;
        let before = plugins::find(&self.context, &read.id).await?;
        // Somebody may have gone back, disabled or removed it in the portal.
        let component = Package::digest(package.wasm());
        let stays = before.as_ref().is_some_and(|it| it.is(&component) && it.works());
        if stays && self.there.as_ref() == Some(&mark) {
            return Ok("it has this already".to_owned());
        }
        let had = before.as_ref().map(plugins::Installed::manifest).transpose()?;
        self.ensure_granted(&read.id, &plugins::compare(had.as_ref(), &read))?;
        let input = input(&self.asked, (&package, None), (&read, before.as_ref()))?;
        let missing = plugins::missing_secrets(&self.context, &read, &input.secrets).await?;
        let missing = missing.iter().map(|it| format!("; --secret {}=FILE is missing", it.name));
        let missing: String = missing.collect();
        // Another answer than before is what an author works for.
        let origin = plugins::Origin { without_canary: true, ..plugins::Origin::default() };
        let (id, ready) = plugins::install(&self.context, (input, origin)).await?;
        let name = format!("{} {}", read.id, read.version);
        if let Err(error) = ready {
            let why = error.words();
            return Ok(format!("{name} is there and did not make itself ready: {why}{missing}"));
        }
        self.there = Some(mark);
        let works = plugins::get(&self.context, &id.to_string()).await?.works();
        let how = if works { "runs" } else { "is there, and disabled: enable it on its page" };
        Ok(format!("{name} {how}{missing}"))
    }
}

impl Development {
    /// What an author may change of what is put there, as a digest.
    fn mark(&self, package: &Package) -> anyhow::Result<String> {
        let mut parts = vec![
            Package::digest(package.manifest_text().as_bytes()),
            Package::digest(package.wasm()),
            package.schema_text().unwrap_or_default(),
        ];
        let files = self.asked.secrets.iter().filter_map(|it| Some(it.split_once('=')?.1));
        let files = files.map(Path::new).chain(self.asked.settings.as_deref());
        for file in files {
            parts.push(Package::digest(read_text(file)?.as_bytes()));
        }
        Ok(Package::digest(parts.join("\n").as_bytes()))
    }

    /// What is asked for anew waits for whoever operates the portal, though that is its author.
    fn ensure_granted(&self, plugin: &str, rows: &[AskedRow]) -> anyhow::Result<()> {
        let is_new = rows.iter().all(|it| it.change.is_none());
        if self.asked.grant || !(is_new || plugins::grows(rows)) {
            return Ok(());
        }
        let lines: String = rows.iter().filter_map(|it| line_of(it, is_new)).collect();
        let lines = lines.trim_end();
        if is_new {
            bail!(
                "{plugin} is not installed there: start this with --grant, which grants all that \
                 it asks for:\n{lines}"
            );
        }
        bail!(
            "{plugin} asks for more than before, which waits for you: start this with --grant, or \
             grant it once by `myrelay plugin install FOLDER --grant`:\n{lines}"
        )
    }
}
