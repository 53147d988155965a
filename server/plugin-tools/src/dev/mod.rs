//! `dev`: builds, checks and tests the plugin again whenever its author changes something, and puts
//! it into a portal for development.

mod sources;

use std::{
    future::pending,
    io::Write,
    path::{Path, PathBuf},
    pin::pin,
};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use clap::{Arg, ArgAction, ArgMatches, Command};
use myrelay_plugin_package::Package;
use tokio::{
    runtime, select,
    signal::unix::{SignalKind, signal},
    task::yield_now,
};

use crate::{
    build, check,
    dev::sources::{Seen, Sources},
    test, trial,
};

/// As many names of changed files are told.
const NAMES: usize = 3;
/// As many lines of what fails are told.
const LINES: usize = 20;

pub(crate) fn command() -> Command {
    Command::new("dev")
        .about("Build, check and test the plugin again after every change, until Ctrl-C")
        .arg(crate::folder_argument())
        .arg(
            Arg::new("no-build")
                .long("no-build")
                .action(ArgAction::SetTrue)
                .help("Something else builds plugin.wasm: wait for that too"),
        )
        .arg(trial::compiler_option())
}

/// Where what was built goes besides: a portal for development.
#[async_trait]
pub trait Portal: Send {
    /// Puts the plugin of a folder in the place of the one that is there, and says in a line what
    /// came of it.
    async fn put(&mut self, folder: &Path) -> Result<String>;
}

pub(crate) fn run(matches: &ArgMatches, events: &[String], out: &mut dyn Write) -> Result<()> {
    let threads = runtime::Builder::new_current_thread().enable_all().build()?;
    threads.block_on(dev(matches, events, (out, None), interrupted()))
}

/// Waits for Ctrl-C, or for SIGTERM. From the first time that it is asked nothing ends the program
/// in between.
///
/// # Errors
/// None: where signals cannot be heard of it waits for ever, and they end the program as usual.
pub async fn interrupted() {
    let heard = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = heard else { return pending().await };
    select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Builds, checks and tests the plugin in a folder, once and after each change, until it is to stop.
/// What is right so far goes into the portal, if there is one.
///
/// # Errors
/// When the folder cannot be read, or nothing can be written. What is wrong with the plugin is told.
pub async fn dev<'a>(
    matches: &'a ArgMatches,
    events: &'a [String],
    (out, portal): (&'a mut dyn Write, Option<&'a mut dyn Portal>),
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let folder = crate::path(matches, "folder");
    let folder =
        folder.canonicalize().with_context(|| format!("no folder {}", folder.display()))?;
    let sources = Sources::new(&folder, matches.get_flag("no-build"));
    let mut work = Work { matches, events, folder, portal };
    let (mut stop, mut seen) = (pin!(stop), Seen::default());
    loop {
        seen = sources.look(&seen)?;
        let good = select! {
            biased;
            () = &mut stop => return Ok(()),
            good = work.build_and_check(out) => good?,
        };
        if good {
            // What is begun there is brought to its end: half of it would be worse.
            work.put(out).await?;
        }
        let changed = select! {
            biased;
            () = &mut stop => return Ok(()),
            // Tests of what is old by now are of no use.
            changed = sources.change(&seen) => changed?,
            never = work.test_and_wait(good, out) => return never,
        };
        let more = changed.len().saturating_sub(NAMES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let names = changed.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
        writeln!(out, "\nchanged  {names}{more}")?;
    }
}

/// One author's work on one plugin.
struct Work<'a> {
    matches: &'a ArgMatches,
    events: &'a [String],
    folder: PathBuf,
    portal: Option<&'a mut dyn Portal>,
}

impl Work<'_> {
    /// Builds and checks the plugin. Whether it is built and sound.
    async fn build_and_check(&mut self, out: &mut dyn Write) -> Result<bool> {
        if !self.matches.get_flag("no-build") {
            let built = build::build(&self.folder, out);
            // Ctrl-C meanwhile, which may have ended the compiler too, is heard of here.
            yield_now().await;
            if let Err(error) = built {
                return failed("not built", &error, out);
            }
        }
        let mut told = Vec::new();
        let checked = check::check(self.matches, &self.folder, self.events, &mut told).await;
        if let Err(error) = checked {
            return failed("not sound", &error, out);
        }
        writeln!(out, "checked  it is sound")?;
        out.flush()?;
        Ok(true)
    }

    /// Hands the plugin to the portal, if there is one.
    async fn put(&mut self, out: &mut dyn Write) -> Result<()> {
        let Some(portal) = &mut self.portal else { return Ok(()) };
        match portal.put(&self.folder).await {
            Ok(told) => writeln!(out, "portal   {told}")?,
            Err(error) => writeln!(out, "portal   it has what it had before: {error:#}")?,
        }
        Ok(out.flush()?)
    }

    /// Tests what is good so far, says that changes are waited for, and never ends by itself.
    async fn test_and_wait(&self, good: bool, out: &mut dyn Write) -> Result<()> {
        if good {
            let told = self.test().await;
            out.write_all(told.unwrap_or_else(|error| format!("tests    {error:#}\n")).as_bytes())?;
        }
        writeln!(out, "waiting for changes; Ctrl-C ends this")?;
        out.flush()?;
        pending().await
    }

    /// What fails of the cases and the rules, and how many do.
    async fn test(&self) -> Result<String> {
        let package = Package::from_folder(&self.folder)?;
        let compiler = trial::compiler(self.matches, &self.folder)?;
        let mut lines = Vec::new();
        let (passed, failed) =
            test::all((compiler, package), &self.folder, None, &mut |what, name, wrong| {
                if !wrong.is_empty() {
                    lines.push(format!("failed   {what} {name}"));
                }
                lines.extend(wrong.iter().map(|it| format!("           {it}")));
                Ok(())
            })
            .await?;
        if passed + failed == 0 {
            return Ok("tests    none: there is no case in tests/\n".to_owned());
        }
        let more = lines.len().saturating_sub(LINES);
        lines.truncate(LINES);
        if more != 0 {
            lines.push(format!("         and {more} more lines: `myrelay plugin test` tells all"));
        }
        lines.push(format!("tests    {passed} passed, {failed} failed\n"));
        Ok(lines.join("\n"))
    }
}

/// What is wrong with the plugin; what ran before goes on.
fn failed(what: &str, error: &anyhow::Error, out: &mut dyn Write) -> Result<bool> {
    writeln!(out, "{what}: {error:#}\nwhat ran before goes on")?;
    out.flush()?;
    Ok(false)
}
