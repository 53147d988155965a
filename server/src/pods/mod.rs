//! Pods: an account's own interface in a location.

mod access;
mod change_plan;
mod moving;
mod retirement;
mod store;
mod suspension;
mod switches;
#[cfg(test)]
mod tests;
mod worker;

use std::net::IpAddr;

pub(crate) use access::{give_access, take_access};
use myrelay_app::contract::{
    CreatePod, HomeView, MovedView, NodePodRow, PAGE_ROWS, Page, PodRow, PodState,
};
use myrelay_domain::{
    addresses::AddressPlan,
    host::Host,
    ids::{AccountId, LocationId, NodeId, PodId},
    interface::InterfaceName,
};
use myrelay_node_protocol::{Generation, MAX_FAULT_CHARS, ObservedState, QuotaState};
use serde_json::json;
pub(crate) use store::{PodFacts, desired};
pub use {
    change_plan::change_plan,
    moving::{move_pod, move_view},
    retirement::{get_node, retire_node},
    suspension::{resume_account, suspend_account},
    switches::{set_devices_meet, set_paused},
    worker::work,
};

use crate::{
    Error, Result, accounts,
    context::{Caller, Context, PeerScope},
    database::Write,
    deployment,
    error::InField,
    nodes,
    outbox::{self, Event},
    paging::page,
    plans,
    usage::{self, Placement},
};

/// The first UDP port of pods on a node, and how many there are.
const PORTS: std::ops::Range<u16> = 51820..61820;
/// How long a range rests after the last node confirmed that its pod is gone: a device that still
/// sends from its addresses does not meet another account's.
const REST_MS: i64 = 24 * 60 * 60 * 1000;
/// How long after a move its owner is told what to change, in milliseconds.
const MOVED_TOLD_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Makes a pod in a location, on the node there that suits best. Asked twice it answers the pod
/// that exists.
pub async fn create_pod(context: &Context, caller: Caller, input: CreatePod) -> Result<PodId> {
    let account = caller.account()?;
    let location: LocationId =
        input.location.parse().map_err(|_no_id| Error::NotFound("location"))?;

    let mut tx = context.database.write().await?;
    // From here on nobody else allocates: what is counted below stays so.
    deployment::count_allocation(&mut tx).await?;
    if let Some(pod) = store::find_in_location(&mut tx, account, location).await? {
        return Ok(pod);
    }
    let node = nodes::pick(&mut tx, context, location).await?.ok_or(Error::NotFound("location"))?;
    if accounts::is_unpaid(&mut tx, account).await? {
        let message = "your plan is not paid for: pay for it on the page of your plan first";
        return Err(Error::Limit(message.to_owned()));
    }
    let limits = plans::plan_of(&mut tx, account).await?.limits;
    let existing = store::count_of_account(&mut tx, account).await?;
    limits.ensure_pod(existing).map_err(|error| Error::Limit(error.to_string()))?;

    let (pod, now): (PodId, _) = (context.new_id(), context.now());
    let size = AddressPlan::size_for(limits.devices_per_pod);
    let capacity = context.deployment.addresses.capacity();
    let range = store::take_range(&mut tx, pod, size, capacity, now).await?.ok_or_else(|| {
        let message = "no addresses are left: the operator has to enlarge the IPv4 pool";
        Error::Unavailable(message.to_owned())
    })?;
    let generation = nodes::bump(&mut tx, node).await?;
    let port = free_port(&mut tx, node).await?;
    let row = store::NewPod {
        id: pod,
        account,
        node,
        location,
        interface: InterfaceName::from_random(context.random()),
        port,
        range,
        generation,
    };
    store::insert(&mut tx, &row, now).await?;
    usage::place(&mut tx, &Placement { pod, node, account, location }, now).await?;
    let payload = json!({ "pod": pod, "node": node });
    outbox::record(context, &mut tx, Event::PodCreated, Some(account), payload).await?;
    tx.commit().await?;
    context.connections.wake(node, generation);
    Ok(pod)
}

