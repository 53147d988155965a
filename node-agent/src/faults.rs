//! What is wrong with the node beside its pods: each part says so until it is well again.

use std::collections::BTreeMap;

use myrelay_node_protocol::MAX_FAULT_CHARS;
use tokio::sync::watch;

use crate::private_dir::PrivateDir;

/// A part of the agent that can be in trouble between two rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// What the portal wants cannot be taken in.
    Wanted,
    /// The pods' traffic cannot be read.
    Counters,
    /// The counted traffic cannot be kept on the disk.
    UsageFile,
    /// The portal does not take the counted traffic.
    UsageReport,
    /// The pods' resolver does not run, or does not get answers.
    Resolver,
}

/// What every part says, in words for the operator.
#[derive(Default)]
pub(crate) struct Faults(watch::Sender<BTreeMap<Part, String>>);

impl Faults {
    /// Sets what is wrong with a part, or that it is well.
    pub(crate) fn set(&self, part: Part, fault: Option<String>) {
        let news = self.0.send_if_modified(|faults| match &fault {
            Some(fault) => faults.insert(part, fault.clone()).as_ref() != Some(fault),
            None => faults.remove(&part).is_some(),
        });
        if let Some(fault) = fault.filter(|_| news) {
            tracing::error!(fault, "the node has a fault");
        }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<BTreeMap<Part, String>> {
        self.0.subscribe()
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.borrow().values().cloned().collect()
    }
}

/// A fault as reports have it: one line, and not longer than a report takes.
pub(crate) fn line(text: &str) -> String {
    let plain = |it: char| if it.is_control() { ' ' } else { it };
    text.chars().map(plain).take(MAX_FAULT_CHARS).collect()
}

/// What was damaged and lies beside its place until somebody has looked at it.
pub(crate) fn kept_aside(dir: &PrivateDir) -> Vec<String> {
    let keys = dir.folder("keys").and_then(|it| it.names()).unwrap_or_default();
    let keys = keys.into_iter().map(|it| format!("keys/{it}"));
    let names = dir.names().unwrap_or_default().into_iter().chain(keys);
    let mut texts: Vec<String> = names.filter_map(|name| text(dir, &name)).collect();
    texts.sort();
    texts
}

fn text(dir: &PrivateDir, name: &str) -> Option<String> {
    let (damaged, _) = name.split_once(".corrupt-")?;
    let then = match damaged {
        "state.json" | "state.log" => "the portal's state is taken instead",
        "usage.json" => "counting began anew, and what was counted but not reported is in it",
        it if it.starts_with("keys/") => "its pod has a new key, and its devices need it",
        _ => "it was made anew",
    };
    let path = dir.path().display();
    Some(format!(
        "{damaged} was damaged and is kept aside: {then}. Check the disk, then remove {path}/{name}"
    ))
}
