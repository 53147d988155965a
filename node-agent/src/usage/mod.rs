//! Counts what each pod moved, holds pods to their quotas, and tells the portal.
//!
//! Why it is exact: docs/decisions/0023-usage.md.

mod ledger;
mod quota;
mod report;
mod spool;

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use ledger::Ledger;
use myrelay_domain::{ids::PodId, interface::InterfaceName};
use myrelay_node_protocol::{DesiredState, HOUR_MS, QuotaState, UsageReport};
pub(crate) use report::report_for_ever;
use serde::{Deserialize, Serialize};
pub(crate) use spool::forget;
use tokio::{
    sync::{Mutex, Notify, watch},
    time::{Instant, sleep},
};

use crate::{
    backend::Counters,
    faults::Part,
    node::Node,
    private_dir::{FileError, PrivateDir},
    system::System,
};

/// How the counting is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageStatus {
    /// Hours of pods that the portal does not have as they are now.
    pub waiting: usize,
    /// Those of them that it does not want.
    pub refused: usize,
    /// When the portal last took something, in milliseconds since 1970-01-01 UTC.
    pub accepted_ms: Option<i64>,
}

/// What is counted, and how much of it is on the disk.
pub(crate) struct Usage {
    ledger: Mutex<Ledger>,
    /// What interfaces had in the end, as long as it is not in the ledger.
    gone: Mutex<Vec<(InterfaceName, Counters)>>,
    /// How many of the ledger's changes are on the disk. Whoever holds it writes.
    kept: Arc<Mutex<u64>>,
    /// A quota was reached or left: the portal should not wait for the numbers.
    hurry: Notify,
    pub(crate) status: watch::Sender<UsageStatus>,
}

/// What is known before anything is read from the node.
pub(crate) struct Opened {
    pub(crate) usage: Usage,
    pub(crate) quotas: BTreeMap<PodId, QuotaState>,
    pub(crate) fault: Option<String>,
}

impl Usage {
    /// Goes on where the disk ends.
    pub(crate) fn open(
        dir: &PrivateDir,
        boot_id: &str,
        system: &dyn System,
        desired: Option<&DesiredState>,
    ) -> Result<Opened, FileError> {
        let spool::Loaded { ledger, fault } = spool::load(dir, boot_id, system)?;
        let used_up = |it: &DesiredState| quota::used_up(&it.pods, &ledger, system.now_ms());
        let quotas = desired.map(used_up).unwrap_or_default();
        let status = UsageStatus { waiting: ledger.waiting(), ..UsageStatus::default() };
        let usage = Self {
            ledger: Mutex::new(ledger),
            gone: Mutex::default(),
            kept: Arc::default(),
            hurry: Notify::new(),
            status: watch::Sender::new(status),
        };
        Ok(Opened { usage, quotas, fault: fault.map(|it| in_words(&it)) })
    }

    /// Adds what passed since the last time, and judges the quotas.
    ///
    /// Nothing else is read meanwhile: an older reading after a newer one would look like a new
    /// interface.
    pub(crate) async fn read(&self, node: &Node) {
        let mut ledger = self.ledger.lock().await;
        // First: one that goes after this is in the next.
        self.gone.lock().await.extend(node.backend.gone());
        let read = match node.backend.counters().await {
            Ok(readings) => {
                let mut gone = self.gone.lock().await;
                let name = || spool::new_name(node.system.as_ref());
                let taken = ledger.take(node.system.now_ms(), &gone, &readings, name);
                taken.map(|()| gone.clear()).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        let fault = |error| format!("the pods' traffic cannot be counted right now: {error}");
        node.faults.set(Part::Counters, read.err().map(fault));
        let wanted = node.wanted().unwrap_or_default();
        let quotas = quota::used_up(&wanted.pods, &ledger, node.system.now_ms());
        let news = node.quotas.send_if_modified(|before| {
            let news = **before != quotas;
            if news {
                *before = Arc::new(quotas);
            }
            news
        });
        if news {
            self.hurry.notify_one();
        }
    }

    /// Reads before a round. Where the round deletes an interface, what that one counted is on the
    /// disk before; and before the first round of a run, that what comes now starts at zero.
    pub(crate) async fn read_before(&self, node: &Node, state: &DesiredState) {
        self.read(node).await;
        let goes = self.ledger.lock().await.counts_other_than(|pod| state.pods.contains_key(pod));
        let first = *self.kept.lock().await == 0;
        if goes || first {
            // What is wrong stands in the faults; the next time tries again.
            self.keep(node).await.unwrap_or_default();
        }
    }

    /// Writes what changed, and returns what the portal does not have: all of it is on the disk.
    /// What is wrong stands in the faults.
    async fn keep(&self, node: &Node) -> Option<Vec<UsageReport>> {
        let mut kept = self.kept.clone().lock_owned().await;
        let (changes, text, due) = {
            let ledger = self.ledger.lock().await;
            let status = (ledger.waiting(), ledger.refused());
            self.status.send_if_modified(|it| {
                let before = (it.waiting, it.refused);
                (it.waiting, it.refused) = status;
                before != status
            });
            if ledger.changes() == *kept {
                return Some(ledger.due());
            }
            (ledger.changes(), spool::text(&ledger), ledger.due())
        };
        let dir = node.dir.clone();
        // The lock goes along: a task that is ended leaves the writing to its end.
        let written = tokio::task::spawn_blocking(move || {
            spool::store(&dir, &text).map(|()| *kept = changes)
        });
        let fault = match written.await {
            Ok(written) => written.err().map(|error| in_words(&error)),
            Err(error) => Some(error.to_string()),
        };
        let due = fault.is_none().then_some(due);
        node.faults.set(Part::UsageFile, fault);
        due
    }

    /// The last reading of a run, on the disk.
    pub(crate) async fn finish(&self, node: &Node) {
        self.read(node).await;
        self.keep(node).await.unwrap_or_default();
    }
}

/// Reads again and again, at every full hour too, and writes now and then. A kill in between costs
/// nothing: the kernel goes on counting, and the disk knows from where.
pub(crate) async fn count_for_ever(node: Arc<Node>) -> Infallible {
    let mut desired = node.desired.subscribe();
    let mut kept = (Instant::now(), 0);
    loop {
        node.usage.read(&node).await;
        let now_ms = node.system.now_ms();
        let hour = now_ms.div_euclid(HOUR_MS);
        if node.pace.spool <= kept.0.elapsed() || kept.1 != hour {
            node.usage.keep(&node).await.unwrap_or_default();
            kept = (Instant::now(), hour);
        }
        let left = u64::try_from(HOUR_MS - now_ms.rem_euclid(HOUR_MS)).unwrap_or_default();
        tokio::select! {
            // The sender lives as long as the node.
            _ = desired.changed() => {}
            () = sleep(node.pace.count.min(Duration::from_millis(left))) => {}
        }
    }
}

fn in_words(error: &FileError) -> String {
    format!(
        "the counted traffic cannot be kept on the disk: {error}. Counting goes on in memory; make \
         room or repair the disk before the machine restarts"
    )
}
