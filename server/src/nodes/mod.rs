//! Nodes: adding, enrolling, renewing, retiring, and how they are.

mod connections;
mod enrolment;
mod store;
#[cfg(test)]
mod tests;

pub use connections::Connections;
pub(crate) use connections::Opened;
pub(crate) use enrolment::enrol;
pub use enrolment::{identify, renew};
use myrelay_app::contract::{
    AddNode, JoinView, LocationView, NodeRow, NodeState, NodeView, Overview,
};
use myrelay_domain::{
    host::Host,
    ids::{LocationId, NodeId},
    names::Name,
};
use myrelay_node_protocol::{Generation, JoinToken, ObservedState};
use serde_json::json;
pub(crate) use store::Contact;

use crate::{
    Error, Result,
    context::{Caller, Context},
    database::{Write, is_taken},
    error::InField,
    outbox::{self, Event},
};

/// How long a join line is good.
pub const JOIN_MS: i64 = 10 * 60 * 1000;
/// A node that is silent for longer is away.
pub const AWAY_MS: i64 = 45 * 1000;

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

/// Retires a node: its certificate is refused from now on and its connection closed. Refused
/// while it has pods: their customers would lose them. Twice is fine.
pub async fn retire_node(context: &Context, caller: Caller, node: &str) -> Result<()> {
    caller.operator()?;
    let node = parse_id(node)?;
    let mut tx = context.database.write().await?;
    let facts = store::find(&mut tx, node).await?.ok_or(Error::NotFound("node"))?;
    if facts.retired {
        return Ok(());
    }
    // Holds the node's row: no pod can come while we look.
    bump(&mut tx, node).await?;
    let pods = store::count_pods(&mut tx, node).await?;
    if pods > 0 {
        let message = format!("this node still has pods ({pods}): they have to be deleted first");
        return Err(Error::invalid("node", message));
    }
    store::set_retired(&mut tx, node, context.now()).await?;
    outbox::record(context, &mut tx, Event::NodeRetired, None, json!({ "node": node })).await?;
    tx.commit().await?;
    context.connections.close(node);
    Ok(())
}

/// All nodes, oldest first.
pub async fn list(context: &Context, caller: Caller) -> Result<Vec<NodeRow>> {
    caller.operator()?;
    let rows = store::list(context.database.read()).await?;
    Ok(rows.into_iter().map(|row| row.into_view(context.now())).collect())
}

/// One node, without its pods.
pub async fn get(context: &Context, caller: Caller, node: &str) -> Result<NodeView> {
    caller.operator()?;
    let row = store::find_view(context.database.read(), parse_id(node)?).await?;
    Ok(row.ok_or(Error::NotFound("node"))?.into_detail(context.now()))
}

/// What an operator sees first.
pub async fn overview(context: &Context, caller: Caller) -> Result<Overview> {
    let nodes = list(context, caller).await?;
    let [pods, devices, accounts] = store::counts(context.database.read()).await?;
    let living = |row: &&NodeRow| row.state != NodeState::Retired;
    Ok(Overview {
        nodes: u32::try_from(nodes.iter().filter(living).count()).unwrap_or(u32::MAX),
        attention: nodes
            .into_iter()
            .filter(|row| {
                matches!(row.state, NodeState::Awaiting | NodeState::Away)
                    || (row.state == NodeState::InContact && row.faults > 0)
            })
            .collect(),
        pods,
        devices,
        accounts,
    })
}

/// Every location that has a node, by name.
pub async fn locations(context: &Context) -> Result<Vec<LocationView>> {
    Ok(store::locations(context.database.read(), context.now() - AWAY_MS).await?)
}

/// The node in a location that a new pod goes to: one in contact before one that is away, then
/// the one with the fewest pods.
pub(crate) async fn pick(
    tx: &mut Write,
    context: &Context,
    location: LocationId,
) -> Result<Option<NodeId>> {
    Ok(store::pick(tx, location, context.now() - AWAY_MS).await?)
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

/// Writes down that a node's stream is open, or that it ended.
pub(crate) async fn set_present(context: &Context, node: NodeId, present: bool) -> Result<()> {
    let mut tx = context.database.write().await?;
    store::set_present(&mut tx, node, present, context.now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down what a node says of itself. A report that is older than the last one is refused.
pub(crate) async fn record_observed(
    context: &Context,
    tx: &mut Write,
    node: NodeId,
    observed: &ObservedState,
) -> Result<()> {
    for (field, text) in [
        ("boot_id", &observed.boot_id),
        ("agent_version", &observed.agent_version),
        ("backend", &observed.backend),
    ] {
        if text.is_empty() || 64 < text.len() || text.chars().any(char::is_control) {
            return Err(Error::invalid(
                field,
                "1 to 64 characters, none of them control characters",
            ));
        }
    }
    let wanted = wanted_in(tx, node).await?;
    if observed.epoch.0 == context.deployment.epoch.unsigned_abs() && wanted < observed.generation {
        return Err(Error::invalid("generation", "nobody has wanted this generation yet"));
    }
    if !store::record_observed(tx, node, observed, context.now()).await? {
        return Err(Error::invalid(
            "sequence",
            "a newer report of this node was taken already: two agents may run with one identity",
        ));
    }
    Ok(())
}

fn parse_id(node: &str) -> Result<NodeId> {
    node.parse().map_err(|_no_id| Error::NotFound("node"))
}
