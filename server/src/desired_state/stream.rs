//! One node's stream of wishes: what it lacks, then every change, and a heartbeat between.

use std::time::Duration;

use futures::Stream;
use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{Digest, Epoch, Generation, HEARTBEAT_SECONDS, StateMessage};

use tokio::time::{Instant, sleep_until};

use super::{next, snapshot};
use crate::{
    Result,
    context::Context,
    nodes::{self, Opened},
};

/// How often a stream looks whether it is still the node's, whichever portal ended it.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const HEARTBEAT: Duration = Duration::from_secs(HEARTBEAT_SECONDS);

/// Opens a stream for a run of a node's agent, from what it has. It ends when the node is retired or
/// quarantined, joins anew, or opens another one on whichever portal; and when this portal stops.
/// The agent then dials again.
pub async fn stream(
    context: Context,
    node: NodeId,
    instance: &str,
    epoch: Epoch,
    have: Generation,
) -> Result<impl Stream<Item = StateMessage> + Send + use<>> {
    // Retired and quarantined nodes are told so before anything is sent.
    let number = nodes::meet(&context, node, instance).await?;
    let leave = Leave { context: context.clone(), node, number };
    let opened = context.connections.open(node, number);
    let feed = Feed {
        context,
        node,
        epoch,
        have,
        opened,
        first: true,
        silent_until: Instant::now() + HEARTBEAT,
        look_at: Instant::now() + LOOK_EVERY,
        digest: None,
        _leave: leave,
    };
    Ok(futures::stream::unfold(feed, Feed::step))
}

struct Feed {
    context: Context,
    node: NodeId,
    epoch: Epoch,
    have: Generation,
    opened: Opened,
    first: bool,
    /// When the next heartbeat is due.
    silent_until: Instant,
    /// When to look next whether the stream is still the node's.
    look_at: Instant,
    digest: Option<(Generation, Digest)>,
    _leave: Leave,
}

impl Feed {
    async fn step(mut self) -> Option<(StateMessage, Self)> {
        let message = match self.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return None,
            Err(error) => {
                // The agent dials again and gets what it lacks.
                tracing::warn!(node = %self.node, %error, "a state stream ends");
                return None;
            }
        };
        match &message {
            StateMessage::Snapshot { state } => {
                (self.epoch, self.have) = (state.epoch, state.generation);
            }
            StateMessage::Delta { delta } => {
                (self.epoch, self.have) = (delta.epoch, delta.generation);
            }
            StateMessage::Heartbeat { .. } | StateMessage::Check { .. } => {}
        }
        self.silent_until = Instant::now() + HEARTBEAT;
        Some((message, self))
    }

    /// The next line; none when the stream is over.
    async fn message(&mut self) -> Result<Option<StateMessage>> {
        loop {
            if self.look_at <= Instant::now() {
                if self.is_over().await {
                    return Ok(None);
                }
                self.look_at = Instant::now() + LOOK_EVERY;
            }
            let mark = *self.opened.wanted.borrow_and_update();
            if self.first || self.have < mark {
                self.first = false;
                if let Some(message) = next(&self.context, self.node, self.epoch, self.have).await?
                {
                    return Ok(Some(message));
                }
                return self.heartbeat().await.map(Some);
            }
            tokio::select! {
                biased;
                changed = self.opened.wanted.changed() => {
                    if changed.is_err() {
                        return Ok(None);
                    }
                }
                question = self.opened.questions.recv() => {
                    if question.is_some() {
                        return Ok(question);
                    }
                }
                () = sleep_until(self.silent_until.min(self.look_at)) => {
                    if self.silent_until <= Instant::now() {
                        return self.heartbeat().await.map(Some);
                    }
                }
            }
        }
    }

    /// Whether something ended it, here or on another portal. Where nobody can tell it goes on until
    /// the next heartbeat.
    async fn is_over(&self) -> bool {
        match nodes::is_latest_stream(&self.context, self.node, self.opened.number).await {
            Ok(latest) => !latest,
            Err(error) => {
                tracing::debug!(node = %self.node, %error, "cannot look whether a stream is over");
                false
            }
        }
    }

    /// A sign of life with the digest of what the agent should have; behind by a change, it says
    /// what to have instead. The digest is computed once for each generation.
    async fn heartbeat(&mut self) -> Result<StateMessage> {
        let wanted = nodes::wanted(&self.context, self.node).await?;
        if wanted != self.have
            && let Some(message) = next(&self.context, self.node, self.epoch, self.have).await?
        {
            return Ok(message);
        }
        if let Some((of, digest)) = &self.digest
            && *of == wanted
        {
            let digest = digest.clone();
            return Ok(StateMessage::Heartbeat { epoch: self.epoch, generation: wanted, digest });
        }
        let state = snapshot(&self.context, self.node).await?;
        let (epoch, generation, digest) = (state.epoch, state.generation, state.digest());
        self.digest = Some((generation, digest.clone()));
        Ok(StateMessage::Heartbeat { epoch, generation, digest })
    }
}

/// Says that the node is away when its stream is dropped, unless another took over.
struct Leave {
    context: Context,
    node: NodeId,
    number: i64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let (context, node, number) = (self.context.clone(), self.node, self.number);
        if !context.connections.closed(node, number) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = nodes::leave(&context, node, number).await {
                tracing::debug!(%node, %error, "cannot note that a node left");
            }
        });
    }
}
