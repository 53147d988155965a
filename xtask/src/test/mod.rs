//! `cargo xtask test`: every level of tests, and one line at the end that says how they went.

mod clean_builds;
mod lint;
mod postgres;
mod programs;
mod results;

use std::env;
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::plugins;
use crate::report;
use crate::setup;
use crate::setup::wasm::Compiler;
use crate::site;
use crate::test::clean_builds::{Elsewhere, p47_two_clean_builds_give_the_same_bytes};
use crate::test::postgres::Postgres;
use crate::test::programs::Program;
use crate::workspace::{Profile, Workspace};

pub(crate) use results::{Outcome, Record, Results, read as last_results};

/// A kind of test; each asks another question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// What must work before anything can be tested: installing, compiling
    #[value(skip)]
    Ready,
    /// Format and lints
    Lint,
    /// Rules, operations and doors: everything inside one process, on SQLite
    Unit,
    /// The source keeps its own rules
    Tidy,
    /// The portal's tests again, with a PostgreSQL started for them
    Postgres,
    /// Plugins against the host: good ones, and ones that try everything
    Plugins,
    /// Two clean builds give the browser the same bytes
    Builds,
    /// The programs as people use them: Chromium, WireGuard clients, namespaces
    E2e,
    /// The agent on a real kernel's WireGuard, in a machine of its own
    Kernel,
}

impl Level {
    /// The levels that run compiled tests, in the order they are run.
    const WITH_PROGRAMS: [Self; 6] =
        [Self::Tidy, Self::Unit, Self::Postgres, Self::Plugins, Self::E2e, Self::Kernel];

    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or("ready".to_owned(), |value| value.get_name().to_owned())
    }
}

/// Runs the tests of the levels, or of all when none is named.
///
/// # Errors
/// When the results cannot be written. Everything else that goes wrong is a failed test.
pub(crate) fn run(workspace: &Workspace, levels: &[Level]) -> Result<ExitCode> {
    let levels = if levels.is_empty() { Level::value_variants() } else { levels };
    let mut results = Results::default();
    run_levels(workspace, levels, &mut results);
    results.write(workspace)?;
    results.print();
    Ok(if results.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs what can be run; a stage that fails is recorded, and ends what depends on it.
fn run_levels(workspace: &Workspace, levels: &[Level], results: &mut Results) {
    let Some(compiler) = results.stage("setup", || setup::run(workspace)) else { return };
    if levels.contains(&Level::Lint) {
        lint::run(workspace, &compiler, results);
    }
    let twice = levels.contains(&Level::Builds);
    if twice || levels.iter().any(|level| needs_site(*level)) {
        build_site(workspace, &compiler, twice, results);
    }
    if !levels.iter().any(|level| Level::WITH_PROGRAMS.contains(level)) {
        return;
    }
    report::step("Compiling the programs and their tests");
    let Some(programs) = results.stage("compile", || programs::compile(workspace)) else { return };
    for level in Level::WITH_PROGRAMS.into_iter().filter(|level| levels.contains(level)) {
        run_level(workspace, &compiler, level, &programs, results);
    }
}

/// Whether a level's tests load pages.
fn needs_site(level: Level) -> bool {
    matches!(level, Level::Unit | Level::Postgres | Level::E2e)
}

fn run_level(
    workspace: &Workspace,
    compiler: &Compiler,
    level: Level,
    programs: &[Program],
    results: &mut Results,
) {
    let mut extra: Vec<(&str, String)> = Vec::new();
    let mut database = None;
    if level == Level::Postgres {
        let Some(postgres) = results.stage("postgres", Postgres::start) else { return };
        extra.push(("MYRELAY_TEST_POSTGRES_URL", postgres.url()));
        database = Some(postgres);
    }
    if matches!(level, Level::Plugins | Level::E2e) {
        let built = results.stage("plugins", || plugins::build(workspace, compiler));
        let Some(folder) = built else { return };
        extra.push(("MYRELAY_TEST_PLUGINS", folder.display().to_string()));
        // What an author's own `cargo build` finds here.
        extra.extend(plugins::environment(workspace, compiler));
    }
    if level == Level::Kernel {
        let inside =
            [("MYRELAY_TEST_BACKEND", "backend"), ("MYRELAY_TEST_PRIVILEGES", "privileges")];
        for (variable, name) in inside {
            let program = programs.iter().find(|program| program.is("myrelay-agent", name));
            extra.extend(program.map(|it| (variable, it.path.display().to_string())));
        }
    }
    for program in programs.iter().filter(|program| program.belongs_to(level)) {
        program.run(workspace, level, &extra, results);
    }
    if level == Level::Unit {
        programs::run_examples(workspace, results);
    }
    drop(database);
}

/// Builds what the browser loads, and for [`Level::Builds`] once more elsewhere, from nothing. Both
/// at the same time: the longest part of each, optimising the whole, has one core busy.
fn build_site(workspace: &Workspace, compiler: &Compiler, twice: bool, results: &mut Results) {
    let start = Instant::now();
    if twice {
        report::step("Building what the browser loads, here and elsewhere");
    }
    let (here, there) = thread::scope(|scope| {
        let there = twice.then(|| scope.spawn(|| Elsewhere::build(workspace, compiler)));
        let here = site::build_with(workspace, compiler)
            .and_then(|()| site::link(workspace, Profile::Debug));
        (here, there.map(|it| it.join().unwrap_or_else(|panic| resume_unwind(panic))))
    });
    let built = results.stage("site", || here);
    let (Some(()), Some(there)) = (built, there) else { return };
    let same = there.and_then(|it| p47_two_clean_builds_give_the_same_bytes(workspace, &it));
    let outcome = match same {
        Ok(()) => Outcome::Passed,
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    let name = "p47_two_clean_builds_give_the_same_bytes";
    results.record(Level::Builds, "xtask", name, outcome);
    results.took(Level::Builds, start.elapsed());
}

/// Variables that Cargo sets for us and that a test must not see, since it would set others.
fn is_cargos(name: &str) -> bool {
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The names of all such variables that are set.
fn cargos() -> Vec<String> {
    env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| is_cargos(name))
        .collect()
}
