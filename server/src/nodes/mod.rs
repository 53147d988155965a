//! Nodes: adding, enrolling, renewing, retiring, and how they are.

mod connections;
mod draining;
mod enrolment;
mod metrics;
mod report;
mod resolver;
mod store;
#[cfg(test)]
mod tests;
mod trust;

pub use connections::Connections;
pub(crate) use connections::Opened;
pub(crate) use draining::{draining, ensure_takes_pods, is_draining, others, pick, pick_other};
pub use draining::{start_draining, stop_draining};
pub(crate) use enrolment::enrol;
pub use enrolment::{identify, renew};
pub(crate) use metrics::{NodeMetrics, metrics};
use myrelay_app::contract::{
    AddNode, JoinView, LocationView, NodeRow, NodeState, NodeTrouble, NodeView, Overview,
    PluginState,
};
use myrelay_domain::{host::Host, ids::NodeId, names::Name};
use myrelay_node_protocol::{Generation, JoinToken};
pub(crate) use report::{ensure_words, record_observed};
pub(crate) use resolver::resolver_in;
pub use resolver::{set_resolver, settle_resolver};
use serde_json::json;
pub(crate) use store::{Contact, Facts};
pub(crate) use trust::{is_latest_stream, leave, meet, not_certified_since};

use crate::{
    Error, Result,
    context::{Caller, Context},
    database::{Write, is_taken},
    deliveries,
    error::InField,
    outbox::{self, Event},
};

/// How long a join line is good.
pub const JOIN_MS: i64 = 10 * 60 * 1000;
/// A node that is silent for longer is away.
pub const AWAY_MS: i64 = 45 * 1000;
/// A clock that differs by more is told to the operator: certificates and months follow it.
const MAX_SKEW_MS: u64 = 60 * 1000;

/// For operators: adds a node, and its location if that is new, and makes its join line.
pub async fn add_node(context: &Context, caller: Caller, input: AddNode) -> Result<JoinView> {
    caller.operator()?;
    add(context, input).await
}

/// Adds a node for whoever runs commands on the portal's machine.
pub async fn add(context: &Context, input: AddNode) -> Result<JoinView> {
    let name = Name::parse(&input.name).in_field("name")?;
    let location = Name::parse(&input.location).in_field("location")?;
    let endpoint = Host::parse(&input.endpoint).in_field("endpoint")?;

    let now = context.now();
    let mut tx = context.database.write().await?;
    let location = store::get_or_insert_location(&mut tx, context.new_id(), &location, now).await?;
    let node = context.new_id();
    let inserted = store::insert(&mut tx, node, &name, location, &endpoint, now).await;
    if inserted.as_ref().is_err_and(is_taken) {
        return Err(Error::invalid("name", "another node has this name"));
    }
    inserted?;
    let join = open_join(context, &mut tx, node, name.as_str()).await?;
    outbox::record(context, &mut tx, Event::NodeAdded, None, json!({ "node": node })).await?;
    tx.commit().await?;
    Ok(join)
}

/// Makes a new join line for a node; the earlier one is void.
pub async fn renew_join(context: &Context, caller: Caller, node: &str) -> Result<JoinView> {
    caller.operator()?;
    let node = parse_id(node)?;
    let mut tx = context.database.write().await?;
    let facts = store::find(&mut tx, node).await?.ok_or(Error::NotFound("node"))?;
    if facts.retired {
        return Err(Error::invalid("node", "this node was retired: add it as a new one"));
    }
    let join = open_join(context, &mut tx, node, &facts.name).await?;
    tx.commit().await?;
    Ok(join)
}

async fn open_join(
    context: &Context,
    tx: &mut Write,
    node: NodeId,
    name: &str,
) -> Result<JoinView> {
    let (secret, now) = (context.new_token(), context.now());
    let expires_at = now + JOIN_MS;
    store::put_join_token(tx, node, &secret.hash(), expires_at, now).await?;
    let token = JoinToken { node, secret, ca: context.authority.ca_hash() };
    let line =
        format!("myrelay-agent join {} --token {}", context.settings.node_url, token.expose());
    Ok(JoinView { node, name: name.to_owned(), line, expires_at })
}

