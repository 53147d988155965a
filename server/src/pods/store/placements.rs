//! Where pods are, where they were, and which nodes must still forget them.

use myrelay_domain::{
    addresses::{AddressPlan, Block, PodRange},
    ids::{AccountId, LocationId, NodeId, PodId},
    keys::PublicKey,
};
use myrelay_node_protocol::Generation;
use sqlx::{Any, AnyPool, Executor, FromRow};

use crate::database::{Write, read_id, read_number, read_text};

/// What rules and configurations ask of a pod.
#[derive(Clone, Debug)]
pub(crate) struct PodFacts {
    pub(crate) id: PodId,
    pub(crate) account: AccountId,
    pub(crate) node: NodeId,
    pub(crate) location_id: LocationId,
    pub(crate) location: String,
    /// The node's host, as the operator typed it.
    pub(crate) endpoint: String,
    pub(crate) port: u16,
    pub(crate) block: Block,
    pub(crate) public_key: Option<PublicKey>,
    pub(crate) paused: bool,
    pub(crate) devices_meet: bool,
    /// When it moved to its node, and at which of the node's generations.
    pub(crate) placed: Option<(i64, Generation)>,
    /// Whether its node has resolvers of its own.
    pub(crate) node_resolves: bool,
    pub(crate) former: Option<Former>,
}

/// Where a pod that moved is served still.
#[derive(Clone, Debug)]
pub(crate) struct Former {
    pub(crate) node: NodeId,
    pub(crate) port: u16,
    pub(crate) public_key: Option<PublicKey>,
    pub(crate) ends_at: i64,
}

impl PodFacts {
    /// Its addresses; none when the deployment's pool no longer has them.
    pub(crate) fn range(&self, addresses: &AddressPlan) -> Option<PodRange> {
        addresses.range_of(self.block)
    }

    /// Every node that serves it, in the order in which they are held.
    pub(crate) fn nodes(&self) -> Vec<NodeId> {
        let mut nodes: Vec<_> =
            [self.node].into_iter().chain(self.former.as_ref().map(|it| it.node)).collect();
        nodes.sort_unstable();
        nodes
    }
}

#[derive(FromRow)]
struct FactsRow {
    account_id: String,
    node_id: String,
    location_id: String,
    location: String,
    endpoint: String,
    resolver: Option<String>,
    port: i64,
    range_number: i64,
    range_size: i64,
    public_key: Option<String>,
    paused_at: Option<i64>,
    devices_meet_at: Option<i64>,
    placed_at: Option<i64>,
    placed_generation: Option<i64>,
    former_node: Option<String>,
    former_port: Option<i64>,
    former_key: Option<String>,
    former_ends_at: Option<i64>,
}

pub(in crate::pods) async fn find(tx: &mut Write, id: PodId) -> sqlx::Result<Option<PodFacts>> {
    read_facts(&mut **tx, id).await
}

pub(in crate::pods) async fn view(pool: &AnyPool, id: PodId) -> sqlx::Result<Option<PodFacts>> {
    read_facts(pool, id).await
}

