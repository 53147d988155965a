//! Stories about pods.

mod moved_usage;
mod moving;
mod switches;

use futures::future::join_all;
use myrelay_app::contract::{
    AccountContract, CreatePod, NodeContract, PeerContract, PodContract, PodState, PortalError,
    RetireNode,
};

use myrelay_node_protocol::QuotaState;

use super::REST_MS;
use crate::{
    context::Caller,
    desired_state, nodes, outbox,
    testing::{World, enrol_request, join_token, pod_key, stories},
};

fn not_found(what: &str) -> PortalError {
    PortalError::NotFound { what: what.to_owned() }
}

async fn ranges(world: &World) -> Vec<i64> {
    let taken = "SELECT COUNT(*) FROM pod_ranges WHERE pod_id IS NOT NULL";
    vec![world.count(taken).await, world.count("SELECT COUNT(*) FROM pod_ranges").await]
}

stories! {
    async fn a_customer_makes_a_pod_and_its_node_serves_it(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let home = ana.api().home().await.unwrap();
        assert_eq!((home.pods.len(), home.pods[0].state), (1, PodState::WaitingForNode));
        assert_eq!((home.plan.as_str(), home.pod_limit), ("Free", 2));
        node.report(&world).await;
        assert_eq!(ana.api().get_pod(&pod.to_string()).await.unwrap().state, PodState::Ready);
        let events = outbox::names(&world.context).await;
        assert_eq!(events.last().map(String::as_str), Some("pod.created"));

        let rows = olga.api().list_pods(None).await.unwrap().rows;
        assert_eq!((rows.len(), rows[0].account_email.as_str()), (1, "ana@example.org"));
        assert_eq!(olga.api().get_node(&node.id.to_string()).await.unwrap().pods, rows);
    }

    async fn asked_twice_or_many_times_at_once_there_is_one_pod(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let location = world.location("Frankfurt").await.to_string();
        let all = (0..6).map(|_| {
            let (api, location) = (ana.api(), location.clone());
            async move { api.create_pod(CreatePod { location }).await.unwrap() }
        });
        let mut pods = join_all(all).await;
        pods.dedup();
        assert_eq!(pods, [ana.pod("Frankfurt").await]);
        assert_eq!(ranges(&world).await, [1, 1]);
    }

    async fn an_unknown_location_and_one_without_nodes_do_not_exist(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let ana = world.customer("ana").await;
        let location = world.location("Frankfurt").await.to_string();
        olga.api().retire_node(&node.to_string(), RetireNode::default()).await.unwrap();
        for location in ["", "Frankfurt", "loc_00000000000000000000000000000001", &location] {
            let input = CreatePod { location: location.to_owned() };
            assert_eq!(ana.api().create_pod(input).await, Err(not_found("location")));
        }
    }

    async fn another_accounts_pod_does_not_exist(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let pod = ana.pod("Frankfurt").await.to_string();
        assert_eq!(bob.api().get_pod(&pod).await, Err(not_found("pod")));
        assert_eq!(bob.api().delete_pod(&pod).await, Err(not_found("pod")));
        assert_eq!(bob.api().home().await.unwrap().pods, []);
        assert_eq!(olga.api().get_pod(&pod).await, Err(PortalError::NotAllowed));
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.get_pod(&pod).await, Err(PortalError::SignedOut));
        assert!(ana.api().get_pod(&pod).await.is_ok());
    }

    async fn the_plan_has_so_many_pods(world) {
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        for location in ["Frankfurt", "Helsinki", "Lisbon"] {
            world.node(&olga, location).await;
        }
        ana.pod("Frankfurt").await;
        ana.pod("Helsinki").await;
        let location = world.location("Lisbon").await.to_string();
        let refused = ana.api().create_pod(CreatePod { location }).await;
        assert!(matches!(refused, Err(PortalError::Limit { .. })), "{refused:?}");
        assert_eq!(ranges(&world).await, [2, 2], "nothing half done");
    }

    async fn the_plan_has_so_many_pods_also_when_they_come_at_once(world) {
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        let mut all = Vec::new();
        for name in ["Frankfurt", "Helsinki", "Lisbon", "Oslo"] {
            world.node(&olga, name).await;
            all.push(world.location(name).await.to_string());
        }
        let all = all.into_iter().map(|location| {
            let api = ana.api();
            async move { api.create_pod(CreatePod { location }).await }
        });
        let done = join_all(all).await;
        assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 2, "{done:?}");
        assert_eq!(ranges(&world).await, [2, 2]);
    }

    async fn a_pod_deleted_many_times_at_once_is_deleted_once(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await.to_string();
        let all = (0..4).map(|_| {
            let (api, pod) = (ana.api(), pod.clone());
            async move { api.delete_pod(&pod).await }
        });
        let done = join_all(all).await;
        assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1);
        assert!(done.iter().filter_map(|it| it.as_ref().err()).all(|it| *it == not_found("pod")));
    }

    async fn a_node_that_joins_anew_tells_its_pods_keys_anew(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        node.report(&world).await;
        let join = olga.api().renew_join(&node.id.to_string()).await.unwrap();
        let request = enrol_request(&join_token(&join.line));
        desired_state::enrol(&world.context, request).await.unwrap();
        let device = ana.device(pod, 1).await;
        assert_eq!(device.config, None, "the key of the lost machine is not handed out");
    }

    async fn p10_addresses_are_given_again_only_when_the_node_forgot_the_pod_and_they_rested(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let pod = ana.pod("Frankfurt").await;
        node.report(&world).await;
        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        assert_eq!(ana.api().delete_pod(&pod.to_string()).await, Err(not_found("pod")), "twice");
        bob.pod("Frankfurt").await;
        assert_eq!(ranges(&world).await, [2, 2], "the first range still may be in use");
        node.report(&world).await;
        assert_eq!(ranges(&world).await, [1, 2]);
        let carl = world.customer("carl").await;
        carl.pod("Frankfurt").await;
        assert_eq!(ranges(&world).await, [2, 3], "it rests");
        world.clock.advance(REST_MS);
        ana.pod("Frankfurt").await;
        assert_eq!(ranges(&world).await, [3, 3], "and now it is given again");
        let state = desired_state::snapshot(&world.context, node.id).await.unwrap();
        state.ensure_sound().unwrap();
    }

    async fn p10_pods_made_at_once_on_several_nodes_never_overlap(world) {
        let olga = world.operator("olga").await;
        let nodes = [world.node(&olga, "Frankfurt").await.id, world.node(&olga, "Lisbon").await.id];
        let mut customers = Vec::new();
        for n in 0..6 {
            customers.push(world.customer(&format!("c{n}")).await);
        }
        join_all(customers.iter().flat_map(|it| [it.pod("Frankfurt"), it.pod("Lisbon")])).await;
        let mut all = myrelay_node_protocol::DesiredState::default();
        let mut ports = 61000;
        for node in nodes {
            let state = desired_state::snapshot(&world.context, node).await.unwrap();
            state.ensure_sound().unwrap();
            for (id, mut pod) in state.pods {
                // Ports may meet on two nodes; nothing else may.
                pod.port = ports;
                ports += 1;
                all.pods.insert(id, pod);
            }
        }
        assert_eq!(all.pods.len(), 12);
        all.ensure_sound().unwrap();
    }

    async fn a_suspended_accounts_devices_leave_the_node_and_come_back_as_they_were(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        ana.device(pod, 1).await;
        let Caller::Account(account) = ana.caller else { panic!() };
        let before = desired_state::snapshot(&world.context, node).await.unwrap();
        for _ in 0..2 {
            olga.api().suspend_account(&account.to_string()).await.unwrap();
        }
        let suspended = desired_state::snapshot(&world.context, node).await.unwrap();
        assert_eq!(suspended.generation.0, before.generation.0 + 1, "twice changes nothing more");
        assert!(suspended.pods[&pod].peers.is_empty());
        olga.api().resume_account(&account.to_string()).await.unwrap();
        let after = desired_state::snapshot(&world.context, node).await.unwrap();
        assert_eq!(after.pods, before.pods);
        let unknown = olga.api().suspend_account("acct_nobody").await;
        assert_eq!(unknown, Err(not_found("account")));
        let missing = "acct_00000000000000000000000000000009";
        assert_eq!(olga.api().resume_account(missing).await, Err(not_found("account")));
        assert_eq!(ana.api().suspend_account(missing).await, Err(PortalError::NotAllowed));
    }

    async fn a_fault_is_seen_by_the_operator_and_told_to_the_customer_in_one_word(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let mut report = node.observed(&world).await;
        report.pods.get_mut(&pod).unwrap().fault = Some("UDP port 51820 is in use".to_owned());
        desired_state::observe(&world.context, node.id, report).await.unwrap();
        assert_eq!(ana.api().home().await.unwrap().pods[0].state, PodState::Faulty);
        let row = &olga.api().list_pods(None).await.unwrap().rows[0];
        assert_eq!(row.fault.as_deref(), Some("UDP port 51820 is in use"));
        node.report(&world).await;
        assert_eq!(ana.api().home().await.unwrap().pods[0].state, PodState::Ready);
    }

    async fn a_pod_over_its_quota_says_so_as_soon_as_its_node_does(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        for (quota, state) in [
            (QuotaState::Throttled, PodState::Throttled),
            (QuotaState::Stopped, PodState::Stopped),
            (QuotaState::Within, PodState::Ready),
        ] {
            let mut report = node.observed(&world).await;
            report.pods.get_mut(&pod).unwrap().quota = quota;
            desired_state::observe(&world.context, node.id, report).await.unwrap();
            assert_eq!(ana.api().home().await.unwrap().pods[0].state, state);
            assert_eq!(ana.api().get_pod(&pod.to_string()).await.unwrap().state, state);
            let rows = olga.api().list_pods(None).await.unwrap().rows;
            assert_eq!(rows[0].state, state);
            assert_eq!(olga.api().get_node(&node.id.to_string()).await.unwrap().pods, rows);
        }
        let mut report = node.observed(&world).await;
        report.pods.get_mut(&pod).unwrap().quota = QuotaState::Stopped;
        desired_state::observe(&world.context, node.id, report).await.unwrap();
        ana.api().set_paused(&pod.to_string(), true).await.unwrap();
        let state = ana.api().home().await.unwrap().pods[0].state;
        assert_eq!(state, PodState::Paused, "what its owner did comes first");
    }

    async fn a_location_whose_node_is_away_says_so_and_the_pod_is_made_when_it_returns(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        world.clock.advance(nodes::AWAY_MS);
        assert!(!ana.api().home().await.unwrap().locations[0].in_contact);
        let pod = ana.pod("Frankfurt").await;
        assert_eq!(ana.api().home().await.unwrap().pods[0].state, PodState::NodeAway);
        let device = ana.device(pod, 1).await;
        assert_eq!((device.config.is_none(), device.peer.applied), (true, false));
        node.report(&world).await;
        let device = ana.api().get_peer(&device.peer.id.to_string()).await.unwrap();
        assert_eq!(device.config.unwrap().pod_key, pod_key(pod));
        assert!(device.peer.applied);
    }
}