/// Deletes a pod of the account that asks, with its devices. The node forgets its key; the
/// addresses are given to another pod only when they rested after the node said so.
pub async fn delete_pod(context: &Context, caller: Caller, pod: &str) -> Result<()> {
    let account = caller.account()?;
    let mut tx = context.database.write().await?;
    let facts = get_own(&mut tx, account, pod).await?;
    delete(context, tx, &facts).await
}

/// For operators: deletes any account's pod.
pub async fn delete_any_pod(context: &Context, caller: Caller, pod: &str) -> Result<()> {
    caller.operator()?;
    let mut tx = context.database.write().await?;
    let facts = store::find(&mut tx, parse_id(pod)?).await?.ok_or(Error::NotFound("pod"))?;
    delete(context, tx, &facts).await
}

async fn delete(context: &Context, mut tx: Write, facts: &PodFacts) -> Result<()> {
    let changed = count_change(&mut tx, facts.nodes()).await?;
    let now = context.now();
    let former = facts.former.as_ref().map(|it| (it.node, it.port));
    for placement in [(facts.node, facts.port)].into_iter().chain(former) {
        let generation = changed.of(placement.0);
        store::insert_tombstone(&mut tx, facts.id, placement, generation, now).await?;
    }
    if !store::delete(&mut tx, facts.id, facts.node).await? {
        return Err(gone(&mut tx, facts.id).await);
    }
    let payload = json!({ "pod": facts.id, "node": facts.node });
    outbox::record(context, &mut tx, Event::PodDeleted, Some(facts.account), payload).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}

/// Where a customer has pods, and where they could.
pub async fn home(context: &Context, caller: Caller) -> Result<HomeView> {
    let account = caller.account()?;
    let plan = plans::view_plan_of(context, account).await?;
    let since = context.now() - nodes::AWAY_MS;
    let pods = store::list_of_account(context.database.read(), account, since).await?;
    let locations = nodes::locations(context).await?;
    let unpaid = accounts::view_is_unpaid(context, account).await?;
    Ok(HomeView { pods, locations, plan: plan.name, pod_limit: plan.limits.pods, unpaid })
}

/// One pod whose devices the caller manages.
pub async fn get_row(context: &Context, caller: Caller, pod: &str) -> Result<PodRow> {
    let scope = caller.peer_scope()?;
    let since = context.now() - nodes::AWAY_MS;
    let pod = parse_id(pod)?;
    let row = store::find_row(context.database.read(), scope.account, pod, since).await?;
    row.filter(|it| scope.holds(scope.account, it.id)).ok_or(Error::NotFound("pod"))
}

/// Every pod whose devices the caller manages.
pub(crate) async fn list_rows(context: &Context, caller: Caller) -> Result<Vec<PodRow>> {
    let scope = caller.peer_scope()?;
    let since = context.now() - nodes::AWAY_MS;
    let mut rows = store::list_of_account(context.database.read(), scope.account, since).await?;
    rows.retain(|it| scope.holds(scope.account, it.id));
    Ok(rows)
}

/// For operators: all pods, newest first.
pub async fn list(
    context: &Context,
    caller: Caller,
    after: Option<&str>,
) -> Result<Page<NodePodRow>> {
    caller.operator()?;
    let after = after.map(str::parse::<PodId>).transpose().in_field("after")?;
    let since = context.now() - nodes::AWAY_MS;
    let rows = store::list(context.database.read(), None, after, since, PAGE_ROWS + 1).await?;
    Ok(page(rows, |row| row.id.to_string()))
}

/// For operators: one pod.
pub async fn get_any_row(context: &Context, caller: Caller, pod: &str) -> Result<NodePodRow> {
    caller.operator()?;
    let since = context.now() - nodes::AWAY_MS;
    let row = store::find_operator_row(context.database.read(), parse_id(pod)?, since).await?;
    row.ok_or(Error::NotFound("pod"))
}

