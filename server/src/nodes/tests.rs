//! Stories about adding, enrolling, renewing and retiring nodes.

use std::time::Duration;

use futures::future::join_all;
use myrelay_app::contract::{
    AddNode, NodeContract, NodeState, OperatorContract, PortalError, RetireNode,
};
use myrelay_node_protocol::{Generation, JoinToken, RenewRequest};

use super::{
    AWAY_MS, JOIN_MS, identify, is_latest_stream, leave, meet, renew, store,
    trust::{LATE_MS, REMEMBERED_RUNS},
};
use crate::{
    Error,
    context::Caller,
    desired_state::enrol,
    outbox,
    testing::{World, csr_pem, enrol_request, join_token, stories},
};

fn add(name: &str, location: &str, endpoint: &str) -> AddNode {
    AddNode { name: name.to_owned(), location: location.to_owned(), endpoint: endpoint.to_owned() }
}

fn is_invalid<T>(result: &Result<T, Error>, expected: &str, words: &str) -> bool {
    matches!(result, Err(Error::Invalid { field, message })
        if *field == expected && message.contains(words))
}

async fn key_hash(world: &World, node: myrelay_domain::ids::NodeId) -> String {
    let keys = store::find_keys(world.context.database.read(), node).await.unwrap().unwrap();
    keys.current.unwrap()
}

