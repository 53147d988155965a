//! Stories about pods that move, and nodes that are emptied.

use myrelay_app::contract::{
    MovePod, NodeContract, NodeState, NodeTrouble, OperatorContract, PeerContract, PodContract,
    PodState, PortalError, RetireNode,
};
use myrelay_domain::ids::{NodeId, PodId};
use myrelay_node_protocol::{DesiredState, ObservedPod};

use super::{
    super::{
        MOVED_TOLD_MS, REST_MS,
        moving::OVERLAP_MS,
        worker::{drain, end_overlaps},
    },
    not_found, ranges,
};
use crate::{
    context::Caller,
    desired_state::{self, snapshot},
    nodes::AWAY_MS,
    outbox,
    testing::{Actor, TestNode, World, pod_key, public_key, stories},
};

async fn wanted(world: &World, node: &TestNode) -> DesiredState {
    snapshot(&world.context, node.id).await.unwrap()
}

fn to(node: NodeId, overlap: &str) -> MovePod {
    MovePod { node: node.to_string(), overlap: overlap.to_owned() }
}

async fn move_to(olga: &Actor<'_>, pod: PodId, node: &TestNode, overlap: &str) {
    olga.api().move_pod(&pod.to_string(), to(node.id, overlap)).await.unwrap();
}

/// What a node reports when it made a key of its own for a pod.
async fn report_key(world: &World, node: &mut TestNode, pod: PodId, number: u8) {
    let mut report = node.observed(world).await;
    report.pods.insert(pod, ObservedPod::serving(public_key(number)));
    desired_state::observe(&world.context, node.id, report).await.unwrap();
}

fn is_invalid<T>(answer: &Result<T, PortalError>, expected: &str) -> bool {
    matches!(answer, Err(PortalError::Invalid { field, .. }) if field == expected)
}

