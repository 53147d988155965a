//! Rounds that know what the node has, on what moves packets.

use std::{collections::BTreeSet, sync::Arc};

use myrelay_agent::{
    backend::Backend,
    plan::{Converged, Quotas},
    rounds::Rounds,
};
use myrelay_node_protocol::DesiredState;

use crate::{
    Wishes, ensure_node_is, keys, node, peer_key, pod, pod_id,
    world::{kind, open},
};

async fn settle(rounds: &mut Rounds, backend: &dyn Backend, wishes: &Wishes) -> Converged {
    let state = DesiredState { pods: wishes.clone(), ..DesiredState::default() };
    let done = rounds.converge(&Arc::new(state), &keys(), &Quotas::new(), backend).await;
    assert!(done.is_well(), "{done:?}");
    done
}

#[test]
fn a_change_after_a_good_round_is_made_without_a_look() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        let mut rounds = Rounds::default();
        let mut wishes = Wishes::from([pod(1, [(peer_key(1), 2), (peer_key(2), 3)]), pod(2, [])]);
        assert!(settle(&mut rounds, &*backend, &wishes).await.looked);
        // One goes, one moves, one comes; a pod comes; what passes changes; a port moves.
        wishes.extend([pod(1, [(peer_key(2), 5), (peer_key(3), 3)]), pod(3, [(peer_key(1), 2)])]);
        wishes.get_mut(&pod_id(2)).unwrap().devices_meet = true;
        wishes.get_mut(&pod_id(1)).unwrap().port += 300;
        let done = settle(&mut rounds, &*backend, &wishes).await;
        assert_eq!((done.looked, done.changed), (false, 6));
        ensure_node_is(&backend.observe().await.unwrap(), &wishes);
        let walls = node.nft("list table inet myrelay");
        rounds.forget();
        let done = settle(&mut rounds, &*backend, &wishes).await;
        assert_eq!((done.looked, done.changed), (true, 0), "nothing was left to do");
        assert_eq!(node.nft("list table inet myrelay"), walls);
    });
}

#[test]
fn an_interface_that_somebody_took_away_is_noticed_by_the_next_change_of_its_devices() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |node| {
        let backend = open(kind).await;
        let mut rounds = Rounds::default();
        let mut wishes = Wishes::from([pod(1, [(peer_key(1), 2)]), pod(2, [(peer_key(1), 2)])]);
        settle(&mut rounds, &*backend, &wishes).await;
        node.ip(&format!("link del {}", wishes[&pod_id(1)].interface));
        // Before the host could say so.
        wishes.extend([pod(1, [(peer_key(1), 2), (peer_key(2), 3)])]);
        assert!(settle(&mut rounds, &*backend, &wishes).await.looked);
        ensure_node_is(&backend.observe().await.unwrap(), &wishes);
    });
}

#[test]
fn a_device_that_somebody_changed_by_hand_is_put_right_by_the_next_look() {
    let Some(kind) = kind() else { return };
    let (node, _internet) = node();
    node.run(async |_| {
        let backend = open(kind).await;
        let mut rounds = Rounds::default();
        let mut wishes = Wishes::from([pod(1, [(peer_key(1), 2), (peer_key(2), 3)])]);
        settle(&mut rounds, &*backend, &wishes).await;
        let (interface, range) = {
            let pod = &wishes[&pod_id(1)];
            (pod.interface.clone(), pod.range)
        };
        backend.remove_peers(&interface, &BTreeSet::from([peer_key(1)])).await.unwrap();
        let theirs = [(peer_key(9), range.device(9).unwrap())].into();
        backend.set_peers(&interface, &theirs).await.unwrap();

        // A change of another device neither minds nor notices.
        wishes.extend([pod(1, [(peer_key(1), 2), (peer_key(2), 3), (peer_key(3), 4)])]);
        assert!(!settle(&mut rounds, &*backend, &wishes).await.looked);
        rounds.forget();
        settle(&mut rounds, &*backend, &wishes).await;
        ensure_node_is(&backend.observe().await.unwrap(), &wishes);
    });
}
