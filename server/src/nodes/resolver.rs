//! Which resolvers a node asks for its devices: its own, or the deployment's.

use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{ResolverSettings, ResolverUpstream};
use serde_json::json;

use super::{bump, parse_id, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    database::Write,
    deployment,
    error::InField,
    outbox::{self, Event},
};

/// For operators: names the resolvers of one node, separated by commas or blanks; with none it has
/// the deployment's. Twice is fine.
pub async fn set_resolver(
    context: &Context,
    caller: Caller,
    node: &str,
    upstreams: &str,
) -> Result<()> {
    caller.operator()?;
    let node = parse_id(node)?;
    let settings = parse(upstreams).in_field("upstreams")?;
    let resolver = settings.as_ref().map(text);
    let mut tx = context.database.write().await?;
    let facts = store::find(&mut tx, node).await?.ok_or(Error::NotFound("node"))?;
    if facts.retired {
        return Err(Error::invalid("node", "this node was retired"));
    }
    if facts.resolver == resolver {
        return Ok(());
    }
    let generation = bump(&mut tx, node).await?;
    store::set_resolver(&mut tx, node, resolver.as_deref()).await?;
    outbox::record(context, &mut tx, Event::NodeResolverChanged, None, json!({ "node": node }))
        .await?;
    tx.commit().await?;
    context.connections.wake(node, generation);
    Ok(())
}

/// At the start: nodes that ask the deployment's resolvers are told when these are others than the
/// portal had before.
pub async fn settle_resolver(context: &Context) -> Result<()> {
    let resolver = context.settings.resolver.as_ref().map(text).unwrap_or_default();
    let mut tx = context.database.write().await?;
    if deployment::set_resolver(&mut tx, &resolver).await? {
        store::bump_with_deployments_resolver(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What a node runs, as of a transaction's moment.
pub(crate) async fn resolver_in(
    snapshot: &mut Write,
    context: &Context,
    node: NodeId,
) -> Result<Option<ResolverSettings>> {
    let own = store::find(snapshot, node).await?.and_then(|it| it.resolver);
    let Some(own) = own else { return Ok(context.settings.resolver.clone()) };
    parse(&own).map_err(|error| anyhow::anyhow!("the resolvers of {node}: {error}").into())
}

/// The settings of what an operator wrote; none when there is nothing.
pub(crate) fn parse(
    upstreams: &str,
) -> Result<Option<ResolverSettings>, myrelay_node_protocol::ResolverSettingsError> {
    let words = upstreams.split([',', ' ', '\n', '\r', '\t']).filter(|it| !it.is_empty());
    let upstreams = words.map(ResolverUpstream::parse).collect::<Result<Vec<_>, _>>()?;
    if upstreams.is_empty() {
        return Ok(None);
    }
    ResolverSettings::new(upstreams, Vec::new()).map(Some)
}

/// The resolvers as an operator writes them.
pub(crate) fn text(settings: &ResolverSettings) -> String {
    settings.upstreams().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
