//! Stories about what nodes are told and what they say.

use std::{pin::Pin, time::Duration};

use futures::{Stream, StreamExt};
use myrelay_app::contract::{
    ConnectionView, NodeContract, NodeState, NodeTrouble, OperatorContract, PeerContract,
    PodContract, PortalError, RetireNode,
};
use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{
    CheckAnswer, CheckOutcome, DesiredState, Epoch, Generation, HardeningItem, HardeningState,
    ObservedPod, ObservedState, StateMessage, Verdict,
};

use super::{answer, next, observe, snapshot, stream};
use crate::{
    Error,
    context::Context,
    nodes,
    testing::{TestNode, World, public_key, stories},
};

/// The one run of the agent.
const RUN: &str = "00112233445566778899aabbccddeeff";

/// A stream as an agent sees it, with the agent's state.
struct Listener {
    lines: Pin<Box<dyn Stream<Item = StateMessage> + Send>>,
    state: DesiredState,
}

impl Listener {
    async fn open(world: &World, node: &TestNode, state: DesiredState) -> Self {
        let (epoch, have) = state.version();
        let lines = stream(world.context.clone(), node.id, RUN, epoch, have).await.unwrap();
        Self { lines: Box::pin(lines), state }
    }

    async fn line(&mut self) -> Option<StateMessage> {
        tokio::time::timeout(Duration::from_secs(20), self.lines.next()).await.unwrap()
    }

    /// Takes lines until the agent has this generation.
    async fn reach(&mut self, generation: Generation) {
        while self.state.generation < generation {
            match self.line().await.expect("the stream goes on") {
                StateMessage::Snapshot { state } => drop(self.state.replace(state).unwrap()),
                StateMessage::Delta { delta } => drop(self.state.advance(delta).unwrap()),
                StateMessage::Heartbeat { .. } | StateMessage::Check { .. } => {}
            }
        }
    }
}

async fn wanted(world: &World, node: &TestNode) -> DesiredState {
    snapshot(&world.context, node.id).await.unwrap()
}

