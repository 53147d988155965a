//! Stories about what a pod's owner switches, how large a pod is, and when addresses rest.

use myrelay_app::contract::{
    AddPlan, PeerContract, PlanContract, PodContract, PodState, PortalError,
};
use myrelay_domain::{
    addresses::Block,
    ids::{NodeId, PodId},
};
use myrelay_node_protocol::{DesiredPod, DesiredState};

use super::{super::store, not_found};
use crate::{
    context::Caller,
    desired_state, outbox, peers,
    testing::{World, add_peer, stories},
};

async fn wanted(world: &World, node: NodeId) -> DesiredState {
    desired_state::snapshot(&world.context, node).await.unwrap()
}

async fn pod_on(world: &World, node: NodeId, pod: PodId) -> DesiredPod {
    wanted(world, node).await.pods[&pod].clone()
}

stories! {
    async fn a_paused_pod_has_no_devices_on_its_node_and_comes_back_as_it_is(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let first = ana.device(pod, 1).await.peer.id;
        node.report(&world).await;
        let (api, id) = (ana.api(), pod.to_string());
        let before = wanted(&world, node.id).await;
        for _ in 0..2 {
            api.set_paused(&id, true).await.unwrap();
        }
        let paused = wanted(&world, node.id).await;
        assert_eq!(paused.generation.0, before.generation.0 + 1, "twice changes nothing more");
        assert!(paused.pods[&pod].peers.is_empty());
        node.report(&world).await;
        assert_eq!(api.get_pod(&id).await.unwrap().state, PodState::Paused);
        assert_eq!(api.get_peer(&first.to_string()).await.unwrap().state, PodState::Paused);

        let second = ana.device(pod, 2).await.peer.id;
        api.remove_peer(&first.to_string()).await.unwrap();
        assert!(pod_on(&world, node.id, pod).await.peers.is_empty(), "still paused");
        for _ in 0..2 {
            api.set_paused(&id, false).await.unwrap();
        }
        let after = pod_on(&world, node.id, pod).await;
        assert_eq!(after.peers.keys().copied().collect::<Vec<_>>(), [second]);
        assert_eq!((after.port, after.range), (before.pods[&pod].port, before.pods[&pod].range));
        let events = outbox::names(&world.context).await;
        assert_eq!(events.iter().filter(|it| *it == "pod.paused").count(), 1);
        assert_eq!(events.last().map(String::as_str), Some("pod.resumed"));
    }

    async fn a_pods_devices_meet_only_when_its_owner_says_so(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let (api, id) = (ana.api(), pod.to_string());
        assert!(!api.get_pod(&id).await.unwrap().devices_meet);
        let before = wanted(&world, node).await;
        assert!(!before.pods[&pod].devices_meet);
        for _ in 0..2 {
            api.set_devices_meet(&id, true).await.unwrap();
        }
        let after = wanted(&world, node).await;
        assert!(after.pods[&pod].devices_meet && api.get_pod(&id).await.unwrap().devices_meet);
        assert_eq!(after.generation.0, before.generation.0 + 1);
        api.set_devices_meet(&id, false).await.unwrap();
        assert!(!pod_on(&world, node, pod).await.devices_meet);
    }

    async fn only_its_owner_switches_a_pod(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let pod = ana.pod("Frankfurt").await.to_string();
        let before = wanted(&world, node).await;
        for (api, error) in [
            (bob.api(), not_found("pod")),
            (olga.api(), PortalError::NotAllowed),
            (world.api(Caller::Visitor), PortalError::SignedOut),
        ] {
            assert_eq!(api.set_paused(&pod, true).await, Err(error.clone()));
            assert_eq!(api.set_devices_meet(&pod, true).await, Err(error));
        }
        for unknown in ["pod_nobody", "pod_00000000000000000000000000000001"] {
            assert_eq!(ana.api().set_paused(unknown, true).await, Err(not_found("pod")));
            assert_eq!(ana.api().set_devices_meet(unknown, true).await, Err(not_found("pod")));
        }
        assert_eq!(wanted(&world, node).await, before);
    }

    async fn p10_a_pod_is_as_large_as_its_plan_and_keeps_its_range_when_the_plan_grows(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let (ana, bob, carl) =
            (world.customer("ana").await, world.customer("bob").await, world.customer("carl").await);
        let small = ana.pod("Frankfurt").await;
        let plan = AddPlan {
            name: "Team".to_owned(),
            pods: "2".to_owned(),
            devices_per_pod: "200".to_owned(),
            ..AddPlan::default()
        };
        olga.api().add_plan(plan).await.unwrap();
        let team = olga.api().list_plans().await.unwrap().pop().unwrap().id.to_string();
        for customer in [&ana, &bob] {
            let Caller::Account(account) = customer.caller else { panic!("a customer") };
            olga.api().change_plan(&account.to_string(), &team).await.unwrap();
        }
        let large = bob.pod("Frankfurt").await;
        let next = carl.pod("Frankfurt").await;
        let state = wanted(&world, node).await;
        state.ensure_sound().unwrap();
        let len = |pod: PodId| state.pods[&pod].range.v4.to_string();
        assert_eq!(len(small), "10.64.0.0/26");
        assert_eq!(len(large), "10.64.1.0/24");
        assert_eq!(len(next), "10.64.0.64/26", "what was left out is given out");

        for number in 1..=61 {
            ana.device(small, number).await;
        }
        let more = peers::add_peer(&world.context, ana.caller, add_peer(small, 99)).await;
        let message = more.err().unwrap().to_string();
        assert!(message.contains("made for 61 devices") && message.contains("anew"), "{message}");
        assert_eq!(pod_on(&world, node, small).await.peers.len(), 61, "nothing half done");
    }

    async fn where_no_addresses_are_left_none_is_given(world) {
        let mut tx = world.context.database.write().await.unwrap();
        let mut pods = (1..).map(|it| format!("pod_{it:032x}").parse::<PodId>().unwrap());
        let (now, capacity) = (0, 8);
        let mut given = Vec::new();
        for size in [1, 4] {
            let pod = pods.next().unwrap();
            given.push(store::take_range(&mut tx, pod, size, capacity, now).await.unwrap().unwrap());
        }
        assert_eq!(given, [Block { first: 0, size: 1 }, Block { first: 4, size: 4 }]);
        for (size, left) in [(4, None), (2, Some(2)), (1, Some(1)), (1, None)] {
            let pod = pods.next().unwrap();
            let taken = store::take_range(&mut tx, pod, size, capacity, now).await.unwrap();
            assert_eq!(taken.map(|it| it.first), left, "{size}");
        }
        let node: NodeId = world.context.new_id();
        assert_eq!(store::free_port(&mut tx, node, 51820..51821).await.unwrap(), Some(51820));
        assert_eq!(store::free_port(&mut tx, node, 51820..51820).await.unwrap(), None);
    }
}
