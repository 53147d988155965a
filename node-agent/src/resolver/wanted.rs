//! The loop that runs the resolver which the portal wants, or none.

use std::{convert::Infallible, sync::Arc};

use myrelay_node_protocol::DesiredState;
use tokio::time::sleep;

use super::{Options, Pods, Resolver, ResolverError};
use crate::{faults::Part, node::Node};

/// Starts, changes and ends the resolver as the wanted state says, and says what is wrong with it.
/// One that cannot start is tried again at the pace of the rounds.
pub(crate) async fn resolve_for_ever(node: Arc<Node>, options: Options) -> Infallible {
    let mut desired = node.desired.subscribe();
    let mut running = None;
    loop {
        let state = desired.borrow_and_update().clone();
        let fault = match follow(&mut running, state.as_deref(), &options) {
            Err(error) => Some(error.to_string()),
            Ok(()) => running
                .as_ref()
                .map(Resolver::trouble)
                .filter(|it| !it.is_empty())
                .map(|troubles| troubles.join("; ")),
        };
        node.faults.set(Part::Resolver, fault);
        tokio::select! {
            // The sender lives as long as the node.
            _ = desired.changed() => {}
            () = sleep(node.pace.drift) => {}
        }
    }
}

fn follow(
    running: &mut Option<Resolver>,
    state: Option<&DesiredState>,
    options: &Options,
) -> Result<(), ResolverError> {
    let wanted = state.and_then(|state| Some((state.resolver.as_ref()?, &state.pods)));
    let Some((settings, pods)) = wanted else {
        *running = None;
        return Ok(());
    };
    let resolver = match running {
        Some(resolver) => {
            resolver.change(settings)?;
            resolver
        }
        None => running.insert(Resolver::start(settings.clone(), options.clone())?),
    };
    resolver.serve(Pods::new(pods.iter().map(|(id, pod)| (*id, pod.range))));
    Ok(())
}
