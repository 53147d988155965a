//! Reading what a node should have.

use std::collections::BTreeMap;

use myrelay_domain::{
    addresses::{AddressPlan, HostAddresses, PodRange},
    ids::{NodeId, PeerId, PodId},
};
use myrelay_node_protocol::{DesiredPeer, DesiredPod, Generation};

use crate::database::{Write, read_id, read_number, read_text};

/// The pods of a node that changed after a generation, with all their devices, and those that are
/// gone. The transaction is a snapshot. A suspended account's pods have no devices.
pub(crate) async fn desired(
    snapshot: &mut Write,
    addresses: &AddressPlan,
    node: NodeId,
    after: Generation,
) -> sqlx::Result<(BTreeMap<PodId, DesiredPod>, Vec<PodId>)> {
    let (node, after) = (node.to_string(), i64::try_from(after.0).unwrap_or(i64::MAX));
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "SELECT id, interface, port, range_number FROM pods \
         WHERE node_id = $1 AND changed_generation > $2",
    )
    .bind(&node)
    .bind(after)
    .fetch_all(&mut **snapshot)
    .await?;
    let mut pods = BTreeMap::new();
    for (id, interface, port, range_number) in rows {
        let pod = DesiredPod {
            interface: read_text(&interface)?,
            port: read_number(port)?,
            range: range(addresses, range_number)?,
            peers: BTreeMap::new(),
        };
        pods.insert(read_id(&id)?, pod);
    }
    let peers: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT peers.pod_id, peers.id, peers.public_key, peers.host \
         FROM peers JOIN pods ON pods.id = peers.pod_id \
             JOIN accounts ON accounts.id = pods.account_id \
         WHERE pods.node_id = $1 AND pods.changed_generation > $2 \
             AND accounts.suspended_at IS NULL",
    )
    .bind(&node)
    .bind(after)
    .fetch_all(&mut **snapshot)
    .await?;
    for (pod, id, public_key, host) in peers {
        let Some(pod) = pods.get_mut(&read_id(&pod)?) else { continue };
        let id: PeerId = read_id(&id)?;
        let addresses = device(&pod.range, host)?;
        pod.peers.insert(id, DesiredPeer { public_key: read_text(&public_key)?, addresses });
    }
    let removed: Vec<String> = sqlx::query_scalar(
        "SELECT pod_id FROM pod_tombstones WHERE node_id = $1 AND deleted_generation > $2",
    )
    .bind(&node)
    .bind(after)
    .fetch_all(&mut **snapshot)
    .await?;
    let removed = removed.iter().map(|id| read_id(id)).collect::<sqlx::Result<_>>()?;
    Ok((pods, removed))
}

fn range(addresses: &AddressPlan, number: i64) -> sqlx::Result<PodRange> {
    let range = addresses.pod_range(read_number(number)?);
    range.ok_or_else(|| outside(format!("range {number} is outside the deployment's pools")))
}

fn device(range: &PodRange, host: i64) -> sqlx::Result<HostAddresses> {
    let device = range.device(read_number(host)?);
    device.ok_or_else(|| outside(format!("device {host} is outside its pod's range")))
}

fn outside(what: String) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
