//! Pods: an account's own interface in a location.

mod store;
mod suspension;
#[cfg(test)]
mod tests;

use myrelay_app::contract::{CreatePod, HomeView, NodePodRow, PAGE_ROWS, Page, PodRow, PodState};
use myrelay_domain::{
    ids::{AccountId, LocationId, NodeId, PodId},
    interface::InterfaceName,
};
use myrelay_node_protocol::{Generation, ObservedState};
use serde_json::json;
pub(crate) use store::{PodFacts, desired};
pub use suspension::{resume_account, suspend_account};

use crate::{
    Error, Result,
    context::{Caller, Context},
    database::Write,
    deployment,
    error::InField,
    nodes,
    outbox::{self, Event},
    paging::page,
    plans,
};

/// The first UDP port of pods on a node, and how many there are.
const PORTS: std::ops::Range<u16> = 51820..61820;

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
    let plan = plans::plan_of(&mut tx, account).await?;
    let existing = store::count_of_account(&mut tx, account).await?;
    plan.limits.ensure_pod(existing).map_err(|error| Error::Limit(error.to_string()))?;

    let pod: PodId = context.new_id();
    let range_number = store::take_range(&mut tx, pod).await?;
    if context.deployment.addresses.pod_range(range_number).is_none() {
        let message = "no addresses are left: the operator has to enlarge the IPv4 pool";
        return Err(Error::Unavailable(message.to_owned()));
    }
    let generation = nodes::bump(&mut tx, node).await?;
    let port = store::free_port(&mut tx, node, PORTS).await?.ok_or_else(|| {
        Error::Unavailable("this location is full: pick another one for now".to_owned())
    })?;
    let row = store::NewPod {
        id: pod,
        account,
        node,
        location,
        interface: InterfaceName::from_random(context.random()),
        port,
        range_number,
        generation,
    };
    store::insert(&mut tx, &row, context.now()).await?;
    let payload = json!({ "pod": pod, "node": node });
    outbox::record(context, &mut tx, Event::PodCreated, Some(account), payload).await?;
    tx.commit().await?;
    context.connections.wake(node, generation);
    Ok(pod)
}

/// Deletes a pod and its devices. The node forgets its key; the addresses are given to another
/// pod only after the node said so.
pub async fn delete_pod(context: &Context, caller: Caller, pod: &str) -> Result<()> {
    let account = caller.account()?;
    let mut tx = context.database.write().await?;
    let facts = get_own(&mut tx, account, pod).await?;
    let generation = nodes::bump(&mut tx, facts.node).await?;
    if !store::delete(&mut tx, &facts, generation, context.now()).await? {
        return Err(Error::NotFound("pod"));
    }
    let payload = json!({ "pod": facts.id, "node": facts.node });
    outbox::record(context, &mut tx, Event::PodDeleted, Some(account), payload).await?;
    tx.commit().await?;
    context.connections.wake(facts.node, generation);
    Ok(())
}

/// Where a customer has pods, and where they could.
pub async fn home(context: &Context, caller: Caller) -> Result<HomeView> {
    let account = caller.account()?;
    let plan = plans::view_plan_of(context, account).await?;
    let since = context.now() - nodes::AWAY_MS;
    let pods = store::list_of_account(context.database.read(), account, since).await?;
    let locations = nodes::locations(context).await?;
    Ok(HomeView { pods, locations, plan: plan.name, pod_limit: plan.limits.pods })
}

/// One pod of the account that asks.
pub async fn get_row(context: &Context, caller: Caller, pod: &str) -> Result<PodRow> {
    let account = caller.account()?;
    let since = context.now() - nodes::AWAY_MS;
    let row = store::find_row(context.database.read(), account, parse_id(pod)?, since).await?;
    row.ok_or(Error::NotFound("pod"))
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
    let facts = store::find(tx, parse_id(pod)?).await?;
    facts.filter(|it| it.account == account).ok_or(Error::NotFound("pod"))
}

/// The account's own pod, to look at.
pub(crate) async fn view_own(
    context: &Context,
    account: AccountId,
    pod: PodId,
) -> Result<PodFacts> {
    let facts = store::view(context.database.read(), pod).await?;
    facts.filter(|it| it.account == account).ok_or(Error::NotFound("pod"))
}

/// Marks a pod as changed at the node's next generation, and holds both rows until the commit.
pub(crate) async fn mark_changed(tx: &mut Write, facts: &PodFacts) -> Result<Generation> {
    let generation = nodes::bump(tx, facts.node).await?;
    if !store::set_changed(tx, facts.id, generation).await? {
        return Err(Error::NotFound("pod"));
    }
    Ok(generation)
}

/// Forgets the keys of a node's pods: a new agent may have made others, and will tell.
pub(crate) async fn forget_keys(tx: &mut Write, node: NodeId) -> Result<()> {
    Ok(store::forget_keys(tx, node).await?)
}

/// Writes down what a node says of its pods, and lets go of what it has forgotten. A pod of
/// another node is refused.
pub(crate) async fn record_observed(
    tx: &mut Write,
    node: NodeId,
    observed: &ObservedState,
) -> Result<()> {
    let known = store::observed_of_node(tx, node).await?;
    for (pod, state) in &observed.pods {
        if state.fault.as_ref().is_some_and(|it| it.chars().count() > 300) {
            return Err(Error::invalid("fault", "at most 300 characters"));
        }
        match known.get(pod) {
            Some(Some(before)) if before == state => {}
            Some(_) => store::set_observed(tx, *pod, state).await?,
            // A pod that is being forgotten, or one that never was this node's.
            None if store::is_tombstone_of(tx, *pod, node).await? => {}
            None => return Err(Error::invalid("pods", "one of them is not this node's")),
        }
    }
    store::bury(tx, node, observed.generation).await?;
    Ok(())
}

/// What a pod is like to its owner.
pub(crate) fn state(has_key: bool, has_fault: bool, node_in_contact: bool) -> PodState {
    match (has_key, has_fault, node_in_contact) {
        (_, _, false) => PodState::NodeAway,
        (_, true, true) => PodState::Faulty,
        (false, false, true) => PodState::WaitingForNode,
        (true, false, true) => PodState::Ready,
    }
}

fn parse_id(pod: &str) -> Result<PodId> {
    pod.parse().map_err(|_no_id| Error::NotFound("pod"))
}
