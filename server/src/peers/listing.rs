//! What a program reads of the pods whose devices it manages: a pod by itself, devices by the page.

use myrelay_app::contract::{PAGE_ROWS, Page, PeerView, PodRow};
use myrelay_domain::{addresses::PodRange, ids::PeerId, keys::PublicKey};

use super::{store, view};
use crate::{
    Result,
    context::{Caller, Context},
    error::InField,
    nodes,
    paging::page,
    pods,
};

/// A pod as programs see it.
pub struct PodInfo {
    pub row: PodRow,
    /// `host:port`, where devices send their packets to.
    pub endpoint: String,
    /// None while the node has not made it.
    pub public_key: Option<PublicKey>,
    /// None when the deployment's pool no longer has it.
    pub range: Option<PodRange>,
}

/// Every pod whose devices the caller manages.
pub async fn list_pods(context: &Context, caller: Caller) -> Result<Vec<PodInfo>> {
    let mut pods = Vec::new();
    for row in pods::list_rows(context, caller).await? {
        pods.push(info(context, caller, row).await?);
    }
    Ok(pods)
}

/// One of them.
pub async fn pod_info(context: &Context, caller: Caller, pod: &str) -> Result<PodInfo> {
    let row = pods::get_row(context, caller, pod).await?;
    info(context, caller, row).await
}

/// A page of its devices, oldest first, after one of them.
pub async fn list_peers(
    context: &Context,
    caller: Caller,
    pod: &str,
    after: Option<&str>,
) -> Result<Page<PeerView>> {
    let row = pods::get_row(context, caller, pod).await?;
    let after = after.map(str::parse::<PeerId>).transpose().in_field("after")?;
    let facts = pods::view_in(context, caller.peer_scope()?, row.id).await?;
    let contact = nodes::contact(context, facts.node).await?;
    let rows = store::list(context.database.read(), row.id, after, PAGE_ROWS + 1).await?;
    let rows: Result<Vec<_>> =
        rows.into_iter().map(|it| view(context, it, &facts, &contact)).collect();
    Ok(page(rows?, |peer| peer.id.to_string()))
}

async fn info(context: &Context, caller: Caller, row: PodRow) -> Result<PodInfo> {
    let facts = pods::view_in(context, caller.peer_scope()?, row.id).await?;
    Ok(PodInfo {
        endpoint: pods::endpoint(&facts)?,
        public_key: facts.public_key,
        range: facts.range(&context.deployment.addresses),
        row,
    })
}
