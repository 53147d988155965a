//! Reading pods for the pages.

use myrelay_app::contract::{NodePodRow, PodRow, PodState};
use myrelay_domain::ids::{AccountId, NodeId, PodId};
use sqlx::{AnyPool, FromRow};

use super::{super::state, observed::read_quota};
use crate::database::{read_id, read_number};

#[derive(FromRow)]
struct OwnRow {
    id: String,
    location_id: String,
    location: String,
    public_key: Option<String>,
    fault: Option<String>,
    quota_state: String,
    paused_at: Option<i64>,
    unpaid_at: Option<i64>,
    away_at: Option<i64>,
    last_contact_at: Option<i64>,
    devices: i64,
}

macro_rules! select_own {
    ($rest:literal) => {
        concat!(
            "SELECT pods.id, pods.location_id, locations.name AS location, pods.public_key, \
                 pods.fault, pods.quota_state, pods.paused_at, accounts.unpaid_at, nodes.away_at, \
                 nodes.last_contact_at, \
                 (SELECT COUNT(*) FROM peers WHERE peers.pod_id = pods.id) AS devices \
             FROM pods JOIN nodes ON nodes.id = pods.node_id \
                 JOIN locations ON locations.id = pods.location_id \
                 JOIN accounts ON accounts.id = pods.account_id \
             WHERE pods.account_id = $1 ",
            $rest
        )
    };
}

pub(in crate::pods) async fn list_of_account(
    pool: &AnyPool,
    account: AccountId,
    in_contact_since: i64,
) -> sqlx::Result<Vec<PodRow>> {
    let rows: Vec<OwnRow> = sqlx::query_as(select_own!("ORDER BY locations.name"))
        .bind(account.to_string())
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(|row| row.into_view(in_contact_since)).collect()
}

pub(in crate::pods) async fn find_row(
    pool: &AnyPool,
    account: AccountId,
    pod: PodId,
    in_contact_since: i64,
) -> sqlx::Result<Option<PodRow>> {
    let row: Option<OwnRow> = sqlx::query_as(select_own!("AND pods.id = $2"))
        .bind(account.to_string())
        .bind(pod.to_string())
        .fetch_optional(pool)
        .await?;
    row.map(|row| row.into_view(in_contact_since)).transpose()
}

#[derive(FromRow)]
struct NodeSideRow {
    id: String,
    node: String,
    email: String,
    interface: String,
    port: i64,
    public_key: Option<String>,
    fault: Option<String>,
    quota_state: String,
    paused_at: Option<i64>,
    unpaid_at: Option<i64>,
    away_at: Option<i64>,
    last_contact_at: Option<i64>,
    moved_until: Option<i64>,
    devices: i64,
}

macro_rules! select_rows {
    ($rest:literal) => {
        concat!(
            "SELECT pods.id, nodes.name AS node, accounts.email, pods.interface, pods.port, \
                 pods.public_key, pods.fault, pods.quota_state, \
                 COALESCE(pods.paused_at, accounts.suspended_at) AS paused_at, \
                 accounts.unpaid_at, nodes.away_at, \
                 nodes.last_contact_at, former_placements.ends_at AS moved_until, \
                 (SELECT COUNT(*) FROM peers WHERE peers.pod_id = pods.id) AS devices \
             FROM pods JOIN nodes ON nodes.id = pods.node_id \
                 JOIN accounts ON accounts.id = pods.account_id \
                 LEFT JOIN former_placements ON former_placements.pod_id = pods.id ",
            $rest
        )
    };
}

pub(in crate::pods) async fn list(
    pool: &AnyPool,
    node: Option<NodeId>,
    after: Option<PodId>,
    in_contact_since: i64,
    rows: usize,
) -> sqlx::Result<Vec<NodePodRow>> {
    // Ids are UUIDv7: their order is the order of creation.
    let rows: Vec<NodeSideRow> = sqlx::query_as(select_rows!(
        "WHERE ($1 = '' OR pods.node_id = $1) AND ($2 = '' OR pods.id < $2) \
         ORDER BY pods.id DESC LIMIT $3"
    ))
    .bind(node.map(|it| it.to_string()).unwrap_or_default())
    .bind(after.map(|it| it.to_string()).unwrap_or_default())
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(|row| row.into_view(in_contact_since)).collect()
}

pub(in crate::pods) async fn find_operator_row(
    pool: &AnyPool,
    pod: PodId,
    in_contact_since: i64,
) -> sqlx::Result<Option<NodePodRow>> {
    let row: Option<NodeSideRow> = sqlx::query_as(select_rows!("WHERE pods.id = $1"))
        .bind(pod.to_string())
        .fetch_optional(pool)
        .await?;
    row.map(|row| row.into_view(in_contact_since)).transpose()
}

/// How the pod is, from what its row and its node's row say.
fn pod_state(
    (paused_at, unpaid_at): (Option<i64>, Option<i64>),
    (key, fault, quota_state): (Option<&String>, Option<&String>, &str),
    (away_at, last_contact_at): (Option<i64>, Option<i64>),
    in_contact_since: i64,
) -> PodState {
    if unpaid_at.is_some() {
        return PodState::Unpaid;
    }
    let in_contact = away_at.is_none() && last_contact_at.is_some_and(|it| in_contact_since < it);
    let quota = read_quota(quota_state);
    state(paused_at.is_some(), key.is_some(), fault.is_some(), in_contact, quota)
}

impl OwnRow {
    fn into_view(self, in_contact_since: i64) -> sqlx::Result<PodRow> {
        let contact = (self.away_at, self.last_contact_at);
        let said = (self.public_key.as_ref(), self.fault.as_ref(), &*self.quota_state);
        Ok(PodRow {
            id: read_id(&self.id)?,
            location_id: read_id(&self.location_id)?,
            state: pod_state((self.paused_at, self.unpaid_at), said, contact, in_contact_since),
            location: self.location,
            devices: read_number(self.devices)?,
        })
    }
}

impl NodeSideRow {
    fn into_view(self, in_contact_since: i64) -> sqlx::Result<NodePodRow> {
        let contact = (self.away_at, self.last_contact_at);
        let said = (self.public_key.as_ref(), self.fault.as_ref(), &*self.quota_state);
        Ok(NodePodRow {
            id: read_id(&self.id)?,
            state: pod_state((self.paused_at, self.unpaid_at), said, contact, in_contact_since),
            node: self.node,
            account_email: self.email,
            interface: self.interface,
            port: read_number(self.port)?,
            fault: self.fault,
            moved_until: self.moved_until,
            devices: read_number(self.devices)?,
        })
    }
}
