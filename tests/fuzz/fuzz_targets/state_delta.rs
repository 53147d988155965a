//! Lines of a state stream, as the agent takes them in: always sound, never older, whole or not.

use std::collections::BTreeSet;

use myrelay_node_protocol::{Apply, DesiredState, StateMessage};

pub(crate) fn run(input: &[u8]) -> bool {
    let mut read = false;
    let mut state = DesiredState::default();
    for line in input.split(|it| *it == b'\n') {
        let Ok(message) = serde_json::from_slice::<StateMessage>(line) else { continue };
        let wire = serde_json::to_vec(&message).expect("what was read can be written");
        assert_eq!(serde_json::from_slice::<StateMessage>(&wire).ok().as_ref(), Some(&message));
        let before = state.clone();
        let taken = match message {
            StateMessage::Snapshot { state: whole } => state.replace(whole),
            StateMessage::Delta { delta } => state.advance(delta),
            StateMessage::Heartbeat { .. } | StateMessage::Check { .. } => continue,
        };
        read |= taken.is_ok();
        match taken {
            Ok(Apply::Newer) => assert!(before.version() <= state.version(), "an older state"),
            Ok(Apply::Same) => assert_eq!(state, before),
            Err(error) => {
                assert_eq!(state, before, "half of it was taken");
                assert!(!error.to_string().contains('\n'));
            }
        }
        ensure_apart(&state);
        assert_eq!(state.digest() == before.digest(), same_content(&state, &before));
    }
    read
}

fn same_content(one: &DesiredState, two: &DesiredState) -> bool {
    one.pods == two.pods && one.resolver == two.resolver
}

/// No two pods or devices share anything, by a slower way than the protocol's own.
fn ensure_apart(state: &DesiredState) {
    let (mut interfaces, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for (id, pod) in &state.pods {
        assert!(interfaces.insert(pod.interface.as_str()), "{id} has another's interface");
        assert!(pod.range.is_sound(), "{id} has a range that is none");
        assert!(ports.insert(pod.port) && 1024 <= pod.port, "{id} has another's port");
        for (_, other) in state.pods.iter().filter(|it| it.0 != id) {
            let (one, two) = (&pod.range, &other.range);
            assert!(!one.v4.contains(&two.v4) && !one.v6.contains(&two.v6), "{id} overlaps");
        }
        let (mut keys, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        for peer in pod.peers.values() {
            assert!(pod.range.v4.contains(&peer.addresses.v4), "{id}: outside");
            assert!(pod.range.v6.contains(&peer.addresses.v6), "{id}: outside");
            assert!(keys.insert(peer.public_key.to_string()), "{id}: a key twice");
            assert!(addresses.insert(peer.addresses.v4), "{id}: an address twice");
            assert_ne!(peer.addresses, pod.range.node(), "{id}: the node's own address");
        }
    }
}
