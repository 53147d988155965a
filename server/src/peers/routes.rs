//! What a device sends through its tunnel: chosen here, rendered in the browser.

#[cfg(test)]
mod tests;

use ipnet::IpNet;
use myrelay_app::{client_config::endpoint_address, contract::SetRoutes};
use myrelay_domain::routes::{CidrList, Routes, Tunnel, allowed_ips};
use serde_json::json;

use super::{parse_id, pod_of, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    error::InField,
    outbox::{self, Event},
    pods::{self, PodFacts},
};

/// Chooses what a device that the caller manages sends through its tunnel. Nodes have no part in
/// it. The same choice again changes nothing.
pub async fn set_routes(context: &Context, caller: Caller, input: SetRoutes) -> Result<()> {
    let scope = caller.peer_scope()?;
    let peer = parse_id(&input.peer)?;
    let routes = chosen(&input)?;

    let mut tx = context.database.write().await?;
    let pod = pod_of(&mut tx, scope, peer).await?;
    let inside = inside(context, &pod)?;
    if let Some(own) = routes.vain(inside.networks()) {
        let message = format!("{own} is the location's own: it always goes through the tunnel");
        return Err(Error::invalid("networks", message));
    }
    let tunnel =
        Tunnel { endpoint: endpoint_address(&pods::endpoint(&pod)?), inside: inside.networks() };
    allowed_ips(&routes, &tunnel).in_field("networks")?;

    if store::set_routes(&mut tx, peer, &routes).await? {
        let payload = json!({ "peer": peer, "pod": pod.id });
        outbox::record(context, &mut tx, Event::PeerRoutesChanged, Some(scope.account), payload)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// What goes through the tunnel of a pod's devices whatever they choose: its own addresses, so that
/// they reach each other where they may, and the resolvers, so that names are not asked beside it.
pub(super) fn inside(context: &Context, pod: &PodFacts) -> Result<CidrList> {
    let range = pod.range(&context.deployment.addresses);
    let range = range.ok_or_else(|| anyhow::anyhow!("{} has no addresses", pod.id))?;
    let own = [IpNet::from(range.v4), IpNet::from(range.v6)];
    let resolvers = pods::dns(context, pod).into_iter().map(|it| IpNet::from(it.to_canonical()));
    let resolvers = resolvers.filter(|it| !own.iter().any(|own| own.contains(it)));
    let list = CidrList::of(own.into_iter().chain(resolvers));
    Ok(list
        .map_err(|error| anyhow::anyhow!("what goes through the tunnel of {}: {error}", pod.id))?)
}

/// The form's choice. Networks that a mode does not use are not looked at.
fn chosen(input: &SetRoutes) -> Result<Routes> {
    Ok(match input.mode.as_str() {
        "everything" => Routes::Everything,
        "except-local" => Routes::except_local(),
        "except" => Routes::Except(CidrList::parse(&input.networks).in_field("networks")?),
        "only" => Routes::Only(CidrList::parse(&input.networks).in_field("networks")?),
        _ => return Err(Error::invalid("mode", "choose what goes through the tunnel")),
    })
}
