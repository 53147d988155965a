//! One node's stream of wishes: what it lacks, then every change, and a heartbeat between.

use std::time::Duration;

use futures::Stream;
use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{Digest, Epoch, Generation, HEARTBEAT_SECONDS, StateMessage};

use super::{next, snapshot};
use crate::{
    Result,
    context::Context,
    nodes::{self, Opened},
};

/// Opens a stream for a run of a node's agent, from what it has. It ends when the node is retired, when the node
/// opens another, or when the portal stops; the agent then dials again.
pub async fn stream(
    context: Context,
    node: NodeId,
    instance: &str,
    epoch: Epoch,
    have: Generation,
) -> Result<impl Stream<Item = StateMessage> + Send + use<>> {
    // Retired and quarantined nodes are told so before anything is sent.
    nodes::meet(&context, node, instance).await?;
    let opened = context.connections.open(node);
    nodes::set_present(&context, node, true).await?;
    let leave = Leave { context: context.clone(), node, number: opened.number };
    let feed =
        Feed { context, node, epoch, have, opened, first: true, digest: None, _leave: leave };
    Ok(futures::stream::unfold(feed, Feed::step))
}

struct Feed {
    context: Context,
    node: NodeId,
    epoch: Epoch,
    have: Generation,
    opened: Opened,
    first: bool,
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
        Some((message, self))
    }

    /// The next line; none when the stream is over.
    async fn message(&mut self) -> Result<Option<StateMessage>> {
        loop {
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
                () = tokio::time::sleep(Duration::from_secs(HEARTBEAT_SECONDS)) => {
                    return self.heartbeat().await.map(Some);
                }
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
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let (context, node) = (self.context.clone(), self.node);
        if !context.connections.closed(node, self.number) {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = nodes::set_present(&context, node, false).await {
                tracing::debug!(%node, %error, "cannot note that a node left");
            }
        });
    }
}
