//! The peers' SQL.

use myrelay_domain::{
    ids::{PeerId, PodId},
    keys::PublicKey,
    names::Name,
    routes::Routes,
};
use myrelay_node_protocol::Generation;
use sqlx::AnyPool;

use crate::database::{Write, read_id, read_number, read_text};

/// A device that is to be.
pub(super) struct NewPeer {
    pub(super) id: PeerId,
    pub(super) pod: PodId,
    pub(super) name: Name,
    pub(super) public_key: PublicKey,
    pub(super) host: u32,
    pub(super) generation: Generation,
}

/// A device as it is stored.
pub(super) struct PeerRow {
    pub(super) id: PeerId,
    pub(super) pod: PodId,
    pub(super) name: String,
    pub(super) public_key: PublicKey,
    pub(super) host: u32,
    pub(super) routes: Routes,
    pub(super) added_generation: Generation,
    pub(super) created_at: i64,
}

pub(super) async fn insert(tx: &mut Write, peer: &NewPeer, now: i64) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO peers (id, pod_id, name, public_key, host, added_generation, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(peer.id.to_string())
    .bind(peer.pod.to_string())
    .bind(peer.name.as_str())
    .bind(peer.public_key.to_string())
    .bind(i64::from(peer.host))
    .bind(peer.generation.0.cast_signed())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// The device numbers in use in a pod.
pub(super) async fn hosts(tx: &mut Write, pod: PodId) -> sqlx::Result<Vec<u32>> {
    let hosts: Vec<i64> = sqlx::query_scalar("SELECT host FROM peers WHERE pod_id = $1")
        .bind(pod.to_string())
        .fetch_all(&mut **tx)
        .await?;
    hosts.into_iter().map(read_number).collect()
}

pub(super) async fn pod_of(tx: &mut Write, id: PeerId) -> sqlx::Result<Option<PodId>> {
    let pod: Option<String> = sqlx::query_scalar("SELECT pod_id FROM peers WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    pod.map(|it| read_id(&it)).transpose()
}

pub(super) async fn delete(tx: &mut Write, id: PeerId) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM peers WHERE id = $1")
        .bind(id.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether that changed anything.
pub(super) async fn set_routes(tx: &mut Write, id: PeerId, routes: &Routes) -> sqlx::Result<bool> {
    let done = sqlx::query("UPDATE peers SET routes = $2 WHERE id = $1 AND routes <> $2")
        .bind(id.to_string())
        .bind(routes.to_string())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

type Row = (String, String, String, String, i64, String, i64, i64);

pub(super) async fn find(pool: &AnyPool, id: PeerId) -> sqlx::Result<Option<PeerRow>> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, pod_id, name, public_key, host, routes, added_generation, created_at \
         FROM peers WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await?;
    row.map(read_row).transpose()
}

/// The devices of a pod after one of them, oldest first.
pub(super) async fn list(
    pool: &AnyPool,
    pod: PodId,
    after: Option<PeerId>,
    rows: usize,
) -> sqlx::Result<Vec<PeerRow>> {
    // Ids are UUIDv7: their order is the order of creation.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, pod_id, name, public_key, host, routes, added_generation, created_at \
         FROM peers WHERE pod_id = $1 AND ($2 = '' OR id > $2) ORDER BY id LIMIT $3",
    )
    .bind(pod.to_string())
    .bind(after.map(|it| it.to_string()).unwrap_or_default())
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(read_row).collect()
}

fn read_row(row: Row) -> sqlx::Result<PeerRow> {
    let (id, pod, name, public_key, host, routes, generation, created_at) = row;
    Ok(PeerRow {
        id: read_id(&id)?,
        pod: read_id(&pod)?,
        name,
        public_key: read_text(&public_key)?,
        host: read_number(host)?,
        routes: read_text(&routes)?,
        added_generation: Generation(read_number(generation)?),
        created_at,
    })
}
