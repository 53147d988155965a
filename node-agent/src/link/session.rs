//! One stream from dialing to its end: what comes in, and what goes out meanwhile.

use std::{convert::Infallible, sync::Arc, time::Duration};

use futures::StreamExt;
use myrelay_domain::{ids::PodId, keys::PublicKey};
use myrelay_node_protocol::{
    CheckAnswer, CheckOutcome, Digest, Epoch, Generation, StateError, StateMessage,
};
use tokio::sync::mpsc;

use super::{Connection, LinkError, connection::Stream, lines::Lines, of_node, report};
use crate::{faults::Part, node::Node};

/// More questions than that at once are not answered: the portal asks again.
const QUESTIONS: usize = 64;
/// How many are looked up at the same time.
const LOOKUPS: usize = 8;
/// A WireGuard session ends this long after its handshake (REJECT_AFTER_TIME, WireGuard paper,
/// section 6.1).
const SESSION_LIFE: Duration = Duration::from_secs(180);

/// A device whose owner asks whether it is connected.
struct Question {
    request: String,
    pod: PodId,
    public_key: PublicKey,
}

/// Dials, listens, reports and answers until something ends it. With `everything` the portal
/// starts with a snapshot.
pub(crate) async fn hold(node: &Arc<Node>, everything: bool) -> Result<Infallible, LinkError> {
    let identity = node.identity();
    let config = of_node(&identity, &node.system)?;
    let connection = Connection::dial(&identity.portal, config).await?;
    let (Epoch(epoch), Generation(have)) = if everything {
        Default::default()
    } else {
        node.wanted().map(|it| it.version()).unwrap_or_default()
    };
    let from = format!("/v1/state?epoch={epoch}&have={have}&instance={}", node.instance);
    let stream = connection.stream(&from).await?;
    node.connected();
    let (ask, asked) = mpsc::channel(QUESTIONS);
    tokio::select! {
        ended = listen(node, stream, ask) => ended,
        ended = report::send_for_ever(node) => ended,
        ended = answer_all(node, asked) => ended,
    }
}

async fn listen(
    node: &Arc<Node>,
    stream: Stream,
    ask: mpsc::Sender<Question>,
) -> Result<Infallible, LinkError> {
    let mut lines = Lines::new(stream);
    loop {
        let taken = match lines.next(node.pace.silence).await? {
            StateMessage::Snapshot { state } => node.take_whole(state).await,
            StateMessage::Delta { delta } => node.take_delta(delta).await,
            StateMessage::Heartbeat { epoch, generation, digest } => {
                compare(node, (epoch, generation), &digest)
            }
            StateMessage::Check { request, pod, public_key } => {
                if ask.try_send(Question { request, pod, public_key }).is_err() {
                    tracing::warn!("too many questions at once: one is left unanswered");
                }
                continue;
            }
        };
        match taken {
            // Nothing of it was taken, and the next message may be a newer one.
            Err(error @ LinkError::State(StateError::Older { .. })) => node.note(&error),
            Err(error) => {
                if let Some(fault) = not_taken(&error) {
                    node.faults.set(Part::Wanted, Some(fault));
                    // The stream ends with this, and the reports end with the stream.
                    report::send_now(node).await;
                }
                return Err(error);
            }
            Ok(()) => {
                node.faults.set(Part::Wanted, None);
                node.all_well();
            }
        }
    }
}

/// What the operator should know of a state that is not applied.
fn not_taken(error: &LinkError) -> Option<String> {
    match error {
        LinkError::State(StateError::Malformed { pod, fault }) => Some(format!(
            "the portal's newest state is not applied, pod {pod} makes no sense: {fault}. What was \
             applied before is served on"
        )),
        LinkError::File(error) => Some(format!(
            "the portal's newest state is not applied, the disk does not take it: {error}. What was \
             applied before is served on; make room or repair the disk"
        )),
        _ => None,
    }
}

/// Compares what the portal thinks this node should have with what it knows.
fn compare(node: &Node, theirs: (Epoch, Generation), digest: &Digest) -> Result<(), LinkError> {
    let ours = node.wanted().unwrap_or_default();
    let have = ours.version();
    if theirs < have {
        return Err(StateError::Older { have, got: theirs }.into());
    }
    if have < theirs {
        return Err(StateError::Gap { have, after: theirs.1 }.into());
    }
    if ours.digest() == *digest { Ok(()) } else { Err(LinkError::Drifted) }
}

async fn answer_all(
    node: &Arc<Node>,
    asked: mpsc::Receiver<Question>,
) -> Result<Infallible, LinkError> {
    let questions = futures::stream::unfold(asked, async |mut asked| {
        let question = asked.recv().await?;
        Some((question, asked))
    });
    questions.for_each_concurrent(LOOKUPS, |question| answer(node, question)).await;
    // The questions end only when the stream does.
    Err(LinkError::Closed)
}

async fn answer(node: &Arc<Node>, question: Question) {
    let Some(outcome) = outcome(node, &question).await else { return };
    let answer = CheckAnswer { request: question.request, outcome };
    if let Err(error) = node.post::<_, ()>("/v1/answers", &answer).await {
        tracing::warn!(%error, "an answer did not reach the portal");
    }
}

async fn outcome(node: &Node, question: &Question) -> Option<CheckOutcome> {
    let wanted = node.wanted().unwrap_or_default();
    let pod = wanted.pods.get(&question.pod);
    let known = pod.filter(|pod| pod.peers.values().any(|it| it.public_key == question.public_key));
    let Some(pod) = known else { return Some(CheckOutcome::UnknownPeer) };
    match node.backend.handshake_age(&pod.interface, &question.public_key).await {
        Ok(Some(age)) if age < SESSION_LIFE => Some(CheckOutcome::Connected),
        Ok(_) => Some(CheckOutcome::NotConnected),
        Err(error) => {
            tracing::warn!(%error, pod = %question.pod, "a question has no answer");
            None
        }
    }
}