/// What rules ask of a node.
pub(crate) async fn find(tx: &mut Write, node: NodeId) -> Result<Facts> {
    store::find(tx, node).await?.ok_or(Error::NotFound("node"))
}

/// Retires a node in a transaction that has seen that it may go.
pub(crate) async fn retire(context: &Context, tx: &mut Write, node: NodeId) -> Result<()> {
    store::set_retired(tx, node, context.now()).await?;
    outbox::record(context, tx, Event::NodeRetired, None, json!({ "node": node })).await
}

/// All nodes, oldest first.
pub async fn list(context: &Context, caller: Caller) -> Result<Vec<NodeRow>> {
    caller.operator()?;
    let rows = store::list(context.database.read()).await?;
    let mut rows: Vec<_> = rows.into_iter().map(|row| row.into_view(context.now())).collect();
    let takers: Vec<String> =
        rows.iter().filter(|it| it.takes_pods()).map(|it| it.location.clone()).collect();
    for row in &mut rows {
        if row.draining && row.pods > 0 && !takers.contains(&row.location) {
            row.troubles.push(NodeTrouble::NowhereToDrain);
        }
    }
    Ok(rows)
}

/// One node, without its pods.
pub async fn get(context: &Context, caller: Caller, node: &str) -> Result<NodeView> {
    let node = parse_id(node)?;
    let rows = list(context, caller).await?;
    let row = store::find_view(context.database.read(), node).await?;
    let resolver = context.settings.resolver.as_ref().map(resolver::text).unwrap_or_default();
    let mut view = row.ok_or(Error::NotFound("node"))?.into_detail(context.now(), resolver);
    let troubles = rows.into_iter().find(|it| it.id == node).map(|it| it.troubles);
    view.troubles = troubles.unwrap_or_default();
    Ok(view)
}

/// What an operator sees first.
pub async fn overview(context: &Context, caller: Caller) -> Result<Overview> {
    let nodes = list(context, caller).await?;
    let [pods, devices, accounts] = store::counts(context.database.read()).await?;
    let living = |row: &&NodeRow| row.state != NodeState::Retired;
    let nodes_living = u32::try_from(nodes.iter().filter(living).count()).unwrap_or(u32::MAX);
    let attention = nodes.into_iter().filter(|row| match row.state {
        NodeState::Awaiting | NodeState::Away | NodeState::Quarantined => true,
        NodeState::InContact => row.faults > 0 || !row.troubles.is_empty(),
        NodeState::Retired => false,
    });
    let mut plugins = deliveries::list_plugins(context, caller).await?;
    plugins.retain(|it| matches!(it.state, PluginState::Stopped | PluginState::Unloaded));
    let attention = attention.collect();
    Ok(Overview { nodes: nodes_living, attention, plugins, pods, devices, accounts })
}

/// Every location that has a node, by name.
pub async fn locations(context: &Context) -> Result<Vec<LocationView>> {
    Ok(store::locations(context.database.read(), context.now() - AWAY_MS).await?)
}

/// Counts a change that concerns the node, in the transaction of the change. It holds the node's
/// row until then, so changes of one node follow one another. A retired node has no more changes.
pub(crate) async fn bump(tx: &mut Write, node: NodeId) -> Result<Generation> {
    store::bump(tx, node).await?.ok_or(Error::NotFound("node"))
}

/// What a node should have reached.
pub(crate) async fn wanted(context: &Context, node: NodeId) -> Result<Generation> {
    let contact = store::contact(context.database.read(), node).await?;
    contact.map(|it| it.generation).ok_or(Error::Retired)
}

/// What a node should have reached, as of a transaction's moment.
pub(crate) async fn wanted_in(snapshot: &mut Write, node: NodeId) -> Result<Generation> {
    store::wanted(snapshot, node).await?.ok_or(Error::Retired)
}

/// How far a node is.
pub(crate) async fn contact(context: &Context, node: NodeId) -> Result<Contact> {
    let contact = store::contact(context.database.read(), node).await?;
    contact.ok_or(Error::NotFound("node"))
}

fn parse_id(node: &str) -> Result<NodeId> {
    node.parse().map_err(|_no_id| Error::NotFound("node"))
}
