//! Reading nodes for the operator's pages.

use myrelay_app::contract::{
    DrainView, HardeningRow, LocationView, NodeRow, NodeState, NodeTrouble, NodeUsageView, NodeView,
};
use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{HardeningItem, HardeningReport, HardeningState, Verdict};
use serde::de::DeserializeOwned;
use sqlx::{AnyPool, FromRow};

use super::super::{AWAY_MS, MAX_SKEW_MS};
use crate::database::{read_id, read_number};

/// A row that was read whole.
pub(in crate::nodes) struct Checked {
    id: NodeId,
    row: ViewRow,
    said: Said,
}

/// What the node's last report said of it.
struct Said {
    faults: Vec<String>,
    foreign: Vec<String>,
    hardening: HardeningReport,
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
    draining_at: Option<i64>,
    drain_pods: i64,
    quarantined_at: Option<i64>,
    clock_skew: Option<i64>,
    said_faults: String,
    foreign_interfaces: String,
    hardening: String,
    resolver: Option<String>,
    pods: i64,
    faults: i64,
}

macro_rules! select_views {
    ($rest:literal) => {
        concat!(
            "SELECT nodes.id, nodes.name, locations.name AS location, nodes.endpoint, \
                 nodes.generation, nodes.applied_generation, nodes.agent_version, nodes.backend, \
                 nodes.last_contact_at, nodes.away_at, nodes.joined_at, nodes.retired_at, \
                 nodes.certificate_ends_at, nodes.draining_at, nodes.drain_pods, \
                 nodes.quarantined_at, nodes.clock_skew, nodes.faults AS said_faults, \
                 nodes.foreign_interfaces, nodes.hardening, nodes.resolver, \
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
                 AND nodes.draining_at IS NULL \
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
        let said = Said {
            faults: said(&self.said_faults)?,
            foreign: said(&self.foreign_interfaces)?,
            hardening: said(&self.hardening)?,
        };
        Ok(Checked { id, row: self, said })
    }

    fn state(&self, now: i64) -> NodeState {
        let in_contact =
            self.away_at.is_none() && self.last_contact_at.is_some_and(|it| now - AWAY_MS < it);
        match (self.retired_at, self.joined_at) {
            (Some(_), _) => NodeState::Retired,
            _ if self.quarantined_at.is_some() => NodeState::Quarantined,
            (None, None) => NodeState::Awaiting,
            (None, Some(_)) if in_contact => NodeState::InContact,
            (None, Some(_)) => NodeState::Away,
        }
    }
}

/// What was checked and written down as JSON.
fn said<T: DeserializeOwned>(text: &str) -> sqlx::Result<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

impl Checked {
    /// The node as one line of the list.
    pub(in crate::nodes) fn into_view(self, now: i64) -> NodeRow {
        let troubles = self.troubles();
        let Self { id, row, .. } = self;
        NodeRow {
            id,
            state: row.state(now),
            draining: row.draining_at.is_some() && row.retired_at.is_none(),
            troubles,
            name: row.name,
            location: row.location,
            pods: u32::try_from(row.pods).unwrap_or_default(),
            faults: u32::try_from(row.faults).unwrap_or_default(),
            version: row.agent_version,
            last_contact_at: row.last_contact_at,
        }
    }

    /// What is not well with it beside its pods.
    fn troubles(&self) -> Vec<NodeTrouble> {
        let Self { row, said, .. } = self;
        let mut troubles = Vec::new();
        if !said.faults.is_empty() {
            let faults = u32::try_from(said.faults.len()).unwrap_or(u32::MAX);
            troubles.push(NodeTrouble::Faults(faults));
        }
        if let Some(skew) = row.clock_skew.filter(|it| MAX_SKEW_MS < it.unsigned_abs()) {
            troubles.push(NodeTrouble::ClockSkew(skew));
        }
        let weak = |it: &&HardeningState| matches!(it.verdict, Verdict::Weak | Verdict::Missing);
        let weak = said.hardening.values().filter(weak).count();
        if 0 < weak {
            troubles.push(NodeTrouble::WeakHardening(u32::try_from(weak).unwrap_or(u32::MAX)));
        }
        troubles
    }

    /// The node on its own page, still without its pods.
    pub(in crate::nodes) fn into_detail(self, now: i64, deployment_resolver: String) -> NodeView {
        let Self { id, row, said } = self;
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
            drain: row.draining_at.filter(|_| row.retired_at.is_none()).map(|started_at| {
                let [total, left] = [row.drain_pods, row.pods].map(|it| it.max(0).unsigned_abs());
                DrainView { started_at, total: total.max(left), left }
            }),
            pods_total: u32::try_from(row.pods).unwrap_or_default(),
            pods: Vec::new(),
            moved_pods: 0,
            serves_moved_until: None,
            troubles: Vec::new(),
            faults: said.faults,
            foreign: said.foreign,
            hardening: hardening(said.hardening),
            resolver: row.resolver.unwrap_or_default(),
            deployment_resolver,
            usage: NodeUsageView::default(),
        }
    }
}

/// The report in the pages' words, in the order in which it is shown.
fn hardening(report: HardeningReport) -> Vec<HardeningRow> {
    use myrelay_app::contract::{HardeningItem as Item, HardeningVerdict};
    let row = |(item, state): (HardeningItem, HardeningState)| HardeningRow {
        item: match item {
            HardeningItem::SshPasswordLogin => Item::SshPasswordLogin,
            HardeningItem::SshRootLogin => Item::SshRootLogin,
            HardeningItem::Fail2ban => Item::Fail2ban,
            HardeningItem::UnattendedUpgrades => Item::UnattendedUpgrades,
            HardeningItem::HostFirewall => Item::HostFirewall,
            HardeningItem::Sysctl => Item::Sysctl,
        },
        verdict: match state.verdict {
            Verdict::Ok => HardeningVerdict::Ok,
            Verdict::Weak => HardeningVerdict::Weak,
            Verdict::Missing => HardeningVerdict::Missing,
            Verdict::Unknown => HardeningVerdict::Unknown,
        },
        detail: state.detail,
    };
    report.into_iter().map(row).collect()
}
