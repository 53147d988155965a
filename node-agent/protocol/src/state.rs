//! What a node should have, what it has, and the order of the wishes.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::{Ipv4Net, Ipv6Net};
use myrelay_domain::{
    addresses::{HostAddresses, PodRange},
    ids::{PeerId, PodId},
    interface::InterfaceName,
    keys::PublicKey,
    limits::{Quota, Speed},
};
use serde::{Deserialize, Serialize};

use crate::{HardeningReport, ResolverSettings};

/// Changes when the portal's memory is restored or replaced; a lower one is never applied.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// Counts the changes that concern one node; within an epoch a lower one is never applied.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Generation(pub u64);

/// One device of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredPeer {
    pub public_key: PublicKey,
    /// The only source and destination of its packets: a /32 and a /128.
    pub addresses: HostAddresses,
}

/// One pod: an interface, its port, its addresses and its devices. The private key is not in it:
/// the node makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredPod {
    pub interface: InterfaceName,
    /// The UDP port it listens on.
    pub port: u16,
    pub range: PodRange,
    /// Whether its devices reach each other; else they reach only what lies beyond the node.
    #[serde(default)]
    pub devices_meet: bool,
    #[serde(default)]
    pub speed: Option<Speed>,
    #[serde(default)]
    pub quota: Option<PodQuota>,
    pub peers: BTreeMap<PeerId, DesiredPeer>,
}

/// How much one pod may move in a month, kept by the node also while the portal is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodQuota {
    pub limit: Quota,
    /// The day of the month on which it starts anew, at 00:00 UTC: 1 to 28.
    pub reset_day: u8,
    /// What was used in a month before this node had the pod; counts for that month only.
    pub carried: Carried,
}

/// Bytes that were used in one month somewhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// When that month began, in milliseconds since 1970-01-01 UTC.
    pub period_ms: i64,
    pub bytes: u64,
}

/// Everything a node should have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DesiredState {
    pub epoch: Epoch,
    pub generation: Generation,
    /// The resolver the node runs for its pods; none: it runs none.
    #[serde(default)]
    pub resolver: Option<ResolverSettings>,
    pub pods: BTreeMap<PodId, DesiredPod>,
}

/// What changed after one generation up to another. A pod that stands in `pods` comes with all
/// its peers; `removed` are the pods that are gone. The resolver comes whole every time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    pub epoch: Epoch,
    pub after: Generation,
    pub generation: Generation,
    #[serde(default)]
    pub resolver: Option<ResolverSettings>,
    pub pods: BTreeMap<PodId, DesiredPod>,
    pub removed: Vec<PodId>,
}

/// SHA-256 over the JSON of a [`DesiredState`]'s resolver and pods, as hexadecimal: both sides
/// compare it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub String);

/// A line of the state stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StateMessage {
    /// Everything: sent first when the agent's epoch or generation is not one the portal can
    /// continue from.
    Snapshot { state: DesiredState },
    /// What changed since.
    Delta { delta: Delta },
    /// The portal lives, and this is what it thinks the node should have.
    Heartbeat { epoch: Epoch, generation: Generation, digest: Digest },
    /// Whether this device has a live handshake, asked by its owner just now.
    Check { request: String, pod: PodId, public_key: PublicKey },
}

/// Why a desired state or a delta is not taken. Nothing of it is applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error("state {got:?} is older than the {have:?} that is applied")]
    Older { have: (Epoch, Generation), got: (Epoch, Generation) },
    #[error("the delta continues from generation {after:?}, and {have:?} is applied")]
    Gap { have: (Epoch, Generation), after: Generation },
    #[error("pod {pod}: {fault}")]
    Malformed { pod: PodId, fault: PodFault },
}

