//! Reading nodes for the operator's pages.

use myrelay_app::contract::{LocationView, NodeRow, NodeState, NodeView};
use myrelay_domain::ids::NodeId;
use sqlx::{AnyPool, FromRow};

use super::super::AWAY_MS;
use crate::database::{read_id, read_number};

/// A row that was read whole.
pub(in crate::nodes) struct Checked {
    id: NodeId,
    row: ViewRow,
}

/// A node as the pages need it.
#[derive(FromRow)]
struct ViewRow {
    id: String,
    name: String,
    location: String,
    endpoint: String,
    generation: i64,
    applied_generation: i64,
    agent_version: Option<String>,
    backend: Option<String>,
    last_contact_at: Option<i64>,
    away_at: Option<i64>,
    joined_at: Option<i64>,
    retired_at: Option<i64>,
    certificate_ends_at: Option<i64>,
    join_expires_at: Option<i64>,
    pods: i64,
    faults: i64,
}

macro_rules! select_views {
    ($rest:literal) => {
        concat!(
            "SELECT nodes.id, nodes.name, locations.name AS location, nodes.endpoint, \
                 nodes.generation, nodes.applied_generation, nodes.agent_version, nodes.backend, \
                 nodes.last_contact_at, nodes.away_at, nodes.joined_at, nodes.retired_at, \
                 nodes.certificate_ends_at, \
                 (SELECT join_tokens.expires_at FROM join_tokens \
                  WHERE join_tokens.node_id = nodes.id AND join_tokens.used_at IS NULL) \
                     AS join_expires_at, \
                 (SELECT COUNT(*) FROM pods WHERE pods.node_id = nodes.id) AS pods, \
                 (SELECT COUNT(*) FROM pods WHERE pods.node_id = nodes.id \
                  AND pods.fault IS NOT NULL) AS faults \
             FROM nodes JOIN locations ON locations.id = nodes.location_id ",
            $rest
        )
    };
}

pub(in crate::nodes) async fn list(pool: &AnyPool) -> sqlx::Result<Vec<Checked>> {
    let rows: Vec<ViewRow> = sqlx::query_as(select_views!("ORDER BY nodes.created_at, nodes.id"))
        .fetch_all(pool)
        .await?;
    rows.into_iter().map(ViewRow::checked).collect()
}

pub(in crate::nodes) async fn find_view(
    pool: &AnyPool,
    id: NodeId,
) -> sqlx::Result<Option<Checked>> {
    let row: Option<ViewRow> = sqlx::query_as(select_views!("WHERE nodes.id = $1"))
        .bind(id.to_string())
        .fetch_optional(pool)
        .await?;
    row.map(ViewRow::checked).transpose()
}

pub(in crate::nodes) async fn locations(
    pool: &AnyPool,
    in_contact_since: i64,
) -> sqlx::Result<Vec<LocationView>> {
    let rows: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT locations.id, locations.name, \
             COUNT(CASE WHEN nodes.away_at IS NULL AND nodes.last_contact_at > $1 THEN 1 END) \
         FROM locations JOIN nodes \
             ON nodes.location_id = locations.id AND nodes.retired_at IS NULL \
         GROUP BY locations.id, locations.name ORDER BY locations.name",
    )
    .bind(in_contact_since)
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|(id, name, there)| {
            Ok(LocationView { id: read_id(&id)?, name, in_contact: there > 0 })
        })
        .collect()
}

/// How many pods, devices and accounts there are.
pub(in crate::nodes) async fn counts(pool: &AnyPool) -> sqlx::Result<[u32; 3]> {
    let (pods, devices, accounts): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM pods), (SELECT COUNT(*) FROM peers), \
             (SELECT COUNT(*) FROM accounts)",
    )
    .fetch_one(pool)
    .await?;
    Ok([read_number(pods)?, read_number(devices)?, read_number(accounts)?])
}

impl ViewRow {
    /// Sees that what becomes a number is one, and reads the id.
    fn checked(self) -> sqlx::Result<Checked> {
        let id = read_id(&self.id)?;
        for number in [self.generation, self.applied_generation, self.pods, self.faults] {
            read_number::<u64>(number)?;
        }
        Ok(Checked { id, row: self })
    }

    fn state(&self, now: i64) -> NodeState {
        let in_contact =
            self.away_at.is_none() && self.last_contact_at.is_some_and(|it| now - AWAY_MS < it);
        match (self.retired_at, self.joined_at) {
            (Some(_), _) => NodeState::Retired,
            (None, None) => NodeState::Awaiting,
            (None, Some(_)) if in_contact => NodeState::InContact,
            (None, Some(_)) => NodeState::Away,
        }
    }
}

impl Checked {
    /// The node as one line of the list.
    pub(in crate::nodes) fn into_view(self, now: i64) -> NodeRow {
        let Self { id, row } = self;
        NodeRow {
            id,
            state: row.state(now),
            name: row.name,
            location: row.location,
            pods: u32::try_from(row.pods).unwrap_or_default(),
            faults: u32::try_from(row.faults).unwrap_or_default(),
            version: row.agent_version,
            last_contact_at: row.last_contact_at,
        }
    }

    /// The node on its own page, still without its pods.
    pub(in crate::nodes) fn into_detail(self, now: i64) -> NodeView {
        let Self { id, row } = self;
        NodeView {
            id,
            state: row.state(now),
            name: row.name,
            location: row.location,
            endpoint: row.endpoint,
            version: row.agent_version,
            backend: row.backend,
            last_contact_at: row.last_contact_at,
            generation_wanted: row.generation.unsigned_abs(),
            generation_applied: row.applied_generation.unsigned_abs(),
            certificate_ends_at: row.certificate_ends_at,
            join_expires_at: row.join_expires_at.filter(|it| now < *it),
            pods: Vec::new(),
        }
    }
}
