//! What to change so that a node has what it should, and doing it without touching the rest.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use ipnet::IpNet;
use myrelay_domain::{
    addresses::HostAddresses, ids::PodId, interface::InterfaceName, keys::PublicKey,
    limits::QuotaEnd,
};
use myrelay_node_protocol::{DesiredPeer, DesiredPod, QuotaState};

use crate::{
    backend::{
        Backend, BackendError, InterfaceSpec, Notice, Observed, ObservedInterface, Traffic,
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
    /// What the operator has to know, though the pods serve.
    pub notices: Vec<Notice>,
    /// Interfaces that look like ours and are not.
    pub foreign: BTreeSet<String>,
    /// How many acts were done.
    pub changed: usize,
    /// The node could not be read, or something that no pod wants is still there.
    pub unfinished: bool,
    /// The node itself was read, or that was tried.
    pub looked: bool,
}

impl Converged {
    /// Whether nothing went wrong, though something may be unfinished.
    pub fn is_well(&self) -> bool {
        self.faults.is_empty() && self.node_faults.is_empty()
    }
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
    let there = observed.interfaces.iter();
    let there = there.map(|(name, it)| (name, There { it, peers: Peers::Seen(&it.peers) }));
    compare(&desired.iter().map(|(id, pod)| (*id, pod)).collect(), keys, quotas, &there.collect())
}

/// An interface that is there, and its devices as far as they are known; those in `it` are not
/// looked at.
pub(crate) struct There<'a> {
    pub(crate) it: &'a ObservedInterface,
    pub(crate) peers: Peers<'a>,
}