/// What is wrong with one pod of a desired state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PodFault {
    #[error("its interface {0} is another pod's too")]
    InterfaceTaken(InterfaceName),
    #[error("its port {0} is another pod's too, or below 1024")]
    Port(u16),
    #[error("its addresses {0} overlap another pod's")]
    Overlap(Ipv4Net),
    #[error("its addresses {0} overlap another pod's")]
    Overlap6(Ipv6Net),
    #[error("its addresses {0} are no range of a pod")]
    Range(Ipv4Net),
    #[error("peer {0} has an address outside the pod")]
    Outside(PeerId),
    #[error("peer {0} has the key or the address of another peer")]
    Twice(PeerId),
    #[error("its quota starts anew on day {0}: that is no day of every month")]
    ResetDay(u8),
}

/// What taking in a state did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Apply {
    /// It is newer: apply it.
    Newer,
    /// It is what is applied already.
    Same,
}

impl DesiredState {
    /// Takes a whole state if it is not older than this one and holds together.
    pub fn replace(&mut self, state: Self) -> Result<Apply, StateError> {
        let (have, got) = (self.version(), state.version());
        if got < have {
            return Err(StateError::Older { have, got });
        }
        state.ensure_sound()?;
        let apply = if *self == state { Apply::Same } else { Apply::Newer };
        *self = state;
        Ok(apply)
    }

    /// Takes a delta if it continues from this state, and the result holds together. What it does
    /// not name is neither copied nor judged again.
    pub fn advance(&mut self, delta: Delta) -> Result<Apply, StateError> {
        let have = self.version();
        let got = (delta.epoch, delta.generation);
        if got == have {
            return Ok(Apply::Same);
        }
        if got < have {
            return Err(StateError::Older { have, got });
        }
        if delta.epoch != self.epoch || self.generation < delta.after {
            return Err(StateError::Gap { have, after: delta.after });
        }
        let came: BTreeSet<PodId> = delta.pods.keys().copied().collect();
        let mut before: Vec<(PodId, Option<DesiredPod>)> =
            delta.removed.iter().map(|id| (*id, self.pods.remove(id))).collect();
        before.extend(delta.pods.into_iter().map(|(id, pod)| (id, self.pods.insert(id, pod))));
        if let Err(error) = self.ensure_sound_where(|id| came.contains(id)) {
            for (id, pod) in before.into_iter().rev() {
                match pod {
                    Some(pod) => drop(self.pods.insert(id, pod)),
                    None => drop(self.pods.remove(&id)),
                }
            }
            return Err(error);
        }
        self.generation = delta.generation;
        self.resolver = delta.resolver;
        Ok(Apply::Newer)
    }

    /// What orders states: the epoch first, then the generation.
    pub fn version(&self) -> (Epoch, Generation) {
        (self.epoch, self.generation)
    }

    /// The digest of resolver and pods; equal states have equal digests on both sides.
    pub fn digest(&self) -> Digest {
        use sha2::Digest as _;
        // Maps with ordered string keys always serialise.
        let json = serde_json::to_vec(&(&self.resolver, &self.pods)).unwrap_or_default();
        Digest(sha2::Sha256::digest(json).iter().map(|it| format!("{it:02x}")).collect())
    }

    /// Whether interfaces, ports, ranges, keys and addresses are each one pod's or peer's only.
    pub fn ensure_sound(&self) -> Result<(), StateError> {
        self.ensure_sound_where(|_| true)
    }

    /// The same, with a look into some of the pods only.
    fn ensure_sound_where(&self, judged: impl Fn(&PodId) -> bool) -> Result<(), StateError> {
        let mut ranges: Vec<(PodRange, PodId)> =
            self.pods.iter().map(|(id, pod)| (pod.range, *id)).collect();
        ranges.sort_by_key(|(range, _)| range.v4.network());
        for pair in ranges.windows(2) {
            let (before, (range, pod)) = (&pair[0].0, pair[1]);
            if before.v4.contains(&range.v4.network()) {
                return Err(StateError::Malformed { pod, fault: PodFault::Overlap(range.v4) });
            }
        }
        ranges.sort_by_key(|(range, _)| range.v6.network());
        for pair in ranges.windows(2) {
            let (before, (range, pod)) = (&pair[0].0, pair[1]);
            if before.v6.contains(&range.v6.network()) {
                return Err(StateError::Malformed { pod, fault: PodFault::Overlap6(range.v6) });
            }
        }
        let (mut names, mut ports) = (BTreeMap::new(), BTreeMap::new());
        for (id, pod) in &self.pods {
            let fault = if names.insert(&pod.interface, id).is_some() {
                Some(PodFault::InterfaceTaken(pod.interface.clone()))
            } else if ports.insert(pod.port, id).is_some() || pod.port < 1024 {
                Some(PodFault::Port(pod.port))
            } else if judged(id) {
                pod.fault()
            } else {
                None
            };
            if let Some(fault) = fault {
                return Err(StateError::Malformed { pod: *id, fault });
            }
        }
        Ok(())
    }
}

