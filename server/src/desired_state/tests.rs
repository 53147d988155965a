//! Stories about what nodes are told and what they say.

use std::{pin::Pin, time::Duration};

use futures::{Stream, StreamExt};
use myrelay_app::contract::{ConnectionView, NodeContract, PeerContract, PodContract, RetireNode};
use myrelay_domain::ids::PodId;
use myrelay_node_protocol::{
    CheckAnswer, CheckOutcome, DesiredState, Epoch, Generation, ObservedPod, StateMessage,
};

use super::{answer, next, observe, snapshot, stream};
use crate::{
    Error,
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
