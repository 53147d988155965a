//! What the running agent says about itself, in a file that only its user can read.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use myrelay_domain::{
    ids::{NodeId, PodId},
    interface::InterfaceName,
    keys::PublicKey,
};
use myrelay_node_protocol::{Epoch, Generation, HardeningReport, QuotaState};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::{
    link::PortalAddress,
    node::Node,
    private_dir::{FileError, PrivateDir},
    privileges::{self, Privileges},
    usage::UsageStatus,
};

const FILE: &str = "status.json";
/// Changes within this time are written together.
const SETTLE: Duration = Duration::from_millis(200);

/// What the agent knows of itself. It says nothing about who uses a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    pub version: String,
    /// When this was written, in milliseconds since 1970-01-01 UTC, as all times here.
    pub written_ms: i64,
    pub node: NodeId,
    pub portal: PortalAddress,
    pub backend: String,
    /// Since when it hears the portal; none while it does not.
    pub connected_since_ms: Option<i64>,
    /// What went wrong last with the portal.
    pub trouble: Option<String>,
    pub retired: bool,
    pub certificate_not_after_ms: i64,
    /// None before the portal said anything.
    pub wanted: Option<Version>,
    /// None before the first round.
    pub applied: Option<Version>,
    pub pods: BTreeMap<PodId, PodStatus>,
    /// What is wrong with the node as a whole.
    pub faults: Vec<String>,
    /// Interfaces that look like ours and are not.
    pub foreign: Vec<String>,
    /// How the counting of traffic is.
    pub usage: UsageStatus,
    /// This machine's clock minus the portal's, in milliseconds; none before it answered.
    pub clock_skew_ms: Option<i64>,
    /// What the agent may do to its machine; none if the kernel does not tell.
    pub privileges: Option<Privileges>,
    /// How the host is hardened.
    pub hardening: HardeningReport,
}

/// Which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    pub epoch: Epoch,
    pub generation: Generation,
}

/// One pod that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodStatus {
    pub interface: InterfaceName,
    pub port: u16,
    pub devices: usize,
    /// None before the node made its key.
    pub public_key: Option<PublicKey>,
    pub fault: Option<String>,
    /// How it stands with its quota.
    pub quota: QuotaState,
}

/// Reads what the agent last wrote, and whether it runs now.
pub fn read(dir: &PrivateDir) -> Result<Option<(Status, bool)>, FileError> {
    let running = dir.is_in_use()?;
    let bytes = dir.read(FILE)?;
    let status = bytes.and_then(|it| serde_json::from_slice(&it).ok());
    Ok(status.map(|it| (it, running)))
}

/// Writes the file on every change.
pub(crate) async fn write_for_ever(node: Arc<Node>) -> Infallible {
    let mut contact = node.contact.subscribe();
    let mut desired = node.desired.subscribe();
    let mut applied = node.applied.subscribe();
    let mut identity = node.identity.subscribe();
    let mut usage = node.usage.status.subscribe();
    let mut quotas = node.quotas.subscribe();
    let mut faults = node.faults.subscribe();
    let mut hardening = node.hardening.subscribe();
    loop {
        write(&node, &status(&node));
        // The senders live as long as the node.
        tokio::select! {
            _ = contact.changed() => {}
            _ = desired.changed() => {}
            _ = applied.changed() => {}
            _ = identity.changed() => {}
            _ = usage.changed() => {}
            _ = quotas.changed() => {}
            _ = faults.changed() => {}
            _ = hardening.changed() => {}
        }
        sleep(SETTLE).await;
        contact.mark_unchanged();
        desired.mark_unchanged();
        applied.mark_unchanged();
        identity.mark_unchanged();
        usage.mark_unchanged();
        quotas.mark_unchanged();
        faults.mark_unchanged();
        hardening.mark_unchanged();
    }
}

/// Writes that it ended.
pub(crate) fn write_stopped(node: &Node) {
    write(node, &Status { connected_since_ms: None, ..status(node) });
}

fn write(node: &Node, status: &Status) {
    // Maps with ordered string keys always serialise.
    let json = serde_json::to_vec_pretty(status).unwrap_or_default();
    if let Err(error) = node.dir.write(FILE, &json) {
        tracing::warn!(%error, "the status is not written");
    }
}

fn status(node: &Node) -> Status {
    let identity = node.identity();
    let contact = node.contact.borrow().clone();
    let wanted = node.wanted();
    let applied = node.applied.borrow().clone();
    let quotas = node.quotas.borrow().clone();
    let version = |(epoch, generation)| Version { epoch, generation };
    let observed = |pod: &PodId| applied.as_ref().and_then(|it| it.pods.get(pod));
    let pods = wanted.iter().flat_map(|it| &it.pods).map(|(id, pod)| {
        let status = PodStatus {
            interface: pod.interface.clone(),
            port: pod.port,
            devices: pod.peers.len(),
            public_key: observed(id).and_then(|it| it.public_key),
            fault: observed(id).and_then(|it| it.fault.clone()),
            quota: quotas.get(id).copied().unwrap_or_default(),
        };
        (*id, status)
    });
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        written_ms: node.system.now_ms(),
        node: identity.node,
        portal: identity.portal.clone(),
        backend: node.backend.name().to_owned(),
        connected_since_ms: contact.since_ms,
        trouble: contact.trouble,
        retired: contact.retired,
        certificate_not_after_ms: identity.validity().not_after_ms,
        pods: pods.collect(),
        wanted: wanted.as_ref().map(|it| version(it.version())),
        applied: applied.as_ref().map(|it| version(it.version)),
        faults: node.all_faults(&applied.as_deref().cloned().unwrap_or_default()),
        foreign: applied.iter().flat_map(|it| it.foreign.clone()).collect(),
        usage: *node.usage.status.borrow(),
        clock_skew_ms: *node.requests.skew_ms.borrow(),
        privileges: privileges::current().ok(),
        hardening: node.hardening.borrow().as_ref().clone(),
    }
}
