//! What to change so that a node has what it should, and doing it without touching the rest.

use std::collections::{BTreeMap, BTreeSet};

use myrelay_domain::{
    addresses::HostAddresses, ids::PodId, interface::InterfaceName, keys::PublicKey,
    limits::QuotaEnd,
};
use myrelay_node_protocol::{DesiredPod, QuotaState};

use crate::{
    backend::{
        Backend, BackendError, InterfaceSpec, Observed, ObservedInterface, Traffic, node_addresses,
        peer_networks,
    },
    keys::PrivateKey,
};

/// One act of a backend.
#[derive(Clone, Debug)]
pub enum Change {
    RemovePeers { interface: InterfaceName, peers: BTreeSet<PublicKey> },
    DeleteInterface { interface: InterfaceName },
    SetTraffic { interface: InterfaceName, traffic: Traffic },
    SetInterface(Box<InterfaceSpec>),
    CreateInterface(Box<InterfaceSpec>),
    SetPeers { interface: InterfaceName, peers: BTreeMap<PublicKey, HostAddresses> },
}

/// A change and the pod it is for; none when it clears away what no pod wants.
#[derive(Clone, Debug)]
pub struct Step {
    pub pod: Option<PodId>,
    pub change: Change,
}

/// How pods stand with their quotas.
pub type Quotas = BTreeMap<PodId, QuotaState>;

/// What to do, in order: first what goes, then what moves, then what comes.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Pods that cannot be planned, and why.
    pub faults: BTreeMap<PodId, String>,
}

/// What became of a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converged {
    /// Pods that are not as they should be, and why.
    pub faults: BTreeMap<PodId, String>,
    /// What is wrong with the node as a whole.
    pub node_faults: Vec<String>,
    /// Interfaces that look like ours and are not.
    pub foreign: BTreeSet<String>,
    /// How many acts were done.
    pub changed: usize,
    /// The node could not be read, or something that no pod wants is still there.
    pub unfinished: bool,
}

