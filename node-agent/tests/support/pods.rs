//! Pods to want.

use std::collections::BTreeMap;

use myrelay_domain::{
    addresses::AddressPlan,
    ids::{PeerId, PodId},
    keys::PublicKey,
};
use myrelay_node_protocol::{
    Delta, DesiredPeer, DesiredPod, DesiredState, Epoch, Generation, StateMessage,
};

pub(crate) fn pod_id(number: u32) -> PodId {
    format!("pod_{number:032x}").parse().unwrap()
}

pub(crate) fn peer_key(pod: u32, device: u32) -> PublicKey {
    let mut key = [0x55; 32];
    (key[0], key[1]) = (u8::try_from(device).unwrap(), u8::try_from(pod).unwrap());
    PublicKey::from_bytes(key).unwrap()
}

/// A pod with devices 2, 3, … of its range.
pub(crate) fn pod(number: u32, devices: u32) -> DesiredPod {
    let v4 = "10.0.0.0/8".parse().unwrap();
    let plan = AddressPlan::new(v4, AddressPlan::v6_site([1, 2, 3, 4, 5])).unwrap();
    let range = plan.pod_range(number).unwrap();
    let peer = |device| {
        let id: PeerId = format!("peer_{device:032x}").parse().unwrap();
        let addresses = range.device(device).unwrap();
        (id, DesiredPeer { public_key: peer_key(number, device), addresses })
    };
    DesiredPod::new(
        format!("wg-pod{number}").parse().unwrap(),
        20_000 + u16::try_from(number).unwrap(),
        range,
        (2..2 + devices).map(peer).collect(),
    )
}

/// A state of epoch 1 with these pods and their numbers of devices.
pub(crate) fn state(generation: u64, pods: &[(u32, u32)]) -> DesiredState {
    let pods = pods.iter().map(|(number, devices)| (pod_id(*number), pod(*number, *devices)));
    DesiredState {
        epoch: Epoch(1),
        generation: Generation(generation),
        resolver: None,
        pods: pods.collect(),
    }
}

pub(crate) fn snapshot(state: DesiredState) -> StateMessage {
    StateMessage::Snapshot { state }
}

/// A delta of epoch 1 with these pods, and without those.
pub(crate) fn delta(
    after: u64,
    generation: u64,
    pods: &[(u32, u32)],
    removed: &[u32],
) -> StateMessage {
    let pods: BTreeMap<_, _> =
        pods.iter().map(|(number, devices)| (pod_id(*number), pod(*number, *devices))).collect();
    StateMessage::Delta {
        delta: Delta {
            epoch: Epoch(1),
            after: Generation(after),
            generation: Generation(generation),
            resolver: None,
            pods,
            removed: removed.iter().map(|it| pod_id(*it)).collect(),
        },
    }
}

pub(crate) fn heartbeat(state: &DesiredState) -> StateMessage {
    StateMessage::Heartbeat {
        epoch: state.epoch,
        generation: state.generation,
        digest: state.digest(),
    }
}
