//! The loop that makes the node what it should be, again and again.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::Arc,
    time::Duration,
};

use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{DesiredState, Epoch, Generation, ObservedPod};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    backoff::Backoff, node::Node, plan::Quotas, pod_keys::PodKeys, rounds::Rounds, system::jitter,
};

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
///
/// The node itself is read at the start, after something went wrong, when it says that it changed,
/// and when that was long ago, however many states come meanwhile.
pub(crate) async fn reconcile_for_ever(node: Arc<Node>, mut keys: PodKeys) -> Infallible {
    let mut desired = node.desired.subscribe();
    let mut quotas = node.quotas.subscribe();
    let mut backoff = Backoff::new(node.pace);
    let mut rounds = Rounds::default();
    let mut look_at = Instant::now();
    loop {
        if look_at <= Instant::now() {
            rounds.forget();
        }
        let state = desired.borrow_and_update().clone();
        let mut again_at = Instant::now() + node.pace.drift;
        if let Some(state) = state {
            let (applied, looked, is_well) =
                round(&node, &mut keys, &mut rounds, &mut quotas, &state).await;
            if looked {
                look_at = Instant::now() + node.pace.drift;
            }
            again_at = look_at;
            if is_well {
                backoff = Backoff::new(node.pace);
            } else {
                let jitter = jitter(node.system.as_ref());
                again_at = again_at.min(Instant::now() + backoff.pause(Duration::ZERO, jitter));
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
            () = node.backend.changed() => rounds.forget(),
            () = sleep_until(again_at) => {}
        }
    }
}

/// One round: what the node has then, whether it was read, and whether nothing went wrong. A notice
/// is no reason to try again soon.
async fn round(
    node: &Node,
    keys: &mut PodKeys,
    rounds: &mut Rounds,
    quotas: &mut watch::Receiver<Arc<Quotas>>,
    state: &Arc<DesiredState>,
) -> (Applied, bool, bool) {
    let pods_stay = rounds.only_devices_differ(state);
    if !pods_stay {
        // What an interface counted goes with it.
        node.usage.read_before(node, state).await;
    }
    let quotas = quotas.borrow_and_update().clone();
    let keyless = keys.ensure(state.pods.keys().copied(), node.system.as_ref());
    let converged = rounds.converge(state, keys.all(), &quotas, node.backend.as_ref()).await;
    let mut is_well = converged.is_well() && keyless.is_empty();
    let mut faults = converged.node_faults;
    faults.extend(converged.notices.iter().map(ToString::to_string));
    // After the interfaces are gone: a crash before this leaves a key to delete next time.
    if !pods_stay && let Err(error) = keys.keep_only(|pod| state.pods.contains_key(pod)) {
        faults.push(error.to_string());
        is_well = false;
        rounds.forget();
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
    let applied = Applied { version, pods, faults, foreign: converged.foreign };
    (applied, converged.looked, is_well)
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