/// For operators: the pods of one node, newest first, at most a page of them.
pub async fn list_of_node(
    context: &Context,
    caller: Caller,
    node: NodeId,
) -> Result<Vec<NodePodRow>> {
    caller.operator()?;
    let since = context.now() - nodes::AWAY_MS;
    Ok(store::list(context.database.read(), Some(node), None, since, PAGE_ROWS).await?)
}

/// The account's own pod, for a change; anybody else's does not exist.
pub(crate) async fn get_own(tx: &mut Write, account: AccountId, pod: &str) -> Result<PodFacts> {
    get_in(tx, PeerScope { account, pod: None }, pod).await
}

/// A pod whose devices somebody manages, for a change to them; any other does not exist.
pub(crate) async fn get_in(tx: &mut Write, scope: PeerScope, pod: &str) -> Result<PodFacts> {
    let facts = store::find(tx, parse_id(pod)?).await?;
    facts.filter(|it| scope.holds(it.account, it.id)).ok_or(Error::NotFound("pod"))
}

/// A pod whose devices somebody manages, to look at.
pub(crate) async fn view_in(context: &Context, scope: PeerScope, pod: PodId) -> Result<PodFacts> {
    let facts = store::view(context.database.read(), pod).await?;
    facts.filter(|it| scope.holds(it.account, it.id)).ok_or(Error::NotFound("pod"))
}

/// A change that nodes are told of after its commit.
#[derive(Debug)]
pub(crate) struct Changed {
    /// Of the node that the pod is on.
    pub(crate) generation: Generation,
    nodes: Vec<(NodeId, Generation)>,
}

impl Changed {
    fn of(&self, node: NodeId) -> Generation {
        self.nodes.iter().find(|it| it.0 == node).map_or(self.generation, |it| it.1)
    }

    /// Wakes the streams of the nodes.
    pub(crate) fn tell(&self, context: &Context) {
        for (node, generation) in &self.nodes {
            context.connections.wake(*node, *generation);
        }
    }
}

/// Marks a pod as changed at the next generation of every node that serves it, and holds the rows
/// until the commit.
pub(crate) async fn mark_changed(tx: &mut Write, facts: &PodFacts) -> Result<Changed> {
    let mut changed = count_change(tx, facts.nodes()).await?;
    changed.generation = changed.of(facts.node);
    if !store::set_changed(tx, facts.id, facts.node, changed.generation).await? {
        return Err(gone(tx, facts.id).await);
    }
    if let Some(former) = &facts.former {
        let generation = changed.of(former.node);
        store::set_former_changed(tx, facts.id, former.node, generation).await?;
    }
    Ok(changed)
}

/// Marks pods as changed at the next generation of the nodes that they are on.
pub(crate) async fn mark_placed(tx: &mut Write, placements: &[Placement]) -> Result<Changed> {
    let changed = count_change(tx, placements.iter().map(|it| it.node).collect()).await?;
    for it in placements {
        store::set_changed(tx, it.pod, it.node, changed.of(it.node)).await?;
    }
    Ok(changed)
}

/// Counts a change on some nodes, always in the same order: two of these never wait for one
/// another.
async fn count_change(tx: &mut Write, mut nodes: Vec<NodeId>) -> Result<Changed> {
    nodes.sort_unstable();
    nodes.dedup();
    let mut changed = Changed { generation: Generation(0), nodes: Vec::new() };
    for node in nodes {
        changed.nodes.push((node, nodes::bump(tx, node).await?));
    }
    Ok(changed)
}

/// Why a pod is not on the node where it was a moment ago.
async fn gone(tx: &mut Write, pod: PodId) -> Error {
    match store::find(tx, pod).await {
        Ok(None) => Error::NotFound("pod"),
        Ok(Some(_)) => {
            Error::Unavailable("this location moves to another server just now".to_owned())
        }
        Err(error) => error.into(),
    }
}