stories! {
    async fn an_operator_adds_a_node_and_its_agent_joins(world) {
        let olga = world.operator("olga").await;
        let join = olga.api().add_node(add("fra-1", "Frankfurt", "fra1.example.org")).await.unwrap();
        let line = "myrelay-agent join https://vpn.example.org:8441 --token ";
        let token: JoinToken = join.line.strip_prefix(line).unwrap().parse().unwrap();
        assert_eq!(token.node, join.node);
        assert_eq!(token.ca, world.context.authority.ca_hash());
        let node = olga.api().get_node(&join.node.to_string()).await.unwrap();
        assert_eq!((node.state, node.join_expires_at), (NodeState::Awaiting, Some(join.expires_at)));

        let enrolled = enrol(&world.context, enrol_request(&token.redeem())).await.unwrap();
        assert_eq!(enrolled.node, join.node);
        let hash = key_hash(&world, join.node).await;
        assert_eq!(identify(&world.context, &hash, join.node).await.unwrap(), join.node);
        let node = olga.api().get_node(&join.node.to_string()).await.unwrap();
        assert_eq!((node.state, node.join_expires_at), (NodeState::Away, None));
        assert_eq!(
            outbox::names(&world.context).await,
            ["operator.created", "node.added", "node.joined"]
        );
    }

    async fn two_nodes_share_a_location_and_not_a_name(world) {
        let olga = world.operator("olga").await;
        olga.api().add_node(add("fra-1", "Frankfurt", "192.0.2.1")).await.unwrap();
        olga.api().add_node(add("fra-2", "Frankfurt", "2001:db8::2")).await.unwrap();
        let again = olga.api().add_node(add("fra-1", "Berlin", "192.0.2.3")).await;
        assert!(matches!(again, Err(PortalError::Invalid { field, .. }) if field == "name"));
        assert_eq!(world.count("SELECT COUNT(*) FROM locations").await, 1, "nothing half done");
        assert_eq!(olga.api().list_nodes().await.unwrap().len(), 2);
    }

    async fn bad_input_names_its_field(world) {
        let olga = world.operator("olga").await;
        for (input, expected) in [
            (add("", "Frankfurt", "192.0.2.1"), "name"),
            (add("a\nb", "Frankfurt", "192.0.2.1"), "name"),
            (add("fra-1", " ", "192.0.2.1"), "location"),
            (add("fra-1", "Frankfurt", "192.0.2.1:51820"), "endpoint"),
            (add("fra-1", "Frankfurt", "a\nPostUp = x"), "endpoint"),
        ] {
            let refused = olga.api().add_node(input).await;
            assert!(matches!(refused, Err(PortalError::Invalid { field, .. }) if field == expected));
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM nodes").await, 0);
    }

    async fn a_join_line_works_once_in_time_and_as_it_was_given(world) {
        let olga = world.operator("olga").await;
        let join = olga.api().add_node(add("fra-1", "Frankfurt", "192.0.2.1")).await.unwrap();
        let token = join_token(&join.line);
        let wrong = format!("{}.{}", join.node, world.context.new_token().expose());
        let refused = enrol(&world.context, enrol_request(&wrong)).await;
        assert!(is_invalid(&refused, "token", "not known"));
        let refused = enrol(&world.context, enrol_request("nonsense")).await;
        assert!(is_invalid(&refused, "token", "copy the whole line"));

        let bad_csr = myrelay_node_protocol::EnrolRequest {
            csr_pem: "no request".to_owned(),
            ..enrol_request(&token)
        };
        let refused = enrol(&world.context, bad_csr).await;
        assert!(is_invalid(&refused, "csr_pem", ""));
        enrol(&world.context, enrol_request(&token)).await.expect("a refused try uses nothing up");
        let refused = enrol(&world.context, enrol_request(&token)).await;
        assert!(is_invalid(&refused, "token", "used already"));

        let join = olga.api().renew_join(&join.node.to_string()).await.unwrap();
        world.clock.advance(JOIN_MS);
        let refused = enrol(&world.context, enrol_request(&join_token(&join.line))).await;
        assert!(is_invalid(&refused, "token", "is over"));
    }

    async fn two_agents_with_one_identity_are_noticed_and_joining_anew_settles_it(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await;
        let [one, two, three] = ["1", "2", "3"].map(|it| it.repeat(32));
        meet(&world.context, node.id, &one).await.unwrap();
        meet(&world.context, node.id, &one).await.expect("it dials again");
        meet(&world.context, node.id, &two).await.expect("it was restarted");
        meet(&world.context, node.id, &three).await.expect("and once more");
        for nonsense in ["", "xyz", &"g".repeat(32), &"1".repeat(33)] {
            assert!(is_invalid(&meet(&world.context, node.id, nonsense).await, "instance", ""));
        }
        // It dials once more: that may have been sent before it was replaced. And once more.
        assert!(matches!(meet(&world.context, node.id, &two).await, Err(Error::Replaced)));
        world.clock.advance(LATE_MS);
        assert!(matches!(meet(&world.context, node.id, &two).await, Err(Error::Quarantined)));
        let told = "SELECT COUNT(*) FROM outbox WHERE kind = 'node.quarantined'";
        assert_eq!(world.count(told).await, 1);
        for run in [&two, &three] {
            assert!(matches!(meet(&world.context, node.id, run).await, Err(Error::Quarantined)));
        }
        assert_eq!(world.count(told).await, 1, "once");

        let join = olga.api().renew_join(&node.id.to_string()).await.unwrap();
        enrol(&world.context, enrol_request(&join_token(&join.line))).await.unwrap();
        meet(&world.context, node.id, &two).await.expect("whoever joins is believed");
        olga.api().retire_node(&node.id.to_string(), RetireNode::default()).await.unwrap();
        assert!(matches!(meet(&world.context, node.id, &two).await, Err(Error::Retired)));
    }

    async fn a_late_request_of_an_earlier_run_changes_nothing(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let context = &world.context;
        let run = |number: u32| format!("{number:032x}");
        for number in 0..REMEMBERED_RUNS + 20 {
            meet(context, node, &run(number.try_into().unwrap())).await.unwrap();
            world.clock.advance(1);
        }
        let newest = u32::try_from(REMEMBERED_RUNS + 19).unwrap();
        let stream = meet(context, node, &run(newest)).await.unwrap();
        for earlier in [newest - 1, newest - 2, newest - 100] {
            // What waited in a portal arrives all at once.
            for _ in 0..3 {
                let late = meet(context, node, &run(earlier)).await;
                assert!(matches!(late, Err(Error::Replaced)), "{earlier}");
            }
        }
        assert!(is_latest_stream(context, node, stream).await.unwrap(), "it is not disturbed");
        let remembered = world.count("SELECT COUNT(*) FROM node_runs").await;
        assert_eq!(remembered, REMEMBERED_RUNS);
        world.clock.advance(60 * LATE_MS);
        meet(context, node, &run(newest)).await.expect("nor is it later");
        meet(context, node, &run(newest + 1)).await.expect("it is restarted");
        let late = meet(context, node, &run(newest)).await;
        assert!(matches!(late, Err(Error::Replaced)));
        let told = "SELECT COUNT(*) FROM outbox WHERE kind = 'node.quarantined'";
        assert_eq!(world.count(told).await, 0);
    }

    async fn a_node_is_away_when_its_latest_stream_ends_and_not_before(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let run = "1".repeat(32);
        let first = meet(&world.context, node, &run).await.unwrap();
        let second = meet(&world.context, node, &run).await.unwrap();
        let state = async || olga.api().list_nodes().await.unwrap()[0].state;
        leave(&world.context, node, first).await.unwrap();
        assert_eq!(state().await, NodeState::InContact);
        leave(&world.context, node, second).await.unwrap();
        assert_eq!(state().await, NodeState::Away);
    }

    async fn of_fifty_redemptions_of_one_line_one_gets_a_certificate(world) {
        let olga = world.operator("olga").await;
        let join = olga.api().add_node(add("fra-1", "Frankfurt", "192.0.2.1")).await.unwrap();
        let token = join_token(&join.line);
        let done = join_all((0..50).map(|_| enrol(&world.context, enrol_request(&token)))).await;
        assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1);
    }

    async fn a_renewed_certificate_and_the_one_that_asked_are_known_and_older_ones_are_not(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let first = key_hash(&world, node).await;
        let known = async |hash: &str| identify(&world.context, hash, node).await;
        let next = async |asked_with: &str| {
            let request = RenewRequest { csr_pem: csr_pem() };
            renew(&world.context, node, asked_with, request).await.unwrap();
            key_hash(&world, node).await
        };
        // The answers to two of these are lost: the agent asks again with what it has.
        let lost = next(&first).await;
        next(&first).await;
        let second = next(&first).await;
        assert!(known(&first).await.is_ok() && known(&second).await.is_ok());
        assert!(matches!(known(&lost).await, Err(Error::Refused(_))));
        let third = next(&second).await;
        assert!(known(&second).await.is_ok() && known(&third).await.is_ok());
        assert!(matches!(known(&first).await, Err(Error::Refused(_))));
        let stranger = world.node(&olga, "Berlin").await.id;
        let other = identify(&world.context, &third, stranger).await;
        assert!(matches!(other, Err(Error::Refused(_))), "a certificate of another node");
    }

    async fn a_retired_node_is_refused_and_one_with_pods_is_not_retired(world) {
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let hash = key_hash(&world, node).await;
        let pod = ana.pod("Frankfurt").await;
        let refused = olga.api().retire_node(&node.to_string(), RetireNode::default()).await;
        assert!(matches!(refused, Err(PortalError::Invalid { field, .. }) if field == "node"));

        use myrelay_app::contract::PodContract;
        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        for _ in 0..2 {
            olga.api().retire_node(&node.to_string(), RetireNode::default()).await.unwrap();
        }
        assert!(matches!(identify(&world.context, &hash, node).await, Err(Error::Retired)));
        assert!(olga.api().renew_join(&node.to_string()).await.is_err());
        assert_eq!(olga.api().list_nodes().await.unwrap()[0].state, NodeState::Retired);
        assert!(crate::nodes::locations(&world.context).await.unwrap().is_empty());
    }

    async fn a_silent_node_is_away_and_needs_attention(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let state = async || olga.api().list_nodes().await.unwrap()[0].state;
        assert_eq!(state().await, NodeState::InContact);
        assert_eq!(olga.api().overview().await.unwrap().attention, []);
        world.clock.advance(AWAY_MS);
        assert_eq!(state().await, NodeState::Away);
        assert_eq!(olga.api().overview().await.unwrap().attention.len(), 1);
        node.report(&world).await;
        assert_eq!(state().await, NodeState::InContact);
    }

    async fn only_operators_see_and_change_nodes(world) {
        let olga = world.operator("olga").await;
        let ana = world.customer("ana").await;
        let node = world.node(&olga, "Frankfurt").await.id.to_string();
        for (api, error) in [
            (ana.api(), PortalError::NotAllowed),
            (world.api(Caller::Visitor), PortalError::SignedOut),
        ] {
            assert_eq!(api.list_nodes().await.unwrap_err(), error);
            assert_eq!(api.get_node(&node).await.unwrap_err(), error);
            assert_eq!(api.add_node(add("x", "x", "x.org")).await.err(), Some(error.clone()));
            assert_eq!(api.renew_join(&node).await.err(), Some(error.clone()));
            assert_eq!(api.retire_node(&node, RetireNode::default()).await.unwrap_err(), error);
            assert_eq!(api.list_pods(None).await.unwrap_err(), error);
        }
        let missing = olga.api().get_node("node_nobody").await;
        assert_eq!(missing.unwrap_err(), PortalError::NotFound { what: "node".to_owned() });
    }

    async fn whoever_waits_for_a_generation_is_told_when_it_is_applied(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await.id;
        let connections = &world.context.connections;
        let mut listener = connections.listen_applied(node);
        let wait = listener.reaches(Generation(7), Duration::from_secs(30));
        let tell = async {
            connections.applied(node, Generation(6));
            tokio::task::yield_now().await;
            connections.applied(node, Generation(7));
        };
        let (done, ()) = tokio::join!(wait, tell);
        assert!(done);
    }
}
