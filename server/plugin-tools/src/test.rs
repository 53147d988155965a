//! `test`: builds, checks, tries what every plugin of its kind has to stand, and replays the
//! plugin's own recorded cases.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use myrelay_plugin_host::Compiler;
use myrelay_plugin_package::Package;
use tokio::runtime;

use crate::{
    build, cases,
    cases::Bench,
    check,
    conformance::{Facts, Suite},
    record, trial,
};

pub(crate) fn command() -> Command {
    Command::new("test")
        .about("Build the plugin, try what its kind has to stand, and replay its recorded cases")
        .arg(crate::folder_argument())
        .arg(
            Arg::new("no-build")
                .long("no-build")
                .action(ArgAction::SetTrue)
                .help("Test plugin.wasm as it is"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("NAME")
                .help("Run only what has this in its name, such as `case deliver` or `silence`"),
        )
        .args(record::options())
        .arg(trial::compiler_option())
}

pub(crate) fn run(matches: &ArgMatches, events: &[String], out: &mut dyn Write) -> Result<()> {
    let folder = crate::path(matches, "folder");
    if !matches.get_flag("no-build") {
        build::build(&folder, out)?;
    }
    let package = Package::from_folder(&folder)?;
    let threads = runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(call) = matches.get_one::<PathBuf>("record") {
        return threads.block_on(record::record(matches, &folder, package, call, out));
    }
    let only = matches.get_one::<String>("only").map(String::as_str);
    let (passed, failed) = threads.block_on(async {
        check::check(matches, &folder, events, out).await?;
        let compiler = trial::compiler(matches, &folder)?;
        all((compiler, package), &folder, only, &mut |what, name, wrong| {
            let word = if wrong.is_empty() { "ok" } else { "failed" };
            writeln!(out, "{word:<7} {what} {name}")?;
            for line in wrong {
                writeln!(out, "          {line}")?;
            }
            Ok(())
        })
        .await
    })?;
    writeln!(out, "{passed} passed, {failed} failed")?;
    if failed != 0 {
        bail!("{failed} of {} failed", passed + failed);
    }
    if passed == 0 {
        bail!("nothing was tested: there is no case in tests/, or none is called as --only says");
    }
    Ok(())
}

/// Hears how a case or a rule went: which of both it is, its name, and what is wrong.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(&str, &str, &[String]) -> Result<()>;

/// Replays the cases in a plugin's folder and tries the rules of its kinds, all or those with this
/// in their names. How many passed, and how many failed.
///
/// # Errors
/// When a case cannot be read or the plugin cannot be installed.
pub(crate) async fn all(
    (compiler, package): (Compiler, Package),
    folder: &Path,
    only: Option<&str>,
    tell: Tell<'_>,
) -> Result<(usize, usize)> {
    let cases = cases::all(folder)?;
    let facts = Facts::read(folder)?;
    let wants =
        |what: &str, name: &str| only.is_none_or(|it| format!("{what} {name}").contains(it));
    let (mut passed, mut failed) = (0_usize, 0_usize);
    let mut went = |what: &str, name: &str, wrong: &[String]| {
        *(if wrong.is_empty() { &mut passed } else { &mut failed }) += 1;
        tell(what, name, wrong)
    };
    let bench = Bench::new(compiler, package).await?;
    for (name, case) in cases.iter().filter(|it| wants("case", it.0)) {
        let wrong = bench.replay(case).await;
        let wrong = wrong.unwrap_or_else(|error| vec![format!("{error:#}")]);
        went("case", name, &wrong)?;
    }
    let rules = |rule: &str| wants("rule", rule);
    let suite = Suite { bench: &bench, cases: &cases, facts: &facts, wants: &rules };
    for finding in suite.run().await {
        went("rule", &finding.rule, &finding.wrong)?;
    }
    Ok((passed, failed))
}
