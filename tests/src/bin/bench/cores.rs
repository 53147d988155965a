//! Which core does what: the portal has the first, everything else the last.

use anyhow::Result;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores this program may use, as it was started.
#[derive(Clone)]
pub(crate) struct Cores {
    all: Vec<usize>,
    /// Whether the portal has all of them.
    undivided: bool,
}

impl Cores {
    /// Finds out, and moves this thread to the last one.
    pub(crate) fn divide() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let all = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
        let cores = Self { all, undivided: false };
        cores.go_to(cores.last())?;
        Ok(cores)
    }

    /// The same with a portal that has all of them, as an operator's has.
    pub(crate) fn undivided(&self) -> Self {
        Self { undivided: true, ..self.clone() }
    }

    /// Does something on the portal's core: what is started there stays there.
    pub(crate) async fn for_portal<T>(&self, start: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        self.go_to(self.first())?;
        let started = start().await;
        self.go_to(self.last())?;
        started
    }

    /// Runs something on every core, such as a browser.
    pub(crate) async fn on_all<T>(&self, start: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        self.go_to(&self.all)?;
        let started = start().await;
        self.go_to(self.last())?;
        started
    }

    /// Where the portal and the load are.
    pub(crate) fn words(&self) -> &'static str {
        match (self.all.len(), self.undivided) {
            (..2, _) => "portal and load on one core",
            (_, true) => "portal on all cores, and the load on the last of them",
            _ => "portal alone on one core",
        }
    }

    fn first(&self) -> &[usize] {
        &self.all[..if self.undivided { self.all.len() } else { self.all.len().min(1) }]
    }

    fn last(&self) -> &[usize] {
        &self.all[self.all.len().saturating_sub(1)..]
    }

    fn go_to(&self, cores: &[usize]) -> Result<()> {
        let mut set = CpuSet::new();
        for core in cores {
            set.set(*core);
        }
        Ok(sched_setaffinity(None, &set)?)
    }
}
