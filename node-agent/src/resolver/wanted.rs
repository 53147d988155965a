//! The loop that runs the resolver which the portal wants, or none.

use std::{convert::Infallible, sync::Arc};

use myrelay_node_protocol::DesiredState;
use tokio::time::sleep;

use super::{Options, Pods, Resolver};
use crate::{faults::Part, node::Node};

/// Starts, changes and ends the resolver as the wanted state says, and says what is wrong with it.
/// What did not work is tried again at the pace of the rounds. As long as no state is known,
/// nothing is touched.
pub(crate) async fn resolve_for_ever(node: Arc<Node>, options: Options) -> Infallible {
    let mut desired = node.desired.subscribe();
    let mut place = Place::default();
    loop {
        let state = desired.borrow_and_update().clone();
        if let Some(state) = state {
            let followed = place.follow(&node, &state, &options).await;
            let trouble = || place.running.as_ref().map(Resolver::trouble).unwrap_or_default();
            let faults = followed.map_or_else(|fault| vec![fault], |()| trouble());
            node.faults.set(Part::Resolver, (!faults.is_empty()).then(|| faults.join("; ")));
        }
        tokio::select! {
            // The sender lives as long as the node.
            _ = desired.changed() => {}
            () = sleep(node.pace.drift) => {}
        }
    }
}

/// Where a resolver runs, or none.
#[derive(Default)]
struct Place {
    running: Option<Resolver>,
    /// The port that questions are redirected to; the outer none: not known yet.
    redirected: Option<Option<u16>>,
}

impl Place {
    async fn follow(
        &mut self,
        node: &Node,
        state: &DesiredState,
        options: &Options,
    ) -> Result<(), String> {
        let Some(settings) = &state.resolver else {
            // First the way to it, then the resolver.
            self.redirect(node, None).await?;
            self.running = None;
            return Ok(());
        };
        let resolver = match &mut self.running {
            Some(resolver) => resolver,
            none => {
                let started = Resolver::start(settings.clone(), options.clone());
                none.insert(started.map_err(|error| error.to_string())?)
            }
        };
        resolver.change(settings).map_err(|error| error.to_string())?;
        resolver.serve(Pods::new(state.pods.iter().map(|(id, pod)| (*id, pod.range))));
        let port = resolver.address().port();
        self.redirect(node, Some(port)).await
    }

    async fn redirect(&mut self, node: &Node, port: Option<u16>) -> Result<(), String> {
        if self.redirected != Some(port) {
            let redirected = node.backend.set_resolver(port).await;
            redirected.map_err(|error| format!("questions do not reach the resolver: {error}"))?;
            self.redirected = Some(port);
        }
        Ok(())
    }
}
