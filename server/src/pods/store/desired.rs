//! Reading what a node should have.

use std::collections::BTreeMap;

use myrelay_domain::{
    addresses::{AddressPlan, Block, HostAddresses, PodRange},
    ids::{NodeId, PeerId, PodId},
    limits::{Quota, QuotaEnd, Speed},
};
use myrelay_node_protocol::{Carried, DesiredPeer, DesiredPod, Generation, PodQuota};
use sqlx::FromRow;

use crate::database::{Write, read_id, read_number, read_text};

/// A statement over the pods that a node is to serve and that changed: those on it, and those that
/// moved away and are served there still.
macro_rules! placed {
    ($select:literal, $rest:literal) => {
        concat!(
            $select,
            "FROM (SELECT id AS pod_id, port FROM pods \
                   WHERE node_id = $1 AND changed_generation > $2 \
                   UNION ALL SELECT pod_id, port FROM former_placements \
                   WHERE node_id = $1 AND changed_generation > $2) AS placed \
             JOIN pods ON pods.id = placed.pod_id ",
            $rest
        )
    };
}
/// The pods of a node that changed after a generation, with all their devices, and those that are
/// gone. A pod that moved away stands in it for as long as the node serves it. The transaction is
/// a snapshot. A paused pod has no devices, nor has one of a suspended account.
pub(crate) async fn desired(
    snapshot: &mut Write,
    addresses: &AddressPlan,
    node: NodeId,
    after: Generation,
) -> sqlx::Result<(BTreeMap<PodId, DesiredPod>, Vec<PodId>)> {
    let (node, after) = (node.to_string(), i64::try_from(after.0).unwrap_or(i64::MAX));
    let rows: Vec<PodRow> = sqlx::query_as(placed!(
        "SELECT pods.id, pods.interface, placed.port, pods.range_number, pod_ranges.size, \
             pods.devices_meet_at, plans.speed_down, plans.speed_up, plans.quota_bytes, \
             plans.throttle_down, plans.throttle_up, accounts.reset_day, \
             usage_placements.carried_bytes, usage_placements.carried_period_at ",
        "JOIN pod_ranges ON pod_ranges.number = pods.range_number \
         JOIN accounts ON accounts.id = pods.account_id JOIN plans ON plans.id = accounts.plan_id \
         LEFT JOIN usage_placements ON usage_placements.pod_id = pods.id \
             AND usage_placements.node_id = $1"
    ))
    .bind(&node)
    .bind(after)
    .fetch_all(&mut **snapshot)
    .await?;
    let mut pods = BTreeMap::new();
    for row in rows {
        let pod = DesiredPod {
            interface: read_text(&row.interface)?,
            port: read_number(row.port)?,
            range: range(addresses, row.range_number, row.size)?,
            devices_meet: row.devices_meet_at.is_some(),
            speed: speed(row.limits.speed_down, row.limits.speed_up)?,
            quota: row.limits.quota()?,
            peers: BTreeMap::new(),
        };
        pods.insert(read_id(&row.id)?, pod);
    }
    let peers: Vec<(String, String, String, i64)> = sqlx::query_as(placed!(
        "SELECT peers.pod_id, peers.id, peers.public_key, peers.host ",
        "JOIN peers ON peers.pod_id = pods.id JOIN accounts ON accounts.id = pods.account_id \
         WHERE pods.paused_at IS NULL AND accounts.suspended_at IS NULL \
             AND accounts.unpaid_at IS NULL"
    ))
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

#[derive(FromRow)]
struct PodRow {
    id: String,
    interface: String,
    port: i64,
    range_number: i64,
    size: i64,
    devices_meet_at: Option<i64>,
    #[sqlx(flatten)]
    limits: LimitsRow,
}

#[derive(FromRow)]
struct LimitsRow {
    speed_down: Option<i64>,
    speed_up: Option<i64>,
    quota_bytes: Option<i64>,
    throttle_down: Option<i64>,
    throttle_up: Option<i64>,
    reset_day: i64,
    carried_bytes: Option<i64>,
    carried_period_at: Option<i64>,
}

impl LimitsRow {
    fn quota(&self) -> sqlx::Result<Option<PodQuota>> {
        let Some(bytes) = self.quota_bytes else { return Ok(None) };
        let then = speed(self.throttle_down, self.throttle_up)?;
        let then = then.map_or(QuotaEnd::Stop, QuotaEnd::Throttle);
        let carried = Carried {
            period_ms: self.carried_period_at.unwrap_or_default(),
            bytes: read_number(self.carried_bytes.unwrap_or_default())?,
        };
        let limit = Quota { bytes: read_number(bytes)?, then };
        Ok(Some(PodQuota { limit, reset_day: read_number(self.reset_day)?, carried }))
    }
}

fn speed(down: Option<i64>, up: Option<i64>) -> sqlx::Result<Option<Speed>> {
    let (Some(down), Some(up)) = (down, up) else { return Ok(None) };
    Ok(Some(Speed { down: read_number(down)?, up: read_number(up)? }))
}

fn range(addresses: &AddressPlan, first: i64, size: i64) -> sqlx::Result<PodRange> {
    let block = Block { first: read_number(first)?, size: read_number(size)? };
    let range = addresses.range_of(block);
    range.ok_or_else(|| outside(format!("range {first} is outside the deployment's pools")))
}

fn device(range: &PodRange, host: i64) -> sqlx::Result<HostAddresses> {
    let device = range.device(read_number(host)?);
    device.ok_or_else(|| outside(format!("device {host} is outside its pod's range")))
}

fn outside(what: String) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
