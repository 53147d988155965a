//! The pods' SQL.

mod desired;
mod observed;
mod placements;
mod ranges;
mod views;

use myrelay_domain::{
    addresses::Block,
    ids::{AccountId, LocationId, NodeId, PodId},
    interface::InterfaceName,
};
use myrelay_node_protocol::Generation;

pub(crate) use self::{desired::desired, placements::PodFacts};
pub(super) use self::{
    observed::{forget_keys, is_tombstone_of, observed_of_node, set_observed},
    placements::{
        bury, count_on_node, delete, end_former, ended, find, forget_tombstone, former_on_node,
        give_up, insert_former, insert_tombstone, place, some_of_node, view,
    },
    ranges::{free_port, take_range},
    views::{find_operator_row, find_row, list, list_of_account},
};
use crate::database::{Write, read_id, read_number};

/// A pod that is to be.
pub(super) struct NewPod {
    pub(super) id: PodId,
    pub(super) account: AccountId,
    pub(super) node: NodeId,
    pub(super) location: LocationId,
    pub(super) interface: InterfaceName,
    pub(super) port: u16,
    pub(super) range: Block,
    pub(super) generation: Generation,
}

pub(super) async fn insert(tx: &mut Write, pod: &NewPod, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO pods (id, account_id, node_id, location_id, interface, port, range_number, \
             changed_generation, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(pod.id.to_string())
    .bind(pod.account.to_string())
    .bind(pod.node.to_string())
    .bind(pod.location.to_string())
    .bind(pod.interface.as_str())
    .bind(i64::from(pod.port))
    .bind(i64::from(pod.range.first))
    .bind(pod.generation.0.cast_signed())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn find_in_location(
    tx: &mut Write,
    account: AccountId,
    location: LocationId,
) -> sqlx::Result<Option<PodId>> {
    let id: Option<String> =
        sqlx::query_scalar("SELECT id FROM pods WHERE account_id = $1 AND location_id = $2")
            .bind(account.to_string())
            .bind(location.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    id.map(|id| read_id(&id)).transpose()
}

pub(super) async fn count_of_account(tx: &mut Write, account: AccountId) -> sqlx::Result<u32> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pods WHERE account_id = $1")
        .bind(account.to_string())
        .fetch_one(&mut **tx)
        .await?;
    read_number(count)
}

/// Marks a pod as changed on the node it is on; answers whether it is there.
pub(super) async fn set_changed(
    tx: &mut Write,
    id: PodId,
    node: NodeId,
    generation: Generation,
) -> sqlx::Result<bool> {
    let sql = "UPDATE pods SET changed_generation = $3 WHERE id = $1 AND node_id = $2";
    let done = sqlx::query(sql)
        .bind(id.to_string())
        .bind(node.to_string())
        .bind(generation.0.cast_signed())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a pod as changed on the node that it moved from.
pub(super) async fn set_former_changed(
    tx: &mut Write,
    id: PodId,
    node: NodeId,
    generation: Generation,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE former_placements SET changed_generation = $3 WHERE pod_id = $1 AND node_id = $2",
    )
    .bind(id.to_string())
    .bind(node.to_string())
    .bind(generation.0.cast_signed())
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Pauses a pod since a moment, or no longer.
pub(super) async fn set_paused(tx: &mut Write, id: PodId, since: Option<i64>) -> sqlx::Result<()> {
    let sql = "UPDATE pods SET paused_at = $2 WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).bind(since).execute(&mut **tx).await.map(drop)
}

/// Lets a pod's devices reach each other since a moment, or no longer.
pub(super) async fn set_devices_meet(
    tx: &mut Write,
    id: PodId,
    since: Option<i64>,
) -> sqlx::Result<()> {
    let sql = "UPDATE pods SET devices_meet_at = $2 WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).bind(since).execute(&mut **tx).await.map(drop)
}

/// Marks every pod of an account on a node as changed, those that moved away included.
pub(super) async fn set_changed_of_account(
    tx: &mut Write,
    account: AccountId,
    node: NodeId,
    generation: Generation,
) -> sqlx::Result<()> {
    for sql in [
        "UPDATE pods SET changed_generation = $3 WHERE account_id = $1 AND node_id = $2",
        "UPDATE former_placements SET changed_generation = $3 \
         WHERE node_id = $2 AND pod_id IN (SELECT id FROM pods WHERE account_id = $1)",
    ] {
        sqlx::query(sql)
            .bind(account.to_string())
            .bind(node.to_string())
            .bind(generation.0.cast_signed())
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Every node that serves a pod of the account, those that pods moved from included, in order.
pub(super) async fn nodes_of_account(
    tx: &mut Write,
    account: AccountId,
) -> sqlx::Result<Vec<NodeId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT node_id FROM pods WHERE account_id = $1 \
         UNION SELECT former_placements.node_id FROM former_placements \
             JOIN pods ON pods.id = former_placements.pod_id WHERE pods.account_id = $1 \
         ORDER BY node_id",
    )
    .bind(account.to_string())
    .fetch_all(&mut **tx)
    .await?;
    ids.iter().map(|id| read_id(id)).collect()
}
