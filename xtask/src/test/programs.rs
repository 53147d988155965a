//! The compiled tests: building them all at once, running them one by one, reading what they say.

use std::fs::{self, File};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process;
use crate::report;
use crate::test::{Level, Outcome, Results, cargos};
use crate::workspace::{Workspace, for_this_machine};

/// How long one program may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// The module of those tests that need a PostgreSQL.
const ON_POSTGRES: &str = "on_postgres::";

/// The module of the portal's tests that need plugins to have been built.
const WITH_PLUGINS: &str = "with_real_plugins::";

/// The story that waits two minutes for WireGuard's own clock: the others are told meanwhile.
const WAITS: &str = "wire::p01_p03_p16_p39_";

/// A program that Cargo made of a crate's tests.
pub(crate) struct Program {
    package: String,
    /// The name of the library, of the program or of the file in `tests`.
    target: String,
    pub(crate) path: PathBuf,
    /// The package's folder: Cargo runs tests there.
    folder: PathBuf,
}

/// Compiles the programs, and the tests of every crate but the browser part.
///
/// All of it in one go: then every crate is compiled once, with one set of features. The browser
/// part stays out, because Leptos renders with one feature and hydrates with another.
///
/// # Errors
/// When something does not compile.
pub(crate) fn compile(workspace: &Workspace) -> Result<Vec<Program>> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["build", "--quiet"])
        .args(for_this_machine())
        .args(["--all-targets", "--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit());
    let output = cargo.output()?;
    if !output.status.success() {
        bail!("{} ended with {}", process::shown(&cargo), output.status);
    }
    let mut programs = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        if message["profile"]["test"] != true {
            continue;
        }
        let Some(path) = message["executable"].as_str() else { continue };
        let manifest = Path::new(message["manifest_path"].as_str().unwrap_or_default());
        let folder = manifest.parent().unwrap_or(manifest).to_owned();
        programs.push(Program {
            package: package_name(message["package_id"].as_str().unwrap_or_default()),
            target: message["target"]["name"].as_str().unwrap_or_default().to_owned(),
            path: path.into(),
            folder,
        });
    }
    programs
        .sort_by(|one, other| (&one.package, &one.target).cmp(&(&other.package, &other.target)));
    Ok(programs)
}