stories! {
    async fn a_pod_moves_with_devices_and_addresses_and_both_nodes_serve_it_for_a_while(world) {
        let olga = world.operator("olga").await;
        let mut old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let device = ana.device(pod, 1).await.peer.id;
        old.report(&world).await;
        let mut new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        let before = wanted(&world, &old).await.pods[&pod].clone();
        move_to(&olga, pod, &new, "week").await;

        let (here, there) = (wanted(&world, &old).await, wanted(&world, &new).await);
        assert_eq!(here.pods[&pod], before, "who has not followed is served as before");
        assert_eq!(there.pods[&pod].peers, before.peers);
        assert_eq!(there.pods[&pod].range, before.range);
        assert_eq!(there.pods[&pod].interface, before.interface);
        let view = ana.api().get_pod(&pod.to_string()).await.unwrap();
        let moved = view.moved.unwrap();
        assert_eq!((view.state, moved.public_key), (PodState::WaitingForNode, None));
        assert_eq!(moved.ends_at, Some(world.context.now() + OVERLAP_MS));
        let peer = ana.api().get_peer(&device.to_string()).await.unwrap();
        assert!(peer.config.is_none() && !peer.peer.applied, "the new node has no key yet");

        report_key(&world, &mut new, pod, 7).await;
        old.report(&world).await;
        let peer = ana.api().get_peer(&device.to_string()).await.unwrap();
        let (config, moved) = (peer.config.unwrap(), peer.moved.unwrap());
        assert_eq!(config.pod_key, public_key(7), "the old node's report is not the new one's");
        assert_eq!(config.endpoint, "fra-2.example.org:51820");
        assert_eq!((moved.public_key, moved.endpoint), (Some(config.pod_key), config.endpoint));
        assert!(peer.peer.applied);

        ana.api().remove_peer(&device.to_string()).await.unwrap();
        for node in [&old, &new] {
            assert!(wanted(&world, node).await.pods[&pod].peers.is_empty(), "both are told");
        }
        let row = &olga.api().list_pods(None).await.unwrap().rows[0];
        assert_eq!((row.node.as_str(), row.moved_until), ("fra 2", moved.ends_at));
        assert!(outbox::names(&world.context).await.contains(&"pod.moved".to_owned()));
    }

    async fn when_the_overlap_is_over_the_old_node_forgets_the_pod_and_its_range_stays(world) {
        let olga = world.operator("olga").await;
        let mut old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        move_to(&olga, pod, &new, "day").await;
        end_overlaps(&world.context).await.unwrap();
        let before = wanted(&world, &old).await;
        assert!(before.pods.contains_key(&pod), "not yet");
        world.clock.advance(24 * 60 * 60 * 1000);
        for _ in 0..2 {
            end_overlaps(&world.context).await.unwrap();
        }
        let after = wanted(&world, &old).await;
        assert_eq!((after.pods.len(), after.generation.0), (0, before.generation.0 + 1));
        let (epoch, have) = before.version();
        let message = desired_state::next(&world.context, old.id, epoch, have).await.unwrap();
        assert!(format!("{message:?}").contains(&format!("removed: [{pod:?}]")), "{message:?}");
        old.report(&world).await;
        assert_eq!(ranges(&world).await, [1, 1], "the pod has it still");
        assert_eq!(world.count("SELECT COUNT(*) FROM pod_tombstones").await, 0);
        let moved = ana.api().get_pod(&pod.to_string()).await.unwrap().moved.unwrap();
        assert_eq!(moved.ends_at, None, "who has not followed is told so");
        world.clock.advance(MOVED_TOLD_MS);
        assert_eq!(ana.api().get_pod(&pod.to_string()).await.unwrap().moved, None);
    }

    async fn a_range_rests_also_when_its_last_two_nodes_forget_its_pod_at_once(world) {
        let olga = world.operator("olga").await;
        let mut old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let mut new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        for round in 0..10 {
            let ana = world.customer(&format!("ana{round}")).await;
            let pod = ana.pod("Frankfurt").await;
            let row = olga.api().list_pods(None).await.unwrap();
            let on_old = row.rows.iter().any(|it| it.id == pod && it.node == "fra 1");
            move_to(&olga, pod, if on_old { &new } else { &old }, "week").await;
            ana.api().delete_pod(&pod.to_string()).await.unwrap();
            let (one, two) = (old.observed(&world).await, new.observed(&world).await);
            let (one, two) = futures::join!(
                desired_state::observe(&world.context, old.id, one),
                desired_state::observe(&world.context, new.id, two),
            );
            one.unwrap();
            two.unwrap();
            assert_eq!(ranges(&world).await[0], 0, "in round {round} a range stayed behind");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM pod_tombstones").await, 0);
    }

    async fn a_pod_that_comes_back_has_the_port_and_key_that_devices_know(world) {
        let olga = world.operator("olga").await;
        let mut one = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        bob.pod("Frankfurt").await;
        let pod = ana.pod("Frankfurt").await;
        let device = ana.device(pod, 1).await.peer.id.to_string();
        one.report(&world).await;
        let before = ana.api().get_peer(&device).await.unwrap().config;
        let two = world.node_in(&olga, "fra 2", "Frankfurt").await;
        for _ in 0..2 {
            move_to(&olga, pod, &two, "hour").await;
        }
        move_to(&olga, pod, &one, "hour").await;
        let after = ana.api().get_peer(&device).await.unwrap();
        assert_eq!(after.config, before);
        assert_eq!(after.config.unwrap().pod_key, pod_key(pod));
        assert!(wanted(&world, &two).await.pods.contains_key(&pod), "for those who followed");
        wanted(&world, &one).await.ensure_sound().unwrap();
    }

    async fn moved_on_before_the_end_a_pod_is_served_where_it_was_last(world) {
        let olga = world.operator("olga").await;
        let mut one = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let mut two = world.node_in(&olga, "fra 2", "Frankfurt").await;
        let mut three = world.node_in(&olga, "fra 3", "Frankfurt").await;
        move_to(&olga, pod, &two, "week").await;
        move_to(&olga, pod, &three, "week").await;
        let has = async |node: &TestNode| wanted(&world, node).await.pods.contains_key(&pod);
        assert_eq!([has(&one).await, has(&two).await, has(&three).await], [false, true, true]);

        move_to(&olga, pod, &one, "none").await;
        assert_eq!([has(&one).await, has(&two).await, has(&three).await], [true, false, false]);
        let tombstones = "SELECT COUNT(*) FROM pod_tombstones";
        assert_eq!(world.count(tombstones).await, 2, "not of the node that has it again");
        let moved = ana.api().get_pod(&pod.to_string()).await.unwrap().moved.unwrap();
        assert_eq!(moved.ends_at, None, "who has not followed is told so");

        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        assert_eq!(world.count(tombstones).await, 3);
        for node in [&mut one, &mut two] {
            node.report(&world).await;
            assert_eq!(ranges(&world).await, [1, 1], "a node may have it in use still");
        }
        three.report(&world).await;
        assert_eq!(ranges(&world).await, [0, 1]);
        assert_eq!(world.count(tombstones).await, 0);
    }

    async fn a_moved_pod_that_is_deleted_leaves_both_nodes(world) {
        let olga = world.operator("olga").await;
        let mut old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let mut new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        move_to(&olga, pod, &new, "week").await;
        assert_eq!(ana.api().delete_any_pod(&pod.to_string()).await, Err(PortalError::NotAllowed));
        olga.api().delete_any_pod(&pod.to_string()).await.unwrap();
        let again = olga.api().delete_any_pod(&pod.to_string()).await;
        assert_eq!(again, Err(not_found("pod")));
        for node in [&mut old, &mut new] {
            assert!(wanted(&world, node).await.pods.is_empty());
            assert_eq!(ranges(&world).await, [1, 1]);
            node.report(&world).await;
        }
        assert_eq!(ranges(&world).await, [0, 1]);
        assert_eq!(world.count("SELECT COUNT(*) FROM former_placements").await, 0);
    }

    async fn a_suspended_or_paused_pod_that_moved_has_no_devices_anywhere(world) {
        let olga = world.operator("olga").await;
        let old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        ana.device(pod, 1).await;
        let new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        move_to(&olga, pod, &new, "week").await;
        let Caller::Account(account) = ana.caller else { panic!("a customer") };
        use myrelay_app::contract::AccountContract;
        for expected in [0, 1] {
            if expected == 0 {
                olga.api().suspend_account(&account.to_string()).await.unwrap();
            } else {
                olga.api().resume_account(&account.to_string()).await.unwrap();
            }
            for node in [&old, &new] {
                let state = wanted(&world, node).await;
                assert_eq!(state.pods[&pod].peers.len(), expected);
                let (epoch, have) = (state.epoch, state.generation.0 - 1);
                let have = myrelay_node_protocol::Generation(have);
                let delta = desired_state::next(&world.context, node.id, epoch, have).await;
                assert!(format!("{delta:?}").contains(&format!("{pod:?}")), "and it is told");
            }
        }
        ana.api().set_paused(&pod.to_string(), true).await.unwrap();
        for node in [&old, &new] {
            assert!(wanted(&world, node).await.pods[&pod].peers.is_empty());
        }
    }

    async fn a_pod_moves_only_where_it_can_be_served(world) {
        let olga = world.operator("olga").await;
        let here = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await.to_string();
        let elsewhere = world.node(&olga, "Lisbon").await;
        let drained = world.node_in(&olga, "fra 2", "Frankfurt").await;
        olga.api().start_draining(&drained.id.to_string()).await.unwrap();
        let retired = world.node_in(&olga, "fra 3", "Frankfurt").await;
        olga.api().retire_node(&retired.id.to_string(), RetireNode::default()).await.unwrap();
        let before = wanted(&world, &here).await;
        let move_pod = async |input| olga.api().move_pod(&pod, input).await;
        for node in [elsewhere.id, drained.id, retired.id, world.context.new_id()] {
            assert!(is_invalid(&move_pod(to(node, "week")).await, "node"));
        }
        assert!(is_invalid(&move_pod(MovePod::default()).await, "overlap"));
        let nowhere = MovePod { overlap: "day".to_owned(), ..MovePod::default() };
        assert!(is_invalid(&move_pod(nowhere).await, "node"));
        assert_eq!(olga.api().move_view(&pod).await.unwrap().targets, []);
        let mut away = world.node_in(&olga, "fra 4", "Frankfurt").await;
        let targets = olga.api().move_view(&pod).await.unwrap().targets;
        assert_eq!(targets.iter().map(|it| it.id).collect::<Vec<_>>(), [away.id]);
        world.clock.advance(AWAY_MS);
        assert!(is_invalid(&move_pod(to(away.id, "week")).await, "node"));
        assert_eq!(move_pod(to(here.id, "week")).await, Ok(()), "it is there already");
        assert_eq!(wanted(&world, &here).await, before, "nothing half done");
        away.report(&world).await;

        let input = || to(away.id, "week");
        for unknown in ["pod_nobody", "pod_00000000000000000000000000000001"] {
            assert_eq!(olga.api().move_pod(unknown, input()).await, Err(not_found("pod")));
            assert_eq!(olga.api().move_view(unknown).await, Err(not_found("pod")));
            assert_eq!(olga.api().delete_any_pod(unknown).await, Err(not_found("pod")));
        }
        assert_eq!(ana.api().move_pod(&pod, input()).await, Err(PortalError::NotAllowed));
        assert_eq!(ana.api().move_view(&pod).await, Err(PortalError::NotAllowed));
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.move_pod(&pod, input()).await, Err(PortalError::SignedOut));
        move_pod(input()).await.unwrap();
    }

    async fn a_drained_node_loses_its_pods_and_is_retired_when_the_overlap_is_over(world) {
        let olga = world.operator("olga").await;
        let mut old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let id = old.id.to_string();
        let mut customers = Vec::new();
        for number in 0..12 {
            customers.push(world.customer(&format!("c{number}")).await);
            customers[number].pod("Frankfurt").await;
        }
        olga.api().start_draining(&id).await.unwrap();
        drain(&world.context).await.unwrap();
        let view = olga.api().get_node(&id).await.unwrap();
        assert_eq!(view.troubles, [NodeTrouble::NowhereToDrain]);
        assert_eq!(view.drain.map(|it| (it.total, it.left)), Some((12, 12)));
        assert_eq!(olga.api().overview().await.unwrap().attention.len(), 1);

        let mut new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        for (left, moved) in [(2, 10), (0, 12), (0, 12)] {
            drain(&world.context).await.unwrap();
            let view = olga.api().get_node(&id).await.unwrap();
            assert_eq!(view.drain.map(|it| (it.total, it.left)), Some((12, left)));
            assert_eq!((view.moved_pods, view.troubles.len()), (moved, 0));
            assert_eq!(view.serves_moved_until, Some(world.context.now() + OVERLAP_MS));
        }
        wanted(&world, &new).await.ensure_sound().unwrap();
        let late = world.customer("late").await.pod("Frankfurt").await;
        assert!(wanted(&world, &new).await.pods.contains_key(&late), "no new pod on a drained node");

        let retire = async || olga.api().retire_node(&id, RetireNode::default()).await;
        assert!(is_invalid(&retire().await, "node"), "it still serves");
        world.clock.advance(OVERLAP_MS);
        new.report(&world).await;
        end_overlaps(&world.context).await.unwrap();
        old.report(&world).await;
        assert!(wanted(&world, &old).await.pods.is_empty());
        retire().await.unwrap();
        assert_eq!(wanted(&world, &new).await.pods.len(), 13);
    }

    async fn draining_is_stopped_and_begun_as_often_as_one_likes(world) {
        let olga = world.operator("olga").await;
        let old = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        world.node_in(&olga, "fra 2", "Frankfurt").await;
        let (api, id) = (olga.api(), old.id.to_string());
        for _ in 0..2 {
            api.start_draining(&id).await.unwrap();
        }
        for _ in 0..2 {
            api.stop_draining(&id).await.unwrap();
        }
        drain(&world.context).await.unwrap();
        assert!(wanted(&world, &old).await.pods.contains_key(&pod));
        let view = api.get_node(&id).await.unwrap();
        assert_eq!((view.drain, view.pods_total, view.moved_pods), (None, 1, 0));
        let names = outbox::names(&world.context).await;
        let drains: Vec<_> = names.iter().filter(|it| it.starts_with("node.drain")).collect();
        assert_eq!(drains, ["node.drain_started", "node.drain_stopped"]);

        for unknown in ["node_nobody", "node_00000000000000000000000000000001"] {
            assert_eq!(api.start_draining(unknown).await, Err(not_found("node")));
            assert_eq!(api.stop_draining(unknown).await, Err(not_found("node")));
        }
        assert_eq!(ana.api().start_draining(&id).await, Err(PortalError::NotAllowed));
        assert_eq!(ana.api().stop_draining(&id).await, Err(PortalError::NotAllowed));
    }

    async fn a_location_whose_only_node_is_drained_is_not_offered(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id.to_string();
        let ana = world.customer("ana").await;
        let location = world.location("Frankfurt").await.to_string();
        olga.api().start_draining(&node).await.unwrap();
        assert_eq!(ana.api().home().await.unwrap().locations, []);
        let input = myrelay_app::contract::CreatePod { location };
        assert_eq!(ana.api().create_pod(input).await, Err(not_found("location")));
    }

    async fn a_node_that_is_lost_is_given_up_by_its_name(world) {
        let olga = world.operator("olga").await;
        let lost = world.node_in(&olga, "fra 1", "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let pod = ana.pod("Frankfurt").await;
        let gone = bob.pod("Frankfurt").await;
        bob.api().delete_pod(&gone.to_string()).await.unwrap();
        world.clock.advance(AWAY_MS);
        let new = world.node_in(&olga, "fra 2", "Frankfurt").await;
        let id = lost.id.to_string();
        let retire = async |name: &str| {
            olga.api().retire_node(&id, RetireNode { name: name.to_owned() }).await
        };
        assert!(is_invalid(&retire("fra 1").await, "node"), "a pod is on it");
        olga.api().start_draining(&id).await.unwrap();
        drain(&world.context).await.unwrap();
        assert!(is_invalid(&retire("").await, "name"));
        assert!(is_invalid(&retire("fra 2").await, "name"));
        for _ in 0..2 {
            retire(" fra 1 ").await.unwrap();
        }
        assert_eq!(olga.api().get_node(&id).await.unwrap().state, NodeState::Retired);
        let moved = ana.api().get_pod(&pod.to_string()).await.unwrap().moved.unwrap();
        assert_eq!(moved.ends_at, None, "who has not followed is told so");
        assert!(wanted(&world, &new).await.pods.contains_key(&pod));
        assert_eq!(ranges(&world).await, [1, 2], "what it was to forget rests");
        bob.pod("Frankfurt").await;
        assert_eq!(ranges(&world).await, [2, 3]);
        world.clock.advance(REST_MS);
        world.customer("carl").await.pod("Frankfurt").await;
        assert_eq!(ranges(&world).await, [3, 3]);
    }
}