async fn free_port(tx: &mut Write, node: NodeId) -> Result<u16> {
    let port = store::free_port(tx, node, PORTS).await?;
    port.ok_or_else(|| {
        Error::Unavailable("this location is full: pick another one for now".to_owned())
    })
}

/// What a configuration names as DNS: the pod's own address on a node that resolves, else what the
/// operator configured.
pub(crate) fn dns(context: &Context, facts: &PodFacts) -> Vec<IpAddr> {
    let resolves = facts.node_resolves || context.settings.resolver.is_some();
    match facts.range(&context.deployment.addresses) {
        Some(range) if resolves => range.node().all().to_vec(),
        _ => context.settings.client_dns.clone(),
    }
}

/// What the owner of a pod that moved has to know: also when nobody serves it as it was any more,
/// for a device that is switched on seldom.
pub(crate) fn moved(context: &Context, facts: &PodFacts) -> Result<Option<MovedView>> {
    let ends_at = facts.former.as_ref().map(|it| it.ends_at);
    let since = context.now() - MOVED_TOLD_MS;
    let lately = facts.placed.is_some_and(|(at, _)| since < at);
    if ends_at.is_none() && !lately {
        return Ok(None);
    }
    Ok(Some(MovedView { ends_at, public_key: facts.public_key, endpoint: endpoint(facts)? }))
}

/// Where devices send their packets to.
pub(crate) fn endpoint(facts: &PodFacts) -> Result<String> {
    let host =
        Host::parse(&facts.endpoint).map_err(|error| anyhow::anyhow!("endpoint: {error}"))?;
    Ok(host.with_port(facts.port))
}

/// Forgets the keys of a node's pods: a new agent may have made others, and will tell.
pub(crate) async fn forget_keys(tx: &mut Write, node: NodeId) -> Result<()> {
    Ok(store::forget_keys(tx, node).await?)
}

/// Writes down what a node says of its pods, and lets go of what it has forgotten. A pod of
/// another node is refused.
pub(crate) async fn record_observed(
    context: &Context,
    tx: &mut Write,
    node: NodeId,
    observed: &ObservedState,
) -> Result<()> {
    let known = store::observed_of_node(tx, node).await?;
    for (pod, state) in &observed.pods {
        if let Some(fault) = &state.fault {
            nodes::ensure_words("fault", fault, MAX_FAULT_CHARS)?;
        }
        match known.get(pod) {
            Some(before) if before == state => {}
            Some(_) => store::set_observed(tx, node, *pod, state).await?,
            // A pod that is being forgotten, or one that never was this node's.
            None if store::is_tombstone_of(tx, *pod, node).await? => {}
            None => return Err(Error::invalid("pods", "one of them is not this node's")),
        }
    }
    let now = context.now();
    for pod in store::bury(tx, node, observed.generation, now + REST_MS).await? {
        usage::leave(tx, (pod, node), now, observed.clock_ms).await?;
    }
    Ok(())
}

/// What a pod is like to its owner.
pub(crate) fn state(
    paused: bool,
    has_key: bool,
    has_fault: bool,
    node_in_contact: bool,
    quota: QuotaState,
) -> PodState {
    if paused {
        return PodState::Paused;
    }
    match (has_key, has_fault, node_in_contact, quota) {
        (_, _, false, _) => PodState::NodeAway,
        (_, true, true, _) => PodState::Faulty,
        (false, false, true, _) => PodState::WaitingForNode,
        (true, false, true, QuotaState::Stopped) => PodState::Stopped,
        (true, false, true, QuotaState::Throttled) => PodState::Throttled,
        (true, false, true, QuotaState::Within) => PodState::Ready,
    }
}

fn parse_id(pod: &str) -> Result<PodId> {
    pod.parse().map_err(|_no_id| Error::NotFound("pod"))
}