async fn read_facts(
    executor: impl Executor<'_, Database = Any>,
    id: PodId,
) -> sqlx::Result<Option<PodFacts>> {
    let row: Option<FactsRow> = sqlx::query_as(
        "SELECT pods.account_id, pods.node_id, pods.location_id, locations.name AS location, \
             nodes.endpoint, nodes.resolver, pods.port, pods.range_number, \
             pod_ranges.size AS range_size, pods.public_key, pods.paused_at, \
             pods.devices_meet_at, pods.placed_at, pods.placed_generation, \
             former_placements.node_id AS former_node, former_placements.port AS former_port, \
             former_placements.public_key AS former_key, \
             former_placements.ends_at AS former_ends_at \
         FROM pods JOIN nodes ON nodes.id = pods.node_id \
             JOIN locations ON locations.id = pods.location_id \
             JOIN pod_ranges ON pod_ranges.number = pods.range_number \
             LEFT JOIN former_placements ON former_placements.pod_id = pods.id \
         WHERE pods.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(executor)
    .await?;
    row.map(|row| row.into_facts(id)).transpose()
}

impl FactsRow {
    fn into_facts(self, id: PodId) -> sqlx::Result<PodFacts> {
        let key = |it: Option<String>| it.map(|it| read_text(&it)).transpose();
        let former = match (self.former_node, self.former_port, self.former_ends_at) {
            (Some(node), Some(port), Some(ends_at)) => Some(Former {
                node: read_id(&node)?,
                port: read_number(port)?,
                public_key: key(self.former_key)?,
                ends_at,
            }),
            _ => None,
        };
        let placed = self.placed_at.zip(self.placed_generation);
        let placed: Option<sqlx::Result<_>> =
            placed.map(|(at, it)| Ok((at, Generation(read_number(it)?))));
        Ok(PodFacts {
            id,
            account: read_id(&self.account_id)?,
            node: read_id(&self.node_id)?,
            location_id: read_id(&self.location_id)?,
            location: self.location,
            endpoint: self.endpoint,
            port: read_number(self.port)?,
            block: Block {
                first: read_number(self.range_number)?,
                size: read_number(self.range_size)?,
            },
            public_key: key(self.public_key)?,
            paused: self.paused_at.is_some(),
            devices_meet: self.devices_meet_at.is_some(),
            placed: placed.transpose()?,
            node_resolves: self.resolver.is_some(),
            former,
        })
    }
}

/// Puts a pod on another node; answers whether it was on the one it is said to leave.
pub(in crate::pods) async fn place(
    tx: &mut Write,
    pod: &PodFacts,
    (node, port): (NodeId, u16),
    public_key: Option<PublicKey>,
    generation: Generation,
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE pods SET node_id = $3, port = $4, public_key = $5, fault = NULL, \
             changed_generation = $6, placed_generation = $6, placed_at = $7 \
         WHERE id = $1 AND node_id = $2",
    )
    .bind(pod.id.to_string())
    .bind(pod.node.to_string())
    .bind(node.to_string())
    .bind(i64::from(port))
    .bind(public_key.map(|it| it.to_string()))
    .bind(generation.0.cast_signed())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets the node that a pod leaves serve it for a while.
pub(in crate::pods) async fn insert_former(
    tx: &mut Write,
    pod: &PodFacts,
    generation: Generation,
    now: i64,
    ends_at: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO former_placements (pod_id, node_id, port, public_key, changed_generation, \
             moved_at, ends_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(pod.id.to_string())
    .bind(pod.node.to_string())
    .bind(i64::from(pod.port))
    .bind(pod.public_key.map(|it| it.to_string()))
    .bind(generation.0.cast_signed())
    .bind(now)
    .bind(ends_at)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Ends where a pod was served; answers whether it was there.
pub(in crate::pods) async fn end_former(
    tx: &mut Write,
    pod: PodId,
    node: NodeId,
) -> sqlx::Result<bool> {
    let sql = "DELETE FROM former_placements WHERE pod_id = $1 AND node_id = $2";
    let done =
        sqlx::query(sql).bind(pod.to_string()).bind(node.to_string()).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}

/// Has a node forget a pod, which is still there in its row.
pub(in crate::pods) async fn insert_tombstone(
    tx: &mut Write,
    pod: PodId,
    (node, port): (NodeId, u16),
    generation: Generation,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO pod_tombstones (pod_id, node_id, account_id, location_id, port, \
             deleted_generation, created_at) \
         SELECT id, $2, account_id, location_id, $3, $4, $5 FROM pods WHERE id = $1 \
         ON CONFLICT (pod_id, node_id) DO UPDATE SET port = excluded.port, \
             deleted_generation = excluded.deleted_generation",
    )
    .bind(pod.to_string())
    .bind(node.to_string())
    .bind(i64::from(port))
    .bind(generation.0.cast_signed())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// A node that is to have a pod again need not forget it.
pub(in crate::pods) async fn forget_tombstone(
    tx: &mut Write,
    pod: PodId,
    node: NodeId,
) -> sqlx::Result<()> {
    let sql = "DELETE FROM pod_tombstones WHERE pod_id = $1 AND node_id = $2";
    let query = sqlx::query(sql).bind(pod.to_string()).bind(node.to_string());
    query.execute(&mut **tx).await.map(drop)
}

/// Deletes a pod with its devices; answers whether it was on this node.
pub(in crate::pods) async fn delete(
    tx: &mut Write,
    pod: PodId,
    node: NodeId,
) -> sqlx::Result<bool> {
    let sql = "DELETE FROM pods WHERE id = $1 AND node_id = $2";
    let query = sqlx::query(sql).bind(pod.to_string()).bind(node.to_string());
    Ok(query.execute(&mut **tx).await?.rows_affected() == 1)
}

/// Lets go of the pods whose deletion a node has applied, and answers which: ranges that no node
/// may have in use any more rest from here on.
pub(in crate::pods) async fn bury(
    tx: &mut Write,
    node: NodeId,
    applied: Generation,
    rests_until: i64,
) -> sqlx::Result<Vec<PodId>> {
    let (node, applied) = (node.to_string(), i64::try_from(applied.0).unwrap_or(i64::MAX));
    // Two nodes may forget one pod at once: whoever comes second waits here, and sees below that it
    // is the last.
    sqlx::query(
        "UPDATE pod_ranges SET pod_id = pod_id WHERE pod_id IN (SELECT pod_id \
             FROM pod_tombstones WHERE node_id = $1 AND deleted_generation <= $2)",
    )
    .bind(&node)
    .bind(applied)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE pod_ranges SET pod_id = NULL, rests_until = $3 \
         WHERE pod_id IN (SELECT pod_id FROM pod_tombstones \
                 WHERE node_id = $1 AND deleted_generation <= $2) \
             AND NOT EXISTS (SELECT 1 FROM pods WHERE pods.id = pod_ranges.pod_id) \
             AND NOT EXISTS (SELECT 1 FROM pod_tombstones AS others \
                 WHERE others.pod_id = pod_ranges.pod_id \
                     AND (others.node_id <> $1 OR others.deleted_generation > $2))",
    )
    .bind(&node)
    .bind(applied)
    .bind(rests_until)
    .execute(&mut **tx)
    .await?;
    let buried: Vec<String> = sqlx::query_scalar(
        "DELETE FROM pod_tombstones WHERE node_id = $1 AND deleted_generation <= $2 \
         RETURNING pod_id",
    )
    .bind(&node)
    .bind(applied)
    .fetch_all(&mut **tx)
    .await?;
    buried.iter().map(|id| read_id(id)).collect()
}

/// Gives up what a node that is gone for good was to serve still, and to forget.
pub(in crate::pods) async fn give_up(
    tx: &mut Write,
    node: NodeId,
    rests_until: i64,
) -> sqlx::Result<()> {
    let sql = "DELETE FROM former_placements WHERE node_id = $1";
    sqlx::query(sql).bind(node.to_string()).execute(&mut **tx).await?;
    bury(tx, node, Generation(u64::MAX), rests_until).await.map(drop)
}

/// How many pods are on a node.
pub(in crate::pods) async fn count_on_node(tx: &mut Write, node: NodeId) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT COUNT(*) FROM pods WHERE node_id = $1")
        .bind(node.to_string())
        .fetch_one(&mut **tx)
        .await
}

/// How many pods that moved away a node serves still, and until when at most.
pub(in crate::pods) async fn former_on_node(
    executor: impl Executor<'_, Database = Any>,
    node: NodeId,
) -> sqlx::Result<(u32, Option<i64>)> {
    let (count, until): (i64, Option<i64>) = sqlx::query_as(
        "SELECT COUNT(*), CAST(MAX(ends_at) AS BIGINT) FROM former_placements WHERE node_id = $1",
    )
    .bind(node.to_string())
    .fetch_one(executor)
    .await?;
    Ok((read_number(count)?, until))
}

/// Where pods were served whose time there is over.
pub(in crate::pods) async fn ended(
    pool: &AnyPool,
    now: i64,
    rows: i64,
) -> sqlx::Result<Vec<(PodId, NodeId)>> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT pod_id, node_id FROM former_placements WHERE ends_at <= $1 \
         ORDER BY ends_at LIMIT $2",
    )
    .bind(now)
    .bind(rows)
    .fetch_all(pool)
    .await?;
    rows.iter().map(|(pod, node)| Ok((read_id(pod)?, read_id(node)?))).collect()
}

/// Some pods of a node, the oldest first.
pub(in crate::pods) async fn some_of_node(
    pool: &AnyPool,
    node: NodeId,
    rows: i64,
) -> sqlx::Result<Vec<PodId>> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT id FROM pods WHERE node_id = $1 ORDER BY id LIMIT $2")
            .bind(node.to_string())
            .bind(rows)
            .fetch_all(pool)
            .await?;
    ids.iter().map(|id| read_id(id)).collect()
}