/// The devices of an interface.
pub(crate) enum Peers<'a> {
    /// As they were read from the node.
    Seen(&'a BTreeMap<PublicKey, BTreeSet<IpNet>>),
    /// Those of a wish that was met.
    Met(&'a DesiredPod),
}

/// What [`plan`] does, with some of the pods and whatever of theirs is there.
pub(crate) fn compare(
    desired: &BTreeMap<PodId, &DesiredPod>,
    keys: &BTreeMap<PodId, PrivateKey>,
    quotas: &Quotas,
    there: &BTreeMap<&InterfaceName, There<'_>>,
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
    let staying: BTreeMap<PodId, &There<'_>> =
        there.iter().filter_map(|(name, there)| Some((stays(name, there.it)?, there))).collect();
    let kept: BTreeMap<PodId, &There<'_>> = staying
        .iter()
        .filter(|(id, _)| specs.get(id).is_none_or(|spec| !port_is_held(spec, &staying)))
        .map(|(id, there)| (*id, *there))
        .collect();

    let mut goes = Vec::new();
    for (name, There { it, .. }) in there {
        if left(name, it).is_none() && stays(name, it).is_none_or(|id| !kept.contains_key(&id)) {
            let pod = it.pod.filter(|id| desired.contains_key(id));
            goes.push(Step { pod, change: Change::DeleteInterface { interface: (*name).clone() } });
        }
    }
    let (mut moves, mut comes, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for (id, spec) in specs {
        let pod = desired[&id];
        let change = |change| Step { pod: Some(id), change };
        let interface = pod.interface.clone();
        let Some(There { it, peers: present }) = kept.get(&id) else {
            comes.push(change(Change::CreateInterface(Box::new(spec))));
            let (_, come) = Peers::Seen(&BTreeMap::new()).difference(pod);
            peers.extend(set_peers(interface, come).map(change));
            continue;
        };
        let (gone, come) = present.difference(pod);
        goes.extend(remove_peers(interface.clone(), gone).map(change));
        if it.port != spec.port || !it.up || !it.has_addresses(&spec.range) {
            moves.push(change(Change::SetInterface(Box::new(spec))));
        } else if it.traffic != Some(spec.traffic) {
            let (interface, traffic) = (interface.clone(), spec.traffic);
            moves.push(change(Change::SetTraffic { interface, traffic }));
        }
        peers.extend(set_peers(interface, come).map(change));
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
pub(crate) fn traffic(pod: &DesiredPod, quota: QuotaState) -> Traffic {
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
fn port_is_held(spec: &InterfaceSpec, staying: &BTreeMap<PodId, &There<'_>>) -> bool {
    staying.iter().any(|(id, there)| *id != spec.pod && there.it.port == spec.port)
}

impl Peers<'_> {
    /// The devices that are there and not wanted, and those that are wanted and not there as they
    /// should be.
    fn difference(
        &self,
        pod: &DesiredPod,
    ) -> (BTreeSet<PublicKey>, BTreeMap<PublicKey, HostAddresses>) {
        let wanted = pod.peers.iter();
        let (gone, come): (BTreeMap<_, _>, Vec<_>) = match self {
            Self::Seen(present) => {
                let mut wanted: Vec<_> = wanted.map(|(_, peer)| (&peer.public_key, peer)).collect();
                wanted.sort_by_key(|(key, _)| *key);
                let present = present.iter().map(|(key, networks)| (key, (*key, networks)));
                let same = |(_, networks): &(_, &BTreeSet<_>), peer: &&DesiredPeer| {
                    **networks == peer_networks(&peer.addresses)
                };
                let (gone, come) = apart(present, wanted.into_iter(), same);
                (gone.into_iter().map(|(key, _)| (key, None)).collect(), come)
            }
            Self::Met(before) => {
                let (gone, come) = apart(before.peers.iter(), wanted, |one, other| one == other);
                let gone = gone.into_iter().map(|it| (it.public_key, Some(it.addresses)));
                (gone.collect(), come)
            }
        };
        // One that has a new address is set, and one that only has a new id is as it should be.
        let stays = |it: &DesiredPeer| gone.get(&it.public_key) == Some(&Some(it.addresses));
        let set = come.iter().filter(|it| !stays(it)).map(|it| (it.public_key, it.addresses));
        let set = set.collect();
        let wanted: BTreeSet<_> = come.iter().map(|it| it.public_key).collect();
        (gone.into_keys().filter(|it| !wanted.contains(it)).collect(), set)
    }
}

/// What only one of two sorted lists has, or both under the same name and not alike.
fn apart<N: Ord, L, R>(
    left: impl Iterator<Item = (N, L)>,
    right: impl Iterator<Item = (N, R)>,
    alike: impl Fn(&L, &R) -> bool,
) -> (Vec<L>, Vec<R>) {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    let (mut lefts, mut rights) = (Vec::new(), Vec::new());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some((one, _)), Some((other, _))) => one.cmp(other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return (lefts, rights),
        };
        let one = left.next_if(|_| order != Ordering::Greater).map(|(_, it)| it);
        let other = right.next_if(|_| order != Ordering::Less).map(|(_, it)| it);
        if let (Some(one), Some(other)) = (&one, &other)
            && alike(one, other)
        {
            continue;
        }
        lefts.extend(one);
        rights.extend(other);
    }
}

fn remove_peers(interface: InterfaceName, peers: BTreeSet<PublicKey>) -> Option<Change> {
    (!peers.is_empty()).then_some(Change::RemovePeers { interface, peers })
}

fn set_peers(
    interface: InterfaceName,
    peers: BTreeMap<PublicKey, HostAddresses>,
) -> Option<Change> {
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
    done.unfinished |= !backend.going().is_empty();
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

/// One round that looks first: it reads the node, plans, acts, and sees to the forwarding. What
/// fails stands in the faults, and a later round with the same wishes repairs it.
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
            return Converged {
                faults,
                node_faults,
                unfinished: true,
                looked: true,
                ..Converged::default()
            };
        }
    };
    let mut done = apply(&plan(desired, keys, quotas, &observed), backend).await;
    done.foreign = observed.foreign;
    done.looked = true;
    ensure_forwarding(&mut done, desired, backend).await;
    done
}

/// A node that cannot forward is a fault of every pod: its tunnel may stand, but no packet leaves,
/// and a pod that says it serves would be a lie.
pub(crate) async fn ensure_forwarding(
    done: &mut Converged,
    desired: &BTreeMap<PodId, DesiredPod>,
    backend: &dyn Backend,
) {
    match backend.ensure_forwarding().await {
        Ok(notices) => done.notices = notices,
        Err(error) => {
            let fault = error.to_string();
            for pod in desired.keys() {
                done.faults.entry(*pod).or_insert_with(|| fault.clone());
            }
            done.node_faults.push(fault);
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(crate) mod tests;
