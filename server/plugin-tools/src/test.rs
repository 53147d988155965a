//! `test`: builds, checks, tries what every plugin of its kind has to stand, and replays the
//! plugin's own recorded cases.

use std::{io::Write, path::PathBuf};

use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
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
    check::run(matches, events, out)?;
    let cases = cases::all(&folder)?;
    let facts = Facts::read(&folder)?;
    let only = matches.get_one::<String>("only").map(String::as_str);
    let wants =
        |what: &str, name: &str| only.is_none_or(|it| format!("{what} {name}").contains(it));
    let compiler = trial::compiler(matches, &folder)?;
    let (mut passed, mut failed) = (0_usize, 0_usize);
    let mut tell = |what: &str, name: &str, wrong: &[String]| -> Result<()> {
        let (word, count) =
            if wrong.is_empty() { ("ok", &mut passed) } else { ("failed", &mut failed) };
        *count += 1;
        writeln!(out, "{word:<7} {what} {name}")?;
        for line in wrong {
            writeln!(out, "          {line}")?;
        }
        Ok(())
    };
    threads.block_on(async {
        let bench = Bench::new(compiler, package).await?;
        for (name, case) in cases.iter().filter(|it| wants("case", it.0)) {
            let wrong = bench.replay(case).await;
            let wrong = wrong.unwrap_or_else(|error| vec![format!("{error:#}")]);
            tell("case", name, &wrong)?;
        }
        let rules = |rule: &str| wants("rule", rule);
        let suite = Suite { bench: &bench, cases: &cases, facts: &facts, wants: &rules };
        for finding in suite.run().await {
            tell("rule", &finding.rule, &finding.wrong)?;
        }
        anyhow::Ok(())
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
