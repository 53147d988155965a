//! Peers: the devices of a pod, known by their public keys.

mod listing;
mod routes;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

use myrelay_app::contract::{AddPeer, AddedPeer, ClientConfig, ConnectionView, PeerView, PodView};
use myrelay_domain::{
    addresses::HostAddresses,
    ids::{NodeId, PeerId},
    keys::PublicKey,
    names::Name,
};
use myrelay_node_protocol::{CheckOutcome, Generation};
use serde_json::json;

use crate::{
    Error, Result,
    context::{Caller, Context, PeerScope},
    database::{Write, is_taken},
    error::InField,
    nodes,
    outbox::{self, Event},
    plans,
    pods::{self, PodFacts},
    usage,
};

pub use self::{
    listing::{PodInfo, list_peers, list_pods, pod_info},
    routes::set_routes,
};

/// How long adding a device on a page waits for the node before it is "pending".
pub const ADD_PATIENCE: Duration = Duration::from_secs(5);
/// How long a question to a node waits for its answer.
const CHECK_PATIENCE: Duration = Duration::from_secs(3);

/// A device that was written down, and the generation at which its node has it.
pub struct Added {
    pub peer: PeerId,
    pub node: NodeId,
    pub generation: Generation,
}

/// Adds a device to a pod whose devices the caller manages.
pub async fn add_peer(context: &Context, caller: Caller, input: AddPeer) -> Result<Added> {
    let scope = caller.peer_scope()?;
    let name = Name::parse(&input.name).in_field("name")?;
    let public_key = PublicKey::parse(input.public_key.trim()).in_field("public_key")?;

    let mut tx = context.database.write().await?;
    let pod = pods::get_in(&mut tx, scope, &input.pod).await?;
    // From here on nobody else changes this pod's devices.
    let changed = pods::mark_changed(&mut tx, &pod).await?;
    let generation = changed.generation;
    let hosts = store::hosts(&mut tx, pod.id).await?;
    let limits = plans::plan_of(&mut tx, scope.account).await?.limits;
    let existing = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
    limits.ensure_device(existing).map_err(|error| Error::Limit(error.to_string()))?;
    // A plan that grew since the pod was made allows more than its range holds.
    let range = pod.range(&context.deployment.addresses);
    let host = range.and_then(|range| range.free_device(&hosts));
    let host = host.ok_or_else(|| {
        let message = format!(
            "this location was made for {existing} devices: to have more, delete it and make it anew"
        );
        Error::Limit(message)
    })?;

    let peer = context.new_id();
    let row = store::NewPeer { id: peer, pod: pod.id, name, public_key, host, generation };
    let inserted = store::insert(&mut tx, &row, context.now()).await;
    if inserted.as_ref().is_err_and(is_taken) {
        let message = "a device here has this key already".to_owned();
        return Err(Error::Taken { field: "public_key", message });
    }
    inserted?;
    let payload = json!({ "peer": peer, "pod": pod.id });
    outbox::record(context, &mut tx, Event::PeerAdded, Some(scope.account), payload).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(Added { peer, node: pod.node, generation })
}

/// Waits a moment until the node has an added device; then, or when the node is away, it is
/// pending. Answers whether the node has it.
pub async fn wait_added(context: &Context, added: &Added, patience: Duration) -> Result<bool> {
    let mut listener = context.connections.listen_applied(added.node);
    let contact = nodes::contact(context, added.node).await?;
    let current = contact.applied.0.0 == context.deployment.epoch.unsigned_abs();
    if (current && added.generation <= contact.applied.1) || contact.away {
        return Ok(!contact.away);
    }
    Ok(listener.reaches(added.generation, patience).await)
}

/// Removes a device: its node drops it, and its address is free for another.
pub async fn remove_peer(context: &Context, caller: Caller, peer: &str) -> Result<()> {
    let scope = caller.peer_scope()?;
    let peer = parse_id(peer)?;
    let mut tx = context.database.write().await?;
    let pod = pod_of(&mut tx, scope, peer).await?;
    let changed = pods::mark_changed(&mut tx, &pod).await?;
    if !store::delete(&mut tx, peer).await? {
        return Err(Error::NotFound("device"));
    }
    let payload = json!({ "peer": peer, "pod": pod.id });
    outbox::record(context, &mut tx, Event::PeerRemoved, Some(scope.account), payload).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}

/// One pod of the account that asks, with its devices, oldest first.
pub async fn pod_view(context: &Context, caller: Caller, pod: &str) -> Result<PodView> {
    let account = caller.account()?;
    let row = pods::get_row(context, caller, pod).await?;
    let facts = pods::view_in(context, caller.peer_scope()?, row.id).await?;
    let contact = nodes::contact(context, facts.node).await?;
    let devices = store::list(context.database.read(), row.id, None, usize::MAX).await?;
    let devices: Result<Vec<_>> =
        devices.into_iter().map(|it| view(context, it, &facts, &contact)).collect();
    let plan = plans::view_plan_of(context, account).await?;
    Ok(PodView {
        id: row.id,
        location: row.location,
        state: row.state,
        devices: devices?,
        device_limit: plan.limits.devices_per_pod,
        devices_meet: facts.devices_meet,
        moved: pods::moved(context, &facts)?,
        usage: usage::summary(context, account, row.location_id).await?,
    })
}

