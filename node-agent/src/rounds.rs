//! Rounds one after another: one that follows a good one acts on what differs between the two
//! states, and need not read the node.
//!
//! Why, and what keeps it true: docs/decisions/0029-a-change-costs-a-change.md.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use myrelay_domain::{ids::PodId, interface::InterfaceName, keys::PublicKey};
use myrelay_node_protocol::{DesiredPod, DesiredState};

use crate::{
    backend::{Backend, Notice, ObservedInterface, node_addresses},
    keys::PrivateKey,
    plan::{self, Change, Converged, Peers, Plan, Quotas, There},
};

type Keys = BTreeMap<PodId, PrivateKey>;

/// The rounds of one agent.
#[derive(Default)]
pub struct Rounds {
    /// None: what the node has is not known, and the next round looks.
    met: Option<Met>,
}

/// What a round met that went well: the node has exactly this.
struct Met {
    state: Arc<DesiredState>,
    quotas: Quotas,
    keys: BTreeMap<PodId, Option<PublicKey>>,
    notices: Vec<Notice>,
    foreign: BTreeSet<String>,
}

impl Rounds {
    /// Lets the next round look: something else may have changed the node.
    pub fn forget(&mut self) {
        self.met = None;
    }

    /// Whether it is known what the node has, and only devices are to come, go or move.
    pub fn only_devices_differ(&self, state: &DesiredState) -> bool {
        self.met.as_ref().is_some_and(|met| {
            let (before, after) = (&met.state.pods, &state.pods);
            before.len() == after.len()
                && before.iter().zip(after).all(|((one, before), (other, after))| {
                    one == other && differs_in_devices_alone(before, after)
                })
        })
    }

    /// One round. What fails stands in the faults, and the next round looks; where an act fails
    /// that follows from what was known, this one looks itself.
    pub async fn converge(
        &mut self,
        state: &Arc<DesiredState>,
        keys: &Keys,
        quotas: &Quotas,
        backend: &dyn Backend,
    ) -> Converged {
        let mut changed = 0;
        // Taken: should this end in the middle, nothing is known.
        if let Some(met) = self.met.take() {
            let plan = met.plan(&state.pods, keys, quotas);
            let mut done = plan::apply(&plan, backend).await;
            done.notices.clone_from(&met.notices);
            if plan.steps.iter().any(|step| step.change.moves_an_interface()) {
                plan::ensure_forwarding(&mut done, &state.pods, backend).await;
            }
            if done.is_well() {
                done.foreign = met.foreign;
                self.note(state, keys, quotas, &done);
                return done;
            }
            changed = done.changed;
        }
        let mut done = plan::converge(&state.pods, keys, quotas, backend).await;
        done.changed += changed;
        self.note(state, keys, quotas, &done);
        done
    }

    fn note(&mut self, state: &Arc<DesiredState>, keys: &Keys, quotas: &Quotas, done: &Converged) {
        self.met = (done.is_well() && !done.unfinished).then(|| Met {
            state: state.clone(),
            quotas: quotas.clone(),
            keys: keys.iter().map(|(id, key)| (*id, key.public_key().ok())).collect(),
            notices: done.notices.clone(),
            foreign: done.foreign.clone(),
        });
    }
}

impl Met {
    /// What [`plan::plan`] says of a node that has exactly this. Pods that stay as they are need
    /// nothing, and stand in nobody's way: what is a pod's alone in one state is so in the next.
    fn plan(&self, desired: &BTreeMap<PodId, DesiredPod>, keys: &Keys, quotas: &Quotas) -> Plan {
        let stays = |id: &PodId, pod: &DesiredPod| {
            self.state.pods.get(id) == Some(pod)
                && self.quotas.get(id) == quotas.get(id)
                && self.keys.get(id) == keys.get(id).map(|key| key.public_key().ok()).as_ref()
        };
        let changed: BTreeMap<PodId, &DesiredPod> = desired
            .iter()
            .filter(|(id, pod)| !stays(id, pod))
            .map(|(id, pod)| (*id, pod))
            .collect();
        let before = self.state.pods.iter();
        let before: BTreeMap<&InterfaceName, (ObservedInterface, &DesiredPod)> = before
            .filter(|(id, _)| changed.contains_key(id) || !desired.contains_key(id))
            .map(|(id, pod)| (&pod.interface, (self.interface(*id, pod), pod)))
            .collect();
        let there = before.iter();
        let there = there.map(|(name, (it, pod))| (*name, There { it, peers: Peers::Met(pod) }));
        plan::compare(&changed, keys, quotas, &there.collect())
    }

    /// The interface of a pod, without its devices.
    fn interface(&self, id: PodId, pod: &DesiredPod) -> ObservedInterface {
        let quota = self.quotas.get(&id).copied().unwrap_or_default();
        ObservedInterface {
            pod: Some(id),
            public_key: self.keys.get(&id).copied().flatten(),
            port: pod.port,
            up: true,
            // The addresses are those of the range whether all of them are possible or not.
            ipv6: true,
            traffic: Some(plan::traffic(pod, quota)),
            addresses: node_addresses(&pod.range),
            peers: BTreeMap::new(),
        }
    }
}

impl Change {
    /// Whether it is about more than devices of an interface that stays: walls, queues and
    /// forwarding follow.
    fn moves_an_interface(&self) -> bool {
        !matches!(self, Self::RemovePeers { .. } | Self::SetPeers { .. })
    }
}

fn differs_in_devices_alone(before: &DesiredPod, after: &DesiredPod) -> bool {
    head(before) == head(after)
}

/// A pod without its devices.
fn head(pod: &DesiredPod) -> impl PartialEq + '_ {
    let DesiredPod { interface, port, range, devices_meet, speed, quota, peers: _ } = pod;
    (interface, port, range, devices_meet, speed, quota)
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
