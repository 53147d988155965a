//! Stories about devices.

use futures::future::join_all;
use myrelay_app::contract::{AddPeer, ConnectionView, PeerContract, PodContract, PortalError};

use super::add_peer as add;
use crate::{
    context::Caller,
    desired_state, outbox,
    testing::{add_peer, pod_key, public_key, stories},
};

fn not_found(what: &str) -> PortalError {
    PortalError::NotFound { what: what.to_owned() }
}

stories! {
    async fn a_customer_adds_a_device_and_gets_everything_but_the_private_key(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        node.report(&world).await;
        let added = ana.device(pod, 1).await;
        assert_eq!((added.location.as_str(), added.peer.applied), ("Frankfurt", false));
        let config = added.config.unwrap();
        assert_eq!(config.endpoint, "frankfurt.example.org:51820");
        assert_eq!((config.pod_key, config.mtu), (pod_key(pod), 1420));
        assert_eq!(config.addresses.v4.to_string(), "10.64.0.2");
        assert!(config.addresses.v6.to_string().ends_with("::2"), "{}", config.addresses.v6);
        assert_eq!(config.dns, world.context.settings.client_dns);

        let state = desired_state::snapshot(&world.context, node.id).await.unwrap();
        let peer = &state.pods[&pod].peers[&added.peer.id];
        assert_eq!((peer.public_key, peer.addresses), (public_key(1), config.addresses));
        node.report(&world).await;
        let again = ana.api().get_peer(&added.peer.id.to_string()).await.unwrap();
        assert!(again.peer.applied);
        let by_config = ana.api().client_config(&added.peer.id.to_string()).await.unwrap();
        assert_eq!(Some(by_config), again.config);
        let view = ana.api().get_pod(&pod.to_string()).await.unwrap();
        assert_eq!(view.devices, [again.peer]);
        assert_eq!(outbox::names(&world.context).await.last().unwrap(), "peer.added");
    }

    async fn a_key_twice_in_one_pod_is_refused_and_changes_nothing(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let pod = ana.pod("Frankfurt").await;
        ana.device(pod, 1).await;
        let before = desired_state::snapshot(&world.context, node).await.unwrap();
        let again = ana.api().add_peer(add_peer(pod, 1)).await;
        assert!(matches!(again, Err(PortalError::Invalid { field, .. }) if field == "public_key"));
        let after = desired_state::snapshot(&world.context, node).await.unwrap();
        assert_eq!(after, before);
        // Another account learns nothing of it.
        let other = bob.pod("Frankfurt").await;
        bob.device(other, 1).await;
    }

    async fn bad_keys_and_names_are_refused_by_field(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let good = add_peer(pod, 1);
        let key = |public_key: &str| AddPeer { public_key: public_key.to_owned(), ..good.clone() };
        let name = |name: &str| AddPeer { name: name.to_owned(), ..good.clone() };
        let long = "n".repeat(65);
        for (input, expected) in [
            (key(""), "public_key"),
            (key("AAAA"), "public_key"),
            (key("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "public_key"),
            (key("hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmp="), "public_key"),
            (key("hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo="), "public_key"),
            (name(""), "name"),
            (name("phone\n[Peer]"), "name"),
            (name("a\0"), "name"),
            (name(&long), "name"),
        ] {
            let refused = ana.api().add_peer(input.clone()).await;
            let Err(PortalError::Invalid { field, message }) = refused else {
                panic!("{input:?} gave {refused:?}")
            };
            assert_eq!(field, expected, "{input:?}: {message}");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM peers").await, 0);
    }

    async fn another_accounts_pod_and_device_do_not_exist(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let pod = ana.pod("Frankfurt").await;
        let peer = ana.device(pod, 1).await.peer.id.to_string();
        assert_eq!(bob.api().add_peer(add_peer(pod, 2)).await, Err(not_found("pod")));
        assert_eq!(bob.api().get_peer(&peer).await, Err(not_found("device")));
        assert_eq!(bob.api().client_config(&peer).await, Err(not_found("device")));
        assert_eq!(bob.api().remove_peer(&peer).await, Err(not_found("device")));
        assert_eq!(bob.api().check_connection(&peer).await, Err(not_found("device")));
        assert_eq!(olga.api().remove_peer(&peer).await, Err(PortalError::NotAllowed));
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.remove_peer(&peer).await, Err(PortalError::SignedOut));
        for unknown in ["", "peer_1", "peer_00000000000000000000000000000001"] {
            assert_eq!(ana.api().get_peer(unknown).await, Err(not_found("device")));
            assert_eq!(ana.api().remove_peer(unknown).await, Err(not_found("device")));
        }
        assert!(ana.api().get_peer(&peer).await.is_ok());
    }

    async fn the_plan_has_so_many_devices_also_when_they_come_at_once(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let all = (1..=8).map(|n| add(&world.context, ana.caller, add_peer(pod, n)));
        let done = join_all(all).await;
        assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 5);
        let refused = done.iter().filter(|it| matches!(it, Err(crate::Error::Limit(_)))).count();
        assert_eq!(refused, 3);
        assert_eq!(world.count("SELECT COUNT(DISTINCT host) FROM peers").await, 5);
    }

    async fn a_removed_device_is_gone_and_its_address_is_free(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let (one, two) = (ana.device(pod, 1).await.peer, ana.device(pod, 2).await.peer);
        ana.api().remove_peer(&one.id.to_string()).await.unwrap();
        let twice = ana.api().remove_peer(&one.id.to_string()).await;
        assert_eq!(twice, Err(not_found("device")));
        let state = desired_state::snapshot(&world.context, node).await.unwrap();
        assert_eq!(state.pods[&pod].peers.keys().collect::<Vec<_>>(), [&two.id]);
        assert_eq!(ana.device(pod, 3).await.peer.addresses, one.addresses);
        assert_eq!(outbox::names(&world.context).await.iter().filter(|it| *it == "peer.removed").count(), 1);
    }

    async fn a_question_to_a_node_that_is_away_is_answered_so(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let peer = ana.device(pod, 1).await.peer.id.to_string();
        let answer = ana.api().check_connection(&peer).await.unwrap();
        assert_eq!(answer, ConnectionView::NodeAway);
    }
}