/// Compares what a node should have with what it has. It looks at nothing else and does nothing.
///
/// An interface that stays and a peer that stays appear in no step. An interface whose key is not
/// the pod's in `keys`, or whose next port another of our interfaces still holds, is made anew; one
/// without a key is taken over. Pods that do not stand in `quotas` are within theirs.
pub fn plan(
    desired: &BTreeMap<PodId, DesiredPod>,
    keys: &BTreeMap<PodId, PrivateKey>,
    quotas: &Quotas,
    observed: &Observed,
) -> Plan {
    let mut plan = Plan::default();
    let mut specs = BTreeMap::new();
    for (id, pod) in desired {
        match keys.get(id) {
            Some(key) => {
                let quota = quotas.get(id).copied().unwrap_or_default();
                drop(specs.insert(*id, spec(*id, pod, quota, key)));
            }
            None => drop(plan.faults.insert(*id, "the pod's private key is missing".to_owned())),
        }
    }
    let stays = |name: &InterfaceName, it: &ObservedInterface| {
        let id = it.pod.filter(|id| desired.get(id).is_some_and(|pod| pod.interface == *name))?;
        // Without its key a pod cannot be judged: what it has stays.
        let same = |spec: &InterfaceSpec| spec.private_key.public_key().ok() == it.public_key;
        specs.get(&id).is_none_or(same).then_some(id)
    };
    // Nobody's tunnel: who creates the pod's takes it over.
    let left = |name: &InterfaceName, it: &ObservedInterface| {
        let id = it.pod.filter(|_| it.public_key.is_none())?;
        specs.get(&id).filter(|spec| spec.interface == *name)
    };
    let staying: BTreeMap<PodId, &ObservedInterface> =
        observed.interfaces.iter().filter_map(|(name, it)| Some((stays(name, it)?, it))).collect();
    let kept: BTreeMap<PodId, &ObservedInterface> = staying
        .iter()
        .filter(|(id, _)| specs.get(id).is_none_or(|spec| !port_is_held(spec, &staying)))
        .map(|(id, it)| (*id, *it))
        .collect();

    let mut goes = Vec::new();
    for (name, it) in &observed.interfaces {
        if left(name, it).is_none() && stays(name, it).is_none_or(|id| !kept.contains_key(&id)) {
            let pod = it.pod.filter(|id| desired.contains_key(id));
            goes.push(Step { pod, change: Change::DeleteInterface { interface: name.clone() } });
        }
    }
    let (mut moves, mut comes, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for (id, spec) in &specs {
        let pod = &desired[id];
        let change = |change| Step { pod: Some(*id), change };
        let Some(it) = kept.get(id) else {
            comes.push(change(Change::CreateInterface(Box::new(spec.clone()))));
            peers.extend(peers_to_set(pod, &BTreeMap::new()).map(change));
            continue;
        };
        goes.extend(peers_to_remove(pod, &it.peers).map(change));
        if it.port != spec.port || !it.up || it.addresses != node_addresses(&spec.range) {
            moves.push(change(Change::SetInterface(Box::new(spec.clone()))));
        } else if it.traffic != Some(spec.traffic) {
            let (interface, traffic) = (pod.interface.clone(), spec.traffic);
            moves.push(change(Change::SetTraffic { interface, traffic }));
        }
        peers.extend(peers_to_set(pod, &it.peers).map(change));
    }
    plan.steps = [goes, moves, comes, peers].concat();
    plan
}

fn spec(id: PodId, pod: &DesiredPod, quota: QuotaState, key: &PrivateKey) -> InterfaceSpec {
    InterfaceSpec {
        pod: id,
        interface: pod.interface.clone(),
        port: pod.port,
        range: pod.range,
        traffic: traffic(pod, quota),
        private_key: key.clone(),
    }
}

/// What may pass: the plan's speed, and what is left of it when the quota is used up.
fn traffic(pod: &DesiredPod, quota: QuotaState) -> Traffic {
    let throttle = pod.quota.and_then(|it| match it.limit.then {
        QuotaEnd::Throttle(speed) if quota == QuotaState::Throttled => Some(speed),
        _ => None,
    });
    let speed = match (pod.speed, throttle) {
        (Some(plan), Some(throttle)) => Some(plan.min(throttle)),
        (one, other) => one.or(other),
    };
    let stopped = quota == QuotaState::Stopped;
    Traffic { devices_meet: pod.devices_meet, speed, stopped }
}

/// Whether the port a pod should have is right now that of another interface that stays. Two such
/// pods that swap their ports could never move.
fn port_is_held(spec: &InterfaceSpec, staying: &BTreeMap<PodId, &ObservedInterface>) -> bool {
    staying.iter().any(|(id, it)| *id != spec.pod && it.port == spec.port)
}

fn peers_to_remove(
    pod: &DesiredPod,
    present: &BTreeMap<PublicKey, BTreeSet<ipnet::IpNet>>,
) -> Option<Change> {
    let wanted: BTreeSet<_> = pod.peers.values().map(|peer| peer.public_key).collect();
    let gone: BTreeSet<_> = present.keys().filter(|it| !wanted.contains(it)).copied().collect();
    let interface = pod.interface.clone();
    (!gone.is_empty()).then_some(Change::RemovePeers { interface, peers: gone })
}

fn peers_to_set(
    pod: &DesiredPod,
    present: &BTreeMap<PublicKey, BTreeSet<ipnet::IpNet>>,
) -> Option<Change> {
    let differs = |key: &PublicKey, addresses: &HostAddresses| {
        present.get(key) != Some(&peer_networks(addresses))
    };
    let peers = pod.peers.values().map(|peer| (peer.public_key, peer.addresses));
    let peers: BTreeMap<_, _> = peers.filter(|(key, it)| differs(key, it)).collect();
    let interface = pod.interface.clone();
    (!peers.is_empty()).then_some(Change::SetPeers { interface, peers })
}

/// Does the steps in order. When one fails, the later ones of the same pod are left out, and
/// those of the other pods are done.
pub async fn apply(plan: &Plan, backend: &dyn Backend) -> Converged {
    let mut done = Converged { faults: plan.faults.clone(), ..Converged::default() };
    for step in &plan.steps {
        if step.pod.is_some_and(|id| done.faults.contains_key(&id)) {
            continue;
        }
        match (act(&step.change, backend).await, step.pod) {
            (Ok(()), _) => done.changed += 1,
            (Err(error), Some(id)) => drop(done.faults.insert(id, error.to_string())),
            (Err(error), None) => {
                done.node_faults.push(error.to_string());
                done.unfinished = true;
            }
        }
    }
    done
}

async fn act(change: &Change, backend: &dyn Backend) -> Result<(), BackendError> {
    match change {
        Change::RemovePeers { interface, peers } => backend.remove_peers(interface, peers).await,
        Change::DeleteInterface { interface } => backend.delete_interface(interface).await,
        Change::SetTraffic { interface, traffic } => backend.set_traffic(interface, traffic).await,
        Change::SetInterface(spec) => backend.set_interface(spec).await,
        Change::CreateInterface(spec) => backend.create_interface(spec).await,
        Change::SetPeers { interface, peers } => backend.set_peers(interface, peers).await,
    }
}

/// One round: looks, plans, acts, and sees to the forwarding. What fails stands in the faults, and
/// a node that cannot forward is a fault of every pod; a later round with the same wishes repairs
/// it.
pub async fn converge(
    desired: &BTreeMap<PodId, DesiredPod>,
    keys: &BTreeMap<PodId, PrivateKey>,
    quotas: &Quotas,
    backend: &dyn Backend,
) -> Converged {
    let observed = match backend.observe().await {
        Ok(observed) => observed,
        Err(error) => {
            let fault = error.to_string();
            let faults = desired.keys().map(|pod| (*pod, fault.clone())).collect();
            let node_faults = vec![fault];
            return Converged { faults, node_faults, unfinished: true, ..Converged::default() };
        }
    };
    let mut done = apply(&plan(desired, keys, quotas, &observed), backend).await;
    done.foreign = observed.foreign;
    done.unfinished |= !backend.going().is_empty();
    if let Err(error) = backend.ensure_forwarding().await {
        let fault = error.to_string();
        // Its tunnel may stand, but no packet leaves: a pod that says it serves would be a lie.
        for pod in desired.keys() {
            done.faults.entry(*pod).or_insert_with(|| fault.clone());
        }
        done.node_faults.push(fault);
    }
    done
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
