//! What each test said, kept in `target/test-results.json` until its level is run again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::report;
use crate::test::Level;
use crate::workspace::Workspace;

/// How one test ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Passed,
    /// With the reason, or where to read it.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

/// One test's last run.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) level: Level,
    /// The package, and the program where it has more than one.
    pub(crate) program: String,
    /// The test's path in its program.
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

/// The tests of one run.
#[derive(Default)]
pub(crate) struct Results {
    records: Vec<Record>,
    times: BTreeMap<Level, Duration>,
}

impl Results {
    pub(crate) fn record(&mut self, level: Level, program: &str, name: &str, outcome: Outcome) {
        if let Outcome::Failed(why) = &outcome {
            report::line(format!("  FAILED {program} {name}: {why}"));
        }
        self.records.push(Record {
            level,
            program: program.to_owned(),
            name: name.to_owned(),
            outcome,
        });
    }

    /// Adds to the time a level took.
    pub(crate) fn took(&mut self, level: Level, time: Duration) {
        *self.times.entry(level).or_default() += time;
    }

    /// Does what must work before tests can run; where it does not, that is a failed test.
    pub(crate) fn stage<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        match work() {
            Ok(done) => Some(done),
            Err(error) => {
                self.record(Level::Ready, "xtask", name, Outcome::Failed(format!("{error:#}")));
                None
            }
        }
    }

    fn count(&self, is: impl Fn(&Record) -> bool) -> usize {
        self.records.iter().filter(|record| is(record)).count()
    }

    pub(crate) fn failed(&self) -> usize {
        self.count(|record| matches!(record.outcome, Outcome::Failed(_)))
    }

    /// Prints what was skipped and why, what failed, and the line that scripts read.
    pub(crate) fn print(&self) {
        report::line("");
        let levels: BTreeSet<Level> = self.records.iter().map(|record| record.level).collect();
        for level in levels {
            let of = |is: fn(&Outcome) -> bool| {
                self.count(|record| record.level == level && is(&record.outcome))
            };
            let passed = of(|outcome| *outcome == Outcome::Passed);
            let failed = of(|outcome| matches!(outcome, Outcome::Failed(_)));
            let skipped = of(|outcome| matches!(outcome, Outcome::Skipped(_)));
            let seconds = self.times.get(&level).map_or(0, Duration::as_secs);
            report::line(format!(
                "{:<9} {passed:>4} passed {failed:>4} failed {skipped:>4} skipped {seconds:>5} s",
                level.name(),
            ));
        }
        for record in &self.records {
            let (word, why) = match &record.outcome {
                Outcome::Passed => continue,
                Outcome::Skipped(why) => ("skipped", why),
                Outcome::Failed(why) => ("failed", why),
            };
            report::line(format!("{word}: {} {}: {why}", record.program, record.name));
        }
        let passed = self.count(|record| record.outcome == Outcome::Passed);
        report::line(format!("{passed} passed, {} failed", self.failed()));
    }

    /// Writes the results; those of levels that were not run now stay as they were.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, workspace: &Workspace) -> Result<()> {
        let mut now: BTreeSet<Level> = self.records.iter().map(|record| record.level).collect();
        now.insert(Level::Ready);
        let mut all = read(workspace);
        all.retain(|record| !now.contains(&record.level));
        all.extend(self.records.iter().cloned());
        fs::create_dir_all(workspace.target())?;
        fs::write(path(workspace), serde_json::to_string_pretty(&all)?)?;
        Ok(())
    }
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.target().join("test-results.json")
}

/// The last results of every level; none where nothing was run or the file is another version's.
pub(crate) fn read(workspace: &Workspace) -> Vec<Record> {
    let text = fs::read_to_string(path(workspace)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}