impl DesiredPod {
    /// A pod without limits, whose devices do not meet.
    pub fn new(
        interface: InterfaceName,
        port: u16,
        range: PodRange,
        peers: BTreeMap<PeerId, DesiredPeer>,
    ) -> Self {
        Self { interface, port, range, devices_meet: false, speed: None, quota: None, peers }
    }

    fn fault(&self) -> Option<PodFault> {
        if !self.range.is_sound() {
            return Some(PodFault::Range(self.range.v4));
        }
        if let Some(quota) = &self.quota
            && !(1..=28).contains(&quota.reset_day)
        {
            return Some(PodFault::ResetDay(quota.reset_day));
        }
        let (mut keys, mut hosts) = (BTreeMap::new(), BTreeMap::new());
        for (id, peer) in &self.peers {
            if !self.range.has_device(&peer.addresses) {
                return Some(PodFault::Outside(*id));
            }
            let twice = keys.insert(peer.public_key, id).is_some();
            if hosts.insert(peer.addresses.v4, id).is_some() || twice {
                return Some(PodFault::Twice(*id));
            }
        }
        None
    }
}

/// What a node has, as it tells the portal. No client address, no handshake time, no counters per
/// device are in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedState {
    /// The state that was applied; after a round that went well the node is not read again for
    /// the next one, but every 20 seconds.
    pub epoch: Epoch,
    pub generation: Generation,
    /// Names one run of the agent's host; 1 to 64 characters.
    pub boot_id: String,
    /// Counts the reports of one agent, over its restarts; only grows.
    pub sequence: u64,
    /// The agent's version, such as `0.1.0`; at most 64 characters.
    pub agent_version: String,
    /// `kernel` or `userspace`.
    pub backend: String,
    /// The node's clock at the time of the report, in milliseconds since 1970-01-01 UTC.
    pub clock_ms: i64,
    /// What is wrong with the node as a whole, in words for the operator: at most
    /// [`MAX_FAULTS`] of at most [`MAX_FAULT_CHARS`] characters.
    pub faults: Vec<String>,
    /// Interfaces that look like ours and are not, which are left alone: at most [`MAX_FAULTS`]
    /// names of at most 15 characters.
    pub foreign: Vec<String>,
    /// How the host is hardened; empty while it has not been looked at.
    pub hardening: HardeningReport,
    pub pods: BTreeMap<PodId, ObservedPod>,
}

/// The most faults and foreign interfaces in a report.
pub const MAX_FAULTS: usize = 20;
/// The longest fault in a report, in characters.
pub const MAX_FAULT_CHARS: usize = 300;

/// What became of one pod on the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedPod {
    /// The public half of the key the node made for the pod; none when it could not make one.
    pub public_key: Option<PublicKey>,
    /// Why it does not serve, in words for the operator; at most [`MAX_FAULT_CHARS`] characters.
    pub fault: Option<String>,
    pub quota: QuotaState,
}

impl ObservedPod {
    /// A pod that serves, with the key the node made for it.
    pub fn serving(public_key: PublicKey) -> Self {
        Self { public_key: Some(public_key), fault: None, quota: QuotaState::Within }
    }
}

/// How a pod stands with its quota, as its node enforces it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaState {
    /// Something is left, or there is no quota.
    #[default]
    Within,
    /// Used up: it goes on slowly until the next month.
    Throttled,
    /// Used up: nothing passes until the next month.
    Stopped,
}
