//! Taking a node in, giving it its next certificate, and knowing it again.

use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{EnrolRequest, Enrolled, JoinToken, RenewRequest, Renewed};
use serde_json::json;

use super::store;
use crate::{
    Error, Result,
    authority::IssuedCertificate,
    context::Context,
    database::Write,
    error::InField,
    outbox::{self, Event},
};

/// Redeems a join token and issues the node's first certificate: of any number of redemptions one
/// succeeds. A node that had joined before is replaced by this one.
pub(crate) async fn enrol(
    context: &Context,
    tx: &mut Write,
    input: EnrolRequest,
) -> Result<Enrolled> {
    let (node, secret) = JoinToken::parse_redeem(&input.token).in_field("token")?;
    let now = context.now();
    if !store::use_join_token(tx, node, &secret.hash(), now).await? {
        let why = store::find_join_token(tx, node, &secret.hash()).await?;
        return Err(Error::invalid("token", refusal(why)));
    }
    let facts = store::find(tx, node).await?.ok_or(Error::NotFound("node"))?;
    if facts.retired {
        return Err(Error::invalid("token", "this node was retired: add it as a new one"));
    }
    let issued = issue(context, node, &input.csr_pem)?;
    store::set_joined(tx, node, &issued.key_hash, issued.not_after_ms, now).await?;
    store::forget_runs(tx, node).await?;
    outbox::record(context, tx, Event::NodeJoined, None, json!({ "node": node })).await?;
    Ok(Enrolled {
        node,
        certificate_pem: issued.certificate_pem,
        ca_pem: context.authority.ca_pem().to_owned(),
        not_after_ms: issued.not_after_ms,
    })
}

/// Issues a node's next certificate for a new key. The one it asked with, known by the hash of its
/// key, stays good until it ends: its stream goes on, and an answer that is lost can be asked for
/// again.
pub async fn renew(
    context: &Context,
    node: NodeId,
    asked_with: &str,
    input: RenewRequest,
) -> Result<Renewed> {
    let issued = issue(context, node, &input.csr_pem)?;
    let mut tx = context.database.write().await?;
    store::set_renewed(&mut tx, node, &issued.key_hash, issued.not_after_ms, asked_with).await?;
    tx.commit().await?;
    Ok(Renewed {
        certificate_pem: issued.certificate_pem,
        ca_pem: context.authority.ca_pem().to_owned(),
        not_after_ms: issued.not_after_ms,
    })
}

/// Knows a node by the hash of its certificate's key: an allow-list, asked for every connection.
pub async fn identify(context: &Context, key_hash: &str, node: NodeId) -> Result<NodeId> {
    let found = store::find_keys(context.database.read(), node).await?;
    let unknown = Error::Refused("this certificate is not one of a node: join again");
    let Some(keys) = found else { return Err(unknown) };
    // Hashes of public keys: there is nothing to learn from how long this takes.
    let known = [keys.current, keys.previous].into_iter().flatten().any(|it| it == key_hash);
    match known {
        true if keys.retired => Err(Error::Retired),
        true if keys.quarantined => Err(Error::Quarantined),
        true => Ok(node),
        false => Err(unknown),
    }
}

fn issue(context: &Context, node: NodeId, csr_pem: &str) -> Result<IssuedCertificate> {
    let serial = context.random();
    context.authority.issue_node(csr_pem, node, context.deployment.id, context.now(), serial)
}

fn refusal(token: Option<Option<i64>>) -> &'static str {
    match token {
        Some(Some(_)) => "this join line was used already: make a new one on the node's page",
        Some(None) => "this join line is over: make a new one on the node's page",
        None => "this join line is not known: copy the whole line, or make a new one",
    }
}