stories! {
    async fn a_stream_begins_with_everything_and_goes_on_with_what_changes(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let mut agent = Listener::open(&world, &node, DesiredState::default()).await;
        assert!(matches!(agent.line().await, Some(StateMessage::Snapshot { state })
            if state.pods.contains_key(&pod)));
        agent.state = wanted(&world, &node).await;

        let device = ana.device(pod, 1).await.peer.id;
        let Some(StateMessage::Delta { delta }) = agent.line().await else { panic!("a delta") };
        assert!(delta.pods[&pod].peers.contains_key(&device));
        agent.state.advance(delta).unwrap();
        ana.api().remove_peer(&device.to_string()).await.unwrap();
        ana.api().delete_pod(&pod.to_string()).await.unwrap();
        let now = wanted(&world, &node).await;
        agent.reach(now.generation).await;
        assert_eq!(agent.state, now);
        assert!(now.pods.is_empty());
    }

    async fn an_agent_that_comes_back_gets_only_what_it_lacks(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let (one, two) = (ana.pod("Frankfurt").await, bob.pod("Frankfurt").await);
        node.report(&world).await;
        let before = wanted(&world, &node).await;
        ana.device(one, 1).await;
        bob.api().delete_pod(&two.to_string()).await.unwrap();
        let after = wanted(&world, &node).await;
        let (epoch, have) = before.version();
        let Some(StateMessage::Delta { delta }) =
            next(&world.context, node.id, epoch, have).await.unwrap() else { panic!("a delta") };
        assert_eq!((delta.pods.len(), delta.removed.as_slice()), (1, [two].as_slice()));
        let mut state = before;
        state.advance(delta).unwrap();
        assert_eq!(state, after);
        let (epoch, have) = after.version();
        assert_eq!(next(&world.context, node.id, epoch, have).await.unwrap(), None);
    }

    async fn who_cannot_be_continued_from_gets_everything(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        ana.pod("Frankfurt").await;
        node.report(&world).await;
        let now = wanted(&world, &node).await;
        for (epoch, have) in [
            (Epoch(0), now.generation),
            (Epoch(9), now.generation),
            (now.epoch, Generation(0)),
            (now.epoch, Generation(now.generation.0 + 1)),
            // It said it had more than this: its disk was set back.
            (now.epoch, Generation(now.generation.0 - 1)),
        ] {
            let message = next(&world.context, node.id, epoch, have).await.unwrap();
            assert_eq!(message, Some(StateMessage::Snapshot { state: now.clone() }), "{have:?}");
        }
    }

    async fn a_second_stream_of_a_node_ends_the_first_and_retiring_ends_all(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await;
        let mut first = Listener::open(&world, &node, DesiredState::default()).await;
        first.line().await;
        let mut second = Listener::open(&world, &node, DesiredState::default()).await;
        assert_eq!(first.line().await, None);
        second.line().await;
        olga.api().retire_node(&node.id.to_string(), RetireNode::default()).await.unwrap();
        assert_eq!(second.line().await, None);
        let third = stream(world.context.clone(), node.id, RUN, Epoch(0), Generation(0)).await;
        assert!(matches!(third.err(), Some(Error::Retired)));
    }

    async fn what_ends_a_stream_on_one_portal_ends_it_on_the_others(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await;
        let other = world.another_portal().await;
        let open = async |context: &Context, run: &str| {
            let lines = stream(context.clone(), node.id, run, Epoch(0), Generation(0)).await;
            let mut agent =
                Listener { lines: Box::pin(lines.unwrap()), state: DesiredState::default() };
            assert!(matches!(agent.line().await, Some(StateMessage::Snapshot { .. })));
            agent
        };
        let ends = async |mut agent: Listener, why: &str| {
            let end = tokio::time::timeout(Duration::from_secs(30), agent.lines.next()).await;
            assert_eq!(end.ok(), Some(None), "{why}");
        };
        let in_contact =
            async || olga.api().list_nodes().await.unwrap()[0].state == NodeState::InContact;
        let [one, two] = ["1", "2"].map(|it| it.repeat(32));

        let first = open(&world.context, &one).await;
        let mut second = open(&other, &one).await;
        ends(first, "its agent opened another one there").await;
        let more = async { olga.api().set_resolver(&node.id.to_string(), "udp://192.0.2.1").await };
        more.await.unwrap();
        assert!(in_contact().await);
        // This portal goes on with the one that it has; nothing tells it of the change but its clock.
        let news = nodes::contact(&other, node.id).await.unwrap().generation;
        other.connections.wake(node.id, news);
        assert!(matches!(second.line().await, Some(StateMessage::Delta { .. })));

        let third = open(&world.context, &two).await;
        ends(second, "a new run came there").await;
        for _ in 0..2 {
            let late = stream(other.clone(), node.id, &one, Epoch(0), Generation(0)).await;
            assert!(matches!(late.err(), Some(Error::Replaced | Error::Quarantined)));
            world.clock.advance(60_000);
        }
        ends(third, "two agents ran with its identity").await;

        world.rejoin(&olga, node.id).await;
        let fourth = open(&other, &one).await;
        world.rejoin(&olga, node.id).await;
        ends(fourth, "it joined anew").await;
        let fifth = open(&other, &two).await;
        olga.api().retire_node(&node.id.to_string(), RetireNode::default()).await.unwrap();
        ends(fifth, "it was retired").await;
    }

    async fn a_device_is_checked_at_its_node_and_only_there(world) {
        let olga = world.operator("olga").await;
        let node = world.node(&olga, "Frankfurt").await;
        let other = world.node(&olga, "Lisbon").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let device = ana.device(pod, 1).await.peer.id.to_string();
        let mut agent = Listener::open(&world, &node, wanted(&world, &node).await).await;
        agent.line().await;
        let context = &world.context;
        let node_answers = async {
            let Some(StateMessage::Check { request, pod: asked, public_key: key }) =
                agent.line().await else { panic!("a question") };
            assert_eq!((asked, key), (pod, public_key(1)));
            let says = |outcome| CheckAnswer { request: request.clone(), outcome };
            answer(context, other.id, &says(CheckOutcome::NotConnected));
            answer(context, node.id, &says(CheckOutcome::Connected));
        };
        let api = ana.api();
        let (seen, ()) = tokio::join!(api.check_connection(&device), node_answers);
        assert_eq!(seen.unwrap(), ConnectionView::Connected);
        assert!(!world.stored_text().await.contains("Connected"), "it is stored nowhere");
    }

    async fn a_report_that_is_old_foreign_or_too_long_is_refused_whole(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let mut other = world.node(&olga, "Lisbon").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let good = node.observed(&world).await;
        observe(&world.context, node.id, good.clone()).await.unwrap();

        let refused = async |node: &TestNode, report| {
            observe(&world.context, node.id, report).await.unwrap_err().to_string()
        };
        assert!(refused(&node, good).await.contains("sequence"), "the same again");
        let mut foreign = other.observed(&world).await;
        let theirs = ObservedPod::serving(public_key(9));
        foreign.pods.insert(pod, theirs.clone());
        assert!(refused(&other, foreign).await.contains("pods"));
        let mut unknown = node.observed(&world).await;
        unknown.pods.insert("pod_00000000000000000000000000000001".parse::<PodId>().unwrap(), theirs);
        assert!(refused(&node, unknown).await.contains("pods"));
        let mut long = node.observed(&world).await;
        long.agent_version = "v".repeat(65);
        assert!(refused(&node, long).await.contains("agent_version"));
        let mut ahead = node.observed(&world).await;
        ahead.generation = Generation(u64::MAX / 2);
        assert!(refused(&node, ahead).await.contains("generation"), "what nobody wanted yet");
        let mut fault = node.observed(&world).await;
        fault.pods.get_mut(&pod).unwrap().fault = Some("f".repeat(301));
        assert!(refused(&node, fault).await.contains("fault"));
        node.report(&world).await;
    }

    async fn p14_a_report_says_no_more_than_a_report_may(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let before = olga.api().get_node(&node.id.to_string()).await.unwrap();
        let state = |detail: &str| HardeningState { verdict: Verdict::Weak, detail: detail.to_owned() };
        type Spoil = fn(&mut ObservedState);
        let tries: [(&str, Spoil); 8] = [
            ("faults", |it| it.faults = vec!["f".to_owned(); 21]),
            ("faults", |it| it.faults = vec!["é".repeat(301)]),
            ("faults", |it| it.faults = vec!["two\nlines".to_owned()]),
            ("faults", |it| it.faults = vec![String::new()]),
            ("foreign", |it| it.foreign = vec!["wg-0".to_owned(); 21]),
            ("foreign", |it| it.foreign = vec!["wg-0123456789abc".to_owned()]),
            ("foreign", |it| it.foreign = vec!["wg\u{1b}[2J".to_owned()]),
            ("backend", |it| it.backend = "kernel\0".to_owned()),
        ];
        for (field, spoil) in tries {
            let mut report = node.observed(&world).await;
            spoil(&mut report);
            let refused = observe(&world.context, node.id, report).await.unwrap_err().to_string();
            assert!(refused.contains(field), "{field}: {refused}");
        }
        for detail in ["d".repeat(301), "a\tb".to_owned()] {
            let mut report = node.observed(&world).await;
            report.hardening.insert(HardeningItem::Sysctl, state(&detail));
            let refused = observe(&world.context, node.id, report).await.unwrap_err().to_string();
            assert!(refused.contains("hardening"), "{refused}");
        }
        assert_eq!(olga.api().get_node(&node.id.to_string()).await.unwrap(), before);

        let mut full = node.observed(&world).await;
        full.faults = vec!["é".repeat(300); 20];
        full.foreign = vec!["wg-0123456789ab".to_owned(); 20];
        full.hardening = HardeningItem::ALL.map(|it| (it, state(&"d".repeat(300)))).into();
        full.clock_ms = i64::MIN;
        observe(&world.context, node.id, full).await.unwrap();
        let view = olga.api().get_node(&node.id.to_string()).await.unwrap();
        assert_eq!((view.faults.len(), view.foreign.len(), view.hardening.len()), (20, 20, 6));
        let troubles = [
            NodeTrouble::Faults(20),
            NodeTrouble::ClockSkew(i64::MIN),
            NodeTrouble::WeakHardening(6),
        ];
        assert_eq!(view.troubles, troubles);
    }

    async fn what_a_node_says_of_itself_is_seen_by_the_operator(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let troubles = async || olga.api().list_nodes().await.unwrap()[0].troubles.clone();
        for (skew, seen) in [(60_000, vec![]), (-60_001, vec![NodeTrouble::ClockSkew(-60_001)])] {
            let mut report = node.observed(&world).await;
            report.clock_ms += skew;
            observe(&world.context, node.id, report).await.unwrap();
            assert_eq!(troubles().await, seen);
        }
        let mut report = node.observed(&world).await;
        report.faults = vec!["no uplink".to_owned()];
        let fine = HardeningState { verdict: Verdict::Unknown, detail: String::new() };
        report.hardening.insert(HardeningItem::Fail2ban, fine);
        observe(&world.context, node.id, report).await.unwrap();
        assert_eq!(troubles().await, [NodeTrouble::Faults(1)]);
        let overview = olga.api().overview().await.unwrap();
        assert_eq!(overview.attention[0].troubles, [NodeTrouble::Faults(1)]);
        node.report(&world).await;
        assert_eq!(olga.api().overview().await.unwrap().attention, []);
    }

    async fn a_nodes_resolvers_are_its_own_or_the_deployments(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let device = ana.device(pod, 1).await.peer.id.to_string();
        node.report(&world).await;
        let dns = async || ana.api().client_config(&device).await.unwrap().dns;
        let configured = world.context.settings.client_dns.clone();
        assert_eq!((wanted(&world, &node).await.resolver, dns().await), (None, configured.clone()));

        let (api, id) = (olga.api(), node.id.to_string());
        let before = wanted(&world, &node).await.generation.0;
        let quad9 = "tls://9.9.9.9#dns.quad9.net, udp://192.0.2.1";
        for _ in 0..2 {
            api.set_resolver(&id, " tls://9.9.9.9#DNS.quad9.net\nudp://192.0.2.1:53, ").await.unwrap();
        }
        let state = wanted(&world, &node).await;
        assert_eq!(state.generation.0, before + 1, "twice changes nothing more");
        assert_eq!(state.resolver.unwrap().upstreams().len(), 2);
        assert_eq!(api.get_node(&id).await.unwrap().resolver, quad9);
        assert_eq!(dns().await, state.pods[&pod].range.node().all());

        for bad in ["9.9.9.9", "tls://9.9.9.9", "udp://192.0.2.1,udp://192.0.2.1", "rm -rf /"] {
            let refused = api.set_resolver(&id, bad).await;
            assert!(matches!(refused, Err(PortalError::Invalid { field, .. }) if field == "upstreams"));
        }
        let missing = api.set_resolver("node_nobody", "").await;
        assert_eq!(missing, Err(PortalError::NotFound { what: "node".to_owned() }));
        assert_eq!(ana.api().set_resolver(&id, "").await, Err(PortalError::NotAllowed));
        api.set_resolver(&id, "").await.unwrap();
        assert_eq!((wanted(&world, &node).await.resolver, dns().await), (None, configured));

        let before = wanted(&world, &node).await.generation;
        nodes::settle_resolver(&world.context).await.unwrap();
        assert_eq!(wanted(&world, &node).await.generation, before, "as it was at the last start");
    }

    async fn a_report_of_another_epoch_confirms_nothing(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let device = ana.device(pod, 1).await.peer.id.to_string();
        let mut report = node.observed(&world).await;
        report.epoch = Epoch(9);
        observe(&world.context, node.id, report).await.unwrap();
        assert!(!ana.api().get_peer(&device).await.unwrap().peer.applied);
    }
}
