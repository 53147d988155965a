//! The pods' SQL.

mod desired;
mod views;

use std::{collections::BTreeMap, ops::Range};

use myrelay_domain::{
    ids::{AccountId, LocationId, NodeId, PodId},
    interface::InterfaceName,
    keys::PublicKey,
};
use myrelay_node_protocol::{Generation, ObservedPod};
use sqlx::{Any, AnyPool, Executor};

pub(crate) use self::desired::desired;
pub(super) use self::views::{find_row, list, list_of_account};
use crate::database::{Write, read_id, read_number, read_text};

/// A pod that is to be.
pub(super) struct NewPod {
    pub(super) id: PodId,
    pub(super) account: AccountId,
    pub(super) node: NodeId,
    pub(super) location: LocationId,
    pub(super) interface: InterfaceName,
    pub(super) port: u16,
    pub(super) range_number: u32,
    pub(super) generation: Generation,
}

/// What rules and configurations ask of a pod.
#[derive(Clone, Debug)]
pub(crate) struct PodFacts {
    pub(crate) id: PodId,
    pub(crate) account: AccountId,
    pub(crate) node: NodeId,
    pub(crate) location: String,
    /// The node's host, as the operator typed it.
    pub(crate) endpoint: String,
    pub(crate) port: u16,
    pub(crate) range_number: u32,
    pub(crate) public_key: Option<PublicKey>,
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
    .bind(i64::from(pod.range_number))
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

/// Gives a pod the lowest range that nobody has. Only one transaction may be here at a time.
pub(super) async fn take_range(tx: &mut Write, pod: PodId) -> sqlx::Result<u32> {
    let free: Option<i64> = sqlx::query_scalar(
        "SELECT number FROM pod_ranges WHERE pod_id IS NULL ORDER BY number LIMIT 1",
    )
    .fetch_optional(&mut **tx)
    .await?;
    let (number, sql) = match free {
        Some(number) => (number, "UPDATE pod_ranges SET pod_id = $2 WHERE number = $1"),
        None => {
            let sql = "SELECT CAST(COALESCE(MAX(number) + 1, 0) AS BIGINT) FROM pod_ranges";
            let next = sqlx::query_scalar(sql).fetch_one(&mut **tx).await?;
            (next, "INSERT INTO pod_ranges (number, pod_id) VALUES ($1, $2)")
        }
    };
    sqlx::query(sql).bind(number).bind(pod.to_string()).execute(&mut **tx).await?;
    read_number(number)
}

/// The lowest port that no pod of the node has.
pub(super) async fn free_port(
    tx: &mut Write,
    node: NodeId,
    ports: Range<u16>,
) -> sqlx::Result<Option<u16>> {
    let used: Vec<i64> =
        sqlx::query_scalar("SELECT port FROM pods WHERE node_id = $1 ORDER BY port")
            .bind(node.to_string())
            .fetch_all(&mut **tx)
            .await?;
    let mut used = used.into_iter().peekable();
    Ok(ports.into_iter().find(|port| used.next_if_eq(&i64::from(*port)).is_none()))
}

macro_rules! select_facts {
    () => {
        "SELECT pods.id, pods.account_id, pods.node_id, locations.name, nodes.endpoint, pods.port, \
             pods.range_number, pods.public_key \
         FROM pods JOIN nodes ON nodes.id = pods.node_id \
             JOIN locations ON locations.id = pods.location_id WHERE pods.id = $1"
    };
}

type FactsRow = (String, String, String, String, String, i64, i64, Option<String>);

pub(super) async fn find(tx: &mut Write, id: PodId) -> sqlx::Result<Option<PodFacts>> {
    read_facts(&mut **tx, id).await
}

pub(super) async fn view(pool: &AnyPool, id: PodId) -> sqlx::Result<Option<PodFacts>> {
    read_facts(pool, id).await
}

async fn read_facts(
    executor: impl Executor<'_, Database = Any>,
    id: PodId,
) -> sqlx::Result<Option<PodFacts>> {
    let row: Option<FactsRow> =
        sqlx::query_as(select_facts!()).bind(id.to_string()).fetch_optional(executor).await?;
    let Some((_, account, node, location, endpoint, port, range_number, public_key)) = row else {
        return Ok(None);
    };
    Ok(Some(PodFacts {
        id,
        account: read_id(&account)?,
        node: read_id(&node)?,
        location,
        endpoint,
        port: read_number(port)?,
        range_number: read_number(range_number)?,
        public_key: public_key.map(|it| read_text(&it)).transpose()?,
    }))
}

/// Deletes a pod with its devices and leaves a tombstone for its node; answers whether it was
/// there.
pub(super) async fn delete(
    tx: &mut Write,
    pod: &PodFacts,
    generation: Generation,
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM pods WHERE id = $1")
        .bind(pod.id.to_string())
        .execute(&mut **tx)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO pod_tombstones (pod_id, node_id, port, deleted_generation, created_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(pod.id.to_string())
    .bind(pod.node.to_string())
    .bind(i64::from(pod.port))
    .bind(generation.0.cast_signed())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(true)
}

/// Answers whether the pod is there.
pub(super) async fn set_changed(
    tx: &mut Write,
    id: PodId,
    generation: Generation,
) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE pods SET changed_generation = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(generation.0.cast_signed())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn forget_keys(tx: &mut Write, node: NodeId) -> sqlx::Result<()> {
    sqlx::query("UPDATE pods SET public_key = NULL, fault = NULL WHERE node_id = $1")
        .bind(node.to_string())
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn set_changed_of_account(
    tx: &mut Write,
    account: AccountId,
    node: NodeId,
    generation: Generation,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE pods SET changed_generation = $3 WHERE account_id = $1 AND node_id = $2")
        .bind(account.to_string())
        .bind(node.to_string())
        .bind(generation.0.cast_signed())
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn nodes_of_account(
    tx: &mut Write,
    account: AccountId,
) -> sqlx::Result<Vec<NodeId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT node_id FROM pods WHERE account_id = $1 ORDER BY node_id",
    )
    .bind(account.to_string())
    .fetch_all(&mut **tx)
    .await?;
    ids.iter().map(|id| read_id(id)).collect()
}

/// What the portal knows of a node's pods. A pod whose key is not known yet has none here and
/// differs from every report.
pub(super) async fn observed_of_node(
    tx: &mut Write,
    node: NodeId,
) -> sqlx::Result<BTreeMap<PodId, Option<ObservedPod>>> {
    let rows: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as("SELECT id, public_key, fault FROM pods WHERE node_id = $1")
            .bind(node.to_string())
            .fetch_all(&mut **tx)
            .await?;
    rows.into_iter()
        .map(|(id, public_key, fault)| {
            let known = public_key.map(|it| read_text(&it)).transpose()?;
            let known = known.map(|public_key| ObservedPod { public_key, fault });
            Ok((read_id(&id)?, known))
        })
        .collect()
}

pub(super) async fn set_observed(
    tx: &mut Write,
    id: PodId,
    state: &ObservedPod,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE pods SET public_key = $2, fault = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(state.public_key.to_string())
        .bind(state.fault.as_deref())
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn is_tombstone_of(
    tx: &mut Write,
    pod: PodId,
    node: NodeId,
) -> sqlx::Result<bool> {
    let found: Option<String> =
        sqlx::query_scalar("SELECT pod_id FROM pod_tombstones WHERE pod_id = $1 AND node_id = $2")
            .bind(pod.to_string())
            .bind(node.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    Ok(found.is_some())
}

/// Lets go of the pods whose deletion a node has applied: their ranges are free again.
pub(super) async fn bury(tx: &mut Write, node: NodeId, applied: Generation) -> sqlx::Result<()> {
    let (node, applied) = (node.to_string(), i64::try_from(applied.0).unwrap_or(i64::MAX));
    for sql in [
        "UPDATE pod_ranges SET pod_id = NULL WHERE pod_id IN (SELECT pod_id FROM pod_tombstones \
             WHERE node_id = $1 AND deleted_generation <= $2)",
        "DELETE FROM pod_tombstones WHERE node_id = $1 AND deleted_generation <= $2",
    ] {
        sqlx::query(sql).bind(&node).bind(applied).execute(&mut **tx).await?;
    }
    Ok(())
}