/// `path+file:///…/server#myrelay-server@0.1.0` → `myrelay-server`, and `…/xtask#0.1.0` → `xtask`.
fn package_name(id: &str) -> String {
    let (place, fragment) = id.split_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => place.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

impl Program {
    pub(crate) fn is(&self, package: &str, target: &str) -> bool {
        self.package == package && self.target == target
    }

    pub(crate) fn belongs_to(&self, level: Level) -> bool {
        let own = match (self.package.as_str(), self.target.as_str()) {
            ("myrelay-tests", "tidy") => Level::Tidy,
            ("myrelay-tests", "e2e") => Level::E2e,
            ("myrelay-tests", "kernel") => Level::Kernel,
            ("myrelay-plugin-host" | "myrelay-plugin-tools", "plugins")
            | ("myrelay-plugin-host", "process") => Level::Plugins,
            _ => Level::Unit,
        };
        let again = matches!(level, Level::Postgres | Level::Plugins);
        own == level || (again && self.is("myrelay-server", "myrelay_server"))
    }

    fn name(&self) -> String {
        if self.package.replace('-', "_") == self.target {
            self.package.clone()
        } else {
            format!("{}/{}", self.package, self.target)
        }
    }

    /// Runs all tests of the program and records what they said.
    pub(crate) fn run(
        &self,
        workspace: &Workspace,
        level: Level,
        extra: &[(&str, String)],
        results: &mut Results,
    ) {
        let name = self.name();
        let mut command = self.command(extra);
        // The portal's operations are told twice, once on each engine.
        match level {
            Level::Plugins if self.package == "myrelay-server" => command.arg(WITH_PLUGINS),
            Level::Postgres => command.arg(ON_POSTGRES),
            // A browser, a node and a client each: two at once would wait for one another.
            Level::E2e => command.args(["--test-threads", "1", "--skip", WAITS]),
            // Namespaces of their own, in which most of the time something is waited for.
            Level::Unit if self.is("myrelay-agent", "backend") => {
                command.args(["--test-threads", "4"])
            }
            Level::Unit => command.args(["--skip", ON_POSTGRES, "--skip", WITH_PLUGINS]),
            _ => &mut command,
        };
        let start = Instant::now();
        let runs = if level == Level::E2e {
            let mut waits = self.command(extra);
            waits.arg(WAITS);
            thread::scope(|scope| {
                let label = format!("{name}-waits");
                let waits = scope.spawn(move || watch(workspace, level, &label, &mut waits));
                let others = watch(workspace, level, &name, &mut command);
                vec![others, waits.join().unwrap_or_else(|panic| resume_unwind(panic))]
            })
        } else {
            vec![watch(workspace, level, &name, &mut command)]
        };
        results.took(level, start.elapsed());
        for run in runs {
            run.record(level, &name, results);
        }
    }

    fn command(&self, extra: &[(&str, String)]) -> Command {
        let mut command = process::command(&self.path);
        command.arg("--show-output").current_dir(&self.folder);
        for name in cargos() {
            command.env_remove(name);
        }
        command.env("CARGO_MANIFEST_DIR", &self.folder);
        command.envs(extra.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Runs the examples in the documentation.
pub(crate) fn run_examples(workspace: &Workspace, results: &mut Results) {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--quiet", "--doc"]).args(for_this_machine());
    // Without this its report is dots.
    cargo.args(["--", "--show-output", "--format", "pretty"]);
    let ran = watch(workspace, Level::Unit, "examples", &mut cargo);
    results.took(Level::Unit, ran.took);
    ran.record(Level::Unit, "examples", results);
}

/// A test program that ran.
struct Ran {
    log: PathBuf,
    ended: Result<()>,
    took: Duration,
}

/// Runs a test program with its output in a file.
fn watch(workspace: &Workspace, level: Level, label: &str, command: &mut Command) -> Ran {
    let start = Instant::now();
    let logs = workspace.target().join("test-logs");
    let log = logs.join(format!("{}-{}.log", level.name(), label.replace('/', "-")));
    let ended = fs::create_dir_all(&logs).map_err(Into::into).and_then(|()| run(command, &log));
    Ran { log, ended, took: start.elapsed() }
}

impl Ran {
    /// Records what the file says.
    fn record(self, level: Level, name: &str, results: &mut Results) {
        let Self { log, ended, took } = self;
        let text = fs::read(&log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let said = read(&text);
        let passed = said.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).count();
        let failed =
            said.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_))).count();
        if !said.is_empty() {
            let (level, seconds) = (level.name(), took.as_secs_f32());
            report::line(format!("  {level:<8} {name:<28} {passed:>4} passed {seconds:>7.1} s"));
        }
        if let Some((_, failures)) = text.split_once("\nfailures:\n") {
            report::line(failures);
        }
        for (test, outcome) in said {
            results.record(level, name, &test, outcome);
        }
        // A program can also end without any of its tests saying so.
        if let Err(error) = ended
            && failed == 0
        {
            let tail: Vec<&str> = text.lines().rev().take(40).collect();
            report::line(tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
            let why = format!("{error:#}; see {}", log.display());
            results.record(level, name, "the program itself", Outcome::Failed(why));
        }
    }
}

fn run(command: &mut Command, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdin(Stdio::null()).stderr(file.try_clone()?).stdout(file);
    process::run_for(command, PATIENCE)
}

/// Reads the report of Rust's test harness, written with `--show-output`.
///
/// A test that cannot run here says so by printing a line `skipped: why` and returning.
fn read(text: &str) -> Vec<(String, Outcome)> {
    let mut tests: Vec<(String, Outcome)> = Vec::new();
    let mut printing = "";
    for line in text.lines() {
        if let Some(test) = line.strip_prefix("test ")
            && let Some((name, end)) = test.rsplit_once(" ... ")
        {
            let name = name.trim_end_matches(" - should panic").to_owned();
            match end.split(',').next().unwrap_or_default().trim() {
                "ok" => tests.push((name, Outcome::Passed)),
                "FAILED" => tests.push((name, Outcome::Failed("see above".to_owned()))),
                "ignored" => tests.push((name, Outcome::Skipped(end.to_owned()))),
                _ => {}
            }
        } else if let Some(heading) = line.strip_prefix("---- ") {
            printing = heading.strip_suffix(" stdout ----").unwrap_or_default();
        } else if let Some(why) = line.strip_prefix("skipped: ")
            && let Some((_, outcome)) = tests.iter_mut().find(|(name, _)| name == printing)
            && *outcome == Outcome::Passed
        {
            *outcome = Outcome::Skipped(why.to_owned());
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_the_harness_is_understood() {
        let report = "
running 4 tests
test a::works ... ok
test a::breaks ... FAILED
test a::panics - should panic ... ok
test a::cannot ... ok

successes:

---- a::cannot stdout ----
skipped: needs root

failures:

---- a::breaks stdout ----
skipped: this is what it printed before it broke

test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out
";
        let expected = [
            ("a::works", Outcome::Passed),
            ("a::breaks", Outcome::Failed("see above".into())),
            ("a::panics", Outcome::Passed),
            ("a::cannot", Outcome::Skipped("needs root".into())),
        ];
        assert_eq!(read(report), expected.map(|(name, outcome)| (name.to_owned(), outcome)));
    }

    #[test]
    fn packages_are_told_by_name_even_where_cargo_leaves_it_out() {
        assert_eq!(package_name("path+file:///a/server#myrelay-server@0.1.0"), "myrelay-server");
        assert_eq!(package_name("path+file:///a/xtask#0.1.0"), "xtask");
    }
}