/// One device that the caller manages, with all of its configuration that the portal knows.
pub async fn get_peer(context: &Context, caller: Caller, peer: &str) -> Result<AddedPeer> {
    let (peer, pod) = find_in(context, caller.peer_scope()?, peer).await?;
    let contact = nodes::contact(context, pod.node).await?;
    let peer = view(context, peer, &pod, &contact)?;
    let config = config(context, &pod, &peer)?;
    let state = pods::get_row(context, caller, &pod.id.to_string()).await?.state;
    let moved = pods::moved(context, &pod)?;
    Ok(AddedPeer { peer, location: pod.location, config, state, moved })
}

/// What a device's configuration is made of, once the node has made the pod's key.
pub async fn client_config(context: &Context, caller: Caller, peer: &str) -> Result<ClientConfig> {
    get_peer(context, caller, peer).await?.config.ok_or_else(|| {
        Error::Unavailable("the node has not made this location's key yet".to_owned())
    })
}

/// Asks the device's node whether it is connected right now. The answer is stored nowhere.
pub async fn check_connection(
    context: &Context,
    caller: Caller,
    peer: &str,
) -> Result<ConnectionView> {
    let scope = PeerScope { account: caller.account()?, pod: None };
    let (peer, pod) = find_in(context, scope, peer).await?;
    let ask = async |node| {
        let question = (pod.id, peer.public_key);
        context.connections.ask(node, context.new_request_id(), question, CHECK_PATIENCE).await
    };
    let mut answer = ask(pod.node).await;
    // A device that has not followed a move is connected where the pod was.
    if let Some(former) = &pod.former
        && answer != Some(CheckOutcome::Connected)
        && ask(former.node).await == Some(CheckOutcome::Connected)
    {
        answer = Some(CheckOutcome::Connected);
    }
    Ok(match answer {
        Some(CheckOutcome::Connected) => ConnectionView::Connected,
        Some(CheckOutcome::NotConnected) => ConnectionView::NotConnected,
        Some(CheckOutcome::UnknownPeer) => ConnectionView::NotApplied,
        None => ConnectionView::NodeAway,
    })
}

/// The pod of a device that somebody manages, for a change.
async fn pod_of(tx: &mut Write, scope: PeerScope, peer: PeerId) -> Result<PodFacts> {
    let missing = || Error::NotFound("device");
    let pod = store::pod_of(tx, peer).await?.ok_or_else(missing)?;
    pods::get_in(tx, scope, &pod.to_string()).await.map_err(of_another)
}

/// A pod that is not there is another's: its device does not exist. Any other error is one.
fn of_another(error: Error) -> Error {
    match error {
        Error::NotFound(_) => Error::NotFound("device"),
        error => error,
    }
}

async fn find_in(
    context: &Context,
    scope: PeerScope,
    peer: &str,
) -> Result<(store::PeerRow, PodFacts)> {
    let missing = || Error::NotFound("device");
    let found = store::find(context.database.read(), parse_id(peer)?).await?.ok_or_else(missing)?;
    let pod = pods::view_in(context, scope, found.pod).await.map_err(of_another)?;
    Ok((found, pod))
}

fn view(
    context: &Context,
    row: store::PeerRow,
    pod: &PodFacts,
    contact: &nodes::Contact,
) -> Result<PeerView> {
    let (epoch, generation) = contact.applied;
    // Generations are a node's own: a device from before a move came with the pod.
    let wanted = match pod.placed {
        Some((at, placed)) if row.created_at <= at => placed,
        _ => row.added_generation,
    };
    let current = epoch.0 == context.deployment.epoch.unsigned_abs();
    Ok(PeerView {
        id: row.id,
        pod: row.pod,
        name: row.name,
        public_key: row.public_key,
        addresses: addresses(context, pod, row.host)?,
        routes: row.routes,
        applied: current && wanted <= generation,
        created_at: row.created_at,
    })
}

fn addresses(context: &Context, pod: &PodFacts, host: u32) -> Result<HostAddresses> {
    let range = pod.range(&context.deployment.addresses);
    let addresses = range.and_then(|range| range.device(host));
    Ok(addresses.ok_or_else(|| anyhow::anyhow!("device {host} of {} has no address", pod.id))?)
}

fn config(context: &Context, pod: &PodFacts, peer: &PeerView) -> Result<Option<ClientConfig>> {
    let Some(pod_key) = pod.public_key else { return Ok(None) };
    Ok(Some(ClientConfig {
        addresses: peer.addresses,
        routes: peer.routes.clone(),
        inside: routes::inside(context, pod)?,
        dns: pods::dns(context, pod),
        pod_key,
        endpoint: pods::endpoint(pod)?,
        mtu: context.settings.client_mtu,
    }))
}

fn parse_id(peer: &str) -> Result<PeerId> {
    peer.parse().map_err(|_no_id| Error::NotFound("device"))
}
