//! The loop that makes the node what it should be, again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{DesiredState, Epoch, Generation, ObservedPod};
use tokio::time::sleep;

use crate::{backoff::Backoff, node::Node, plan, pod_keys::PodKeys, system::jitter};

/// What came of the last round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The state that was applied last: all that should be gone is gone. What does not serve
    /// though it should has a fault.
    pub version: (Epoch, Generation),
    pub pods: BTreeMap<PodId, ObservedPod>,
    /// What is wrong with the node as a whole.
    pub faults: Vec<String>,
    /// Interfaces that look like ours and are not: left alone.
    pub foreign: BTreeSet<String>,
}

/// Applies every new state, and the same one again after a while in case something else changed
/// the node. As long as no state is known, nothing is touched.
pub(crate) async fn reconcile_for_ever(node: Arc<Node>, mut keys: PodKeys) -> Infallible {
    let mut desired = node.desired.subscribe();
    let mut quotas = node.quotas.subscribe();
    let mut backoff = Backoff::new(node.pace);
    loop {
        let state = desired.borrow_and_update().clone();
        let mut pause = node.pace.drift;
        if let Some(state) = state {
            // What an interface counted goes with it.
            node.usage.read_before(&node, &state).await;
            quotas.mark_unchanged();
            let applied = round(&node, &mut keys, &state).await;
            if applied.is_well() {
                backoff = Backoff::new(node.pace);
            } else {
                let jitter = jitter(node.system.as_ref());
                pause = pause.min(backoff.pause(Duration::ZERO, jitter));
            }
            node.applied.send_if_modified(|before| {
                let news = before.as_deref() != Some(&applied);
                if news {
                    log(&applied);
                    *before = Some(Arc::new(applied));
                }
                news
            });
        }
        tokio::select! {
            // The sender lives as long as the node.
            _ = desired.changed() => {}
            _ = quotas.changed() => {}
            () = node.backend.changed() => {}
            () = sleep(pause) => {}
        }
    }
}

async fn round(node: &Node, keys: &mut PodKeys, state: &DesiredState) -> Applied {
    let quotas = node.quotas.borrow().clone();
    let keyless = keys.ensure(state.pods.keys().copied(), node.system.as_ref());
    let converged = plan::converge(&state.pods, keys.all(), &quotas, node.backend.as_ref()).await;
    let mut faults = converged.node_faults;
    // After the interfaces are gone: a crash before this leaves a key to delete next time.
    if let Err(error) = keys.keep_only(|pod| state.pods.contains_key(pod)) {
        faults.push(error.to_string());
    }
    let mut by_pod = converged.faults;
    by_pod.extend(keyless.into_iter().map(|(pod, fault)| (pod, fault.to_string())));
    let pods = state.pods.keys().map(|pod| {
        let public_key = keys.all().get(pod).and_then(|it| it.public_key().ok());
        let fault = by_pod.get(pod).map(|it| crate::faults::line(it));
        let quota = quotas.get(pod).copied().unwrap_or_default();
        (*pod, ObservedPod { public_key, fault, quota })
    });
    let pods = pods.collect();
    let before = || node.applied.borrow().as_ref().map(|it| it.version).unwrap_or_default();
    let version = if converged.unfinished { before() } else { state.version() };
    Applied { version, pods, faults, foreign: converged.foreign }
}

impl Applied {
    fn is_well(&self) -> bool {
        self.faults.is_empty() && self.pods.values().all(|it| it.fault.is_none())
    }
}

fn log(applied: &Applied) {
    let (Epoch(epoch), Generation(generation)) = applied.version;
    tracing::info!(epoch, generation, pods = applied.pods.len(), "applied");
    for (pod, observed) in &applied.pods {
        if let Some(fault) = &observed.fault {
            tracing::error!(%pod, fault, "a pod does not serve");
        }
    }
    for fault in &applied.faults {
        tracing::error!(fault, "the node has a fault");
    }
    for interface in &applied.foreign {
        tracing::warn!(interface, "an interface looks like ours and is not; it is left alone");
    }
}
