//! Which nodes are connected to this process, who waits for them, and what they are asked.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use myrelay_domain::{
    ids::{NodeId, PodId},
    keys::PublicKey,
};
use myrelay_node_protocol::{CheckAnswer, CheckOutcome, Generation, StateMessage};
use tokio::sync::{mpsc, oneshot, watch};

/// Questions that may wait on one stream.
const QUESTIONS: usize = 16;

/// The streams of this process. Everything in here may be lost: states are rows, and these are
/// only hints that a row changed. Cheap to clone.
#[derive(Clone, Default)]
pub struct Connections(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    streams: HashMap<NodeId, Stream>,
    applied: HashMap<NodeId, watch::Sender<Generation>>,
    questions: HashMap<String, (NodeId, oneshot::Sender<CheckOutcome>)>,
}

struct Stream {
    number: i64,
    wanted: watch::Sender<Generation>,
    questions: mpsc::Sender<StateMessage>,
}

/// The ends of one stream: it is over when `wanted` is.
pub(crate) struct Opened {
    pub(crate) number: i64,
    pub(crate) wanted: watch::Receiver<Generation>,
    pub(crate) questions: mpsc::Receiver<StateMessage>,
}

impl Connections {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing in here is left half done by a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a node's stream of this number; an older one of the same node ends, and beside a newer
    /// one this is over at once.
    pub(crate) fn open(&self, node: NodeId, number: i64) -> Opened {
        let mut inner = self.inner();
        let (wanted, wanted_end) = watch::channel(Generation(0));
        let (questions, questions_end) = mpsc::channel(QUESTIONS);
        if inner.streams.get(&node).is_none_or(|it| it.number < number) {
            inner.streams.insert(node, Stream { number, wanted, questions });
        }
        Opened { number, wanted: wanted_end, questions: questions_end }
    }

    /// Ends this stream of a node; answers whether it was still the node's.
    pub(crate) fn closed(&self, node: NodeId, number: i64) -> bool {
        let mut inner = self.inner();
        let current = inner.streams.get(&node).is_some_and(|it| it.number == number);
        if current {
            inner.streams.remove(&node);
        }
        current
    }

    /// Ends whatever stream a node has.
    pub(crate) fn close(&self, node: NodeId) {
        self.inner().streams.remove(&node);
    }

    /// Ends every stream: the process stops.
    pub fn close_all(&self) {
        self.inner().streams.clear();
    }

    /// Tells a node's stream that there is something newer to send.
    pub(crate) fn wake(&self, node: NodeId, generation: Generation) {
        if let Some(stream) = self.inner().streams.get(&node) {
            stream.wanted.send_if_modified(|it| {
                let newer = *it < generation;
                *it = generation.max(*it);
                newer
            });
        }
    }

    /// Tells those who wait that a node applied a generation.
    pub(crate) fn applied(&self, node: NodeId, generation: Generation) {
        if let Some(applied) = self.inner().applied.get(&node) {
            applied.send_if_modified(|it| {
                let changed = *it != generation;
                *it = generation;
                changed
            });
        }
    }

    /// Nodes that have a stream here, or somebody waiting here.
    pub(crate) fn of_interest(&self) -> Vec<NodeId> {
        let inner = self.inner();
        let mut nodes: Vec<_> = inner.streams.keys().chain(inner.applied.keys()).copied().collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// Begins to listen for what a node applies: whoever then reads how far it is misses nothing.
    pub(crate) fn listen_applied(&self, node: NodeId) -> AppliedListener {
        let mut inner = self.inner();
        let sender = inner.applied.entry(node).or_insert_with(|| watch::channel(Generation(0)).0);
        AppliedListener { node, applied: Some(sender.subscribe()), connections: self.clone() }
    }

    /// Asks a node whether a device has a live handshake. None: the node did not answer in time.
    pub(crate) async fn ask(
        &self,
        node: NodeId,
        request: String,
        (pod, public_key): (PodId, PublicKey),
        patience: Duration,
    ) -> Option<CheckOutcome> {
        let (answer, answered) = oneshot::channel();
        let questions = {
            let mut inner = self.inner();
            let questions = inner.streams.get(&node)?.questions.clone();
            inner.questions.insert(request.clone(), (node, answer));
            questions
        };
        let question = StateMessage::Check { request: request.clone(), pod, public_key };
        let outcome = async {
            questions.send(question).await.ok()?;
            answered.await.ok()
        };
        let outcome = tokio::time::timeout(patience, outcome).await.ok().flatten();
        self.inner().questions.remove(&request);
        outcome
    }

    /// Hands a node's answer to whoever asked; another node's or a late answer is dropped.
    pub(crate) fn answer(&self, node: NodeId, answer: &CheckAnswer) {
        let mut inner = self.inner();
        let asked = inner.questions.get(&answer.request).is_some_and(|(of, _)| *of == node);
        if asked && let Some((_, waiting)) = inner.questions.remove(&answer.request) {
            // Whoever asked may have gone away meanwhile.
            waiting.send(answer.outcome).unwrap_or_default();
        }
    }
}

/// Somebody who waits for what a node applies.
pub(crate) struct AppliedListener {
    node: NodeId,
    /// There until this is dropped.
    applied: Option<watch::Receiver<Generation>>,
    connections: Connections,
}

impl AppliedListener {
    /// Waits until the node has applied a generation, at most so long; answers whether it has.
    pub(crate) async fn reaches(&mut self, generation: Generation, patience: Duration) -> bool {
        let Some(applied) = &mut self.applied else { return false };
        let wait = applied.wait_for(|it| generation <= *it);
        matches!(tokio::time::timeout(patience, wait).await, Ok(Ok(_)))
    }
}

impl Drop for AppliedListener {
    fn drop(&mut self) {
        self.applied = None;
        let mut inner = self.connections.inner();
        if inner.applied.get(&self.node).is_some_and(|it| it.receiver_count() == 0) {
            inner.applied.remove(&self.node);
        }
    }
}
