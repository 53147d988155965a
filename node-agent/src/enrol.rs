//! How a machine becomes a node: once, with the join line the operator copied.

use std::{path::Path, sync::Arc};

use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{EnrolRequest, Enrolled, JoinToken};

use crate::{
    identity::{Identity, IdentityError, NewKey},
    link::{Connection, LinkError, PortalAddress, of_joiner, of_node},
    memory,
    private_dir::{FileError, PrivateDir},
    system::System,
    usage,
};

/// Why a machine did not become a node.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("this machine is {0} already; `--again` makes it another one")]
    Already(NodeId),
    #[error("no key could be made: {0}")]
    Key(#[from] rcgen::Error),
    #[error("the portal answered for {got}, and the join line is for {asked}")]
    OtherNode { asked: NodeId, got: NodeId },
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Redeems a join token. Nothing is sent before the portal proved to be the one of the token, and
/// the token is not used up when the answer could not be kept.
///
/// `again` lets a machine that is a node already take another identity. The same node keeps its
/// pods and keys; another one starts empty.
pub async fn join(
    portal: PortalAddress,
    token: JoinToken,
    state_dir: &Path,
    again: bool,
    system: &Arc<dyn System>,
) -> Result<NodeId, JoinError> {
    let dir = PrivateDir::open(state_dir)?;
    let _lock = dir.lock()?;
    let before = match Identity::load(&dir) {
        Ok(identity) if !again => return Err(JoinError::Already(identity.node)),
        Ok(identity) => Some(identity.node),
        Err(IdentityError::Missing | IdentityError::Damaged(_)) => None,
        Err(error) => return Err(error.into()),
    };
    // Whether the disk takes writes shows now, while the token is still good.
    dir.write("joining", b"")?;
    dir.remove("joining")?;
    let new = NewKey::generate()?;
    let request = EnrolRequest {
        token: token.redeem(),
        csr_pem: new.csr_pem.clone(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let config = of_joiner(token.ca, system)?;
    let mut connection = Connection::dial(&portal, config).await?;
    let enrolled: Enrolled = connection.post("/enrol", &request).await?;
    let Enrolled { node, certificate_pem, ca_pem, not_after_ms: _ } = enrolled;
    if node != token.node {
        return Err(JoinError::OtherNode { asked: token.node, got: node });
    }
    let identity = new.certified(node, portal, certificate_pem, ca_pem)?;
    // Whether key and certificate belong together shows here.
    of_node(&identity, system)?;
    if before != Some(node) {
        memory::forget(&dir)?;
    }
    // Who knows of no node before may have been this one: what it counted is still to be told.
    if before.is_some_and(|it| it != node) {
        usage::forget(&dir)?;
    }
    identity.store(&dir)?;
    Ok(node)
}
