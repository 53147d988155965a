//! The nodes' and locations' SQL.

mod draining;
mod metrics;
mod trust;
mod views;

pub(super) use draining::{draining, pick, start_draining, stop_draining, takers};
pub(super) use metrics::metrics;
use myrelay_domain::{
    host::Host,
    ids::{LocationId, NodeId},
    names::Name,
    token::TokenHash,
};
use myrelay_node_protocol::{Epoch, Generation, ObservedState};
use serde::Serialize;
use sqlx::{AnyPool, FromRow};
pub(super) use trust::{
    ending_before, find_keys, find_run, forget_runs, leave_stream, open_stream, set_quarantined,
    set_returned, set_run, stream,
};
pub(super) use views::{counts, find_view, list, locations};

use super::AWAY_MS;
use crate::database::{Write, read_id, read_number};

/// What rules ask of a node.
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) retired: bool,
    pub(super) location: LocationId,
    pub(super) draining: bool,
    pub(super) quarantined: bool,
    /// Its own resolvers.
    pub(super) resolver: Option<String>,
    contact: (Option<i64>, Option<i64>),
}

impl Facts {
    /// Whether it is not in contact.
    pub(crate) fn is_lost(&self, now: i64) -> bool {
        let (away_at, last_contact_at) = self.contact;
        away_at.is_some() || last_contact_at.is_none_or(|it| it <= now - AWAY_MS)
    }
}

/// How far a node is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contact {
    pub(crate) generation: Generation,
    pub(crate) applied: (Epoch, Generation),
    /// Its stream ended and none came since.
    pub(crate) away: bool,
}

/// The location of this name; of two who make it at once one does.
pub(super) async fn get_or_insert_location(
    tx: &mut Write,
    id: LocationId,
    name: &Name,
    now: i64,
) -> sqlx::Result<LocationId> {
    sqlx::query(
        "INSERT INTO locations (id, name, created_at) VALUES ($1, $2, $3) \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(name.as_str())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    let id: String = sqlx::query_scalar("SELECT id FROM locations WHERE name = $1")
        .bind(name.as_str())
        .fetch_one(&mut **tx)
        .await?;
    read_id(&id)
}

pub(super) async fn insert(
    tx: &mut Write,
    id: NodeId,
    name: &Name,
    location: LocationId,
    endpoint: &Host,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO nodes (id, name, location_id, endpoint, generation, applied_epoch, \
             applied_generation, sequence, created_at) \
         VALUES ($1, $2, $3, $4, 1, 0, 0, 0, $5)",
    )
    .bind(id.to_string())
    .bind(name.as_str())
    .bind(location.to_string())
    .bind(endpoint.to_string())
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn find(tx: &mut Write, id: NodeId) -> sqlx::Result<Option<Facts>> {
    let row: Option<FactsRow> = sqlx::query_as(
        "SELECT name, location_id, retired_at, draining_at, quarantined_at, resolver, away_at, \
             last_contact_at FROM nodes WHERE id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    let facts = |row: FactsRow| {
        Ok(Facts {
            name: row.name,
            retired: row.retired_at.is_some(),
            location: read_id(&row.location_id)?,
            draining: row.draining_at.is_some(),
            quarantined: row.quarantined_at.is_some(),
            resolver: row.resolver,
            contact: (row.away_at, row.last_contact_at),
        })
    };
    row.map(facts).transpose()
}

#[derive(FromRow)]
struct FactsRow {
    name: String,
    location_id: String,
    retired_at: Option<i64>,
    draining_at: Option<i64>,
    quarantined_at: Option<i64>,
    resolver: Option<String>,
    away_at: Option<i64>,
    last_contact_at: Option<i64>,
}

pub(super) async fn put_join_token(
    tx: &mut Write,
    node: NodeId,
    hash: &TokenHash,
    expires_at: i64,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO join_tokens (node_id, token_hash, expires_at, created_at) \
         VALUES ($1, $2, $3, $4) \
         ON CONFLICT (node_id) DO UPDATE SET token_hash = excluded.token_hash, \
             expires_at = excluded.expires_at, created_at = excluded.created_at, used_at = NULL",
    )
    .bind(node.to_string())
    .bind(hash.as_str())
    .bind(expires_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Uses a good join token up; answers whether it was good.
pub(super) async fn use_join_token(
    tx: &mut Write,
    node: NodeId,
    hash: &TokenHash,
    now: i64,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE join_tokens SET used_at = $3 \
         WHERE node_id = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3",
    )
    .bind(node.to_string())
    .bind(hash.as_str())
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether there is such a token, and when it was used.
pub(super) async fn find_join_token(
    tx: &mut Write,
    node: NodeId,
    hash: &TokenHash,
) -> sqlx::Result<Option<Option<i64>>> {
    sqlx::query_scalar("SELECT used_at FROM join_tokens WHERE node_id = $1 AND token_hash = $2")
        .bind(node.to_string())
        .bind(hash.as_str())
        .fetch_optional(&mut **tx)
        .await
}

/// A new agent with a memory of its own: what it reports starts anew.
pub(super) async fn set_joined(
    tx: &mut Write,
    id: NodeId,
    key_hash: &str,
    certificate_ends_at: i64,
    now: i64,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE nodes SET key_hash = $2, previous_key_hash = NULL, certificate_ends_at = $3, \
             joined_at = $4, applied_epoch = 0, applied_generation = 0, boot_id = NULL, \
             sequence = 0, instance = NULL, quarantined_at = NULL, stream = stream + 1 \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(key_hash)
    .bind(certificate_ends_at)
    .bind(now)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn set_renewed(
    tx: &mut Write,
    id: NodeId,
    key_hash: &str,
    certificate_ends_at: i64,
    asked_with: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE nodes SET previous_key_hash = $4, key_hash = $2, certificate_ends_at = $3 \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(key_hash)
    .bind(certificate_ends_at)
    .bind(asked_with)
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn set_retired(tx: &mut Write, id: NodeId, now: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE nodes SET retired_at = $2, away_at = $2, stream = stream + 1 WHERE id = $1")
        .bind(id.to_string())
        .bind(now)
        .execute(&mut **tx)
        .await
        .map(drop)
}

pub(super) async fn set_resolver(
    tx: &mut Write,
    id: NodeId,
    resolver: Option<&str>,
) -> sqlx::Result<()> {
    let sql = "UPDATE nodes SET resolver = $2 WHERE id = $1";
    sqlx::query(sql).bind(id.to_string()).bind(resolver).execute(&mut **tx).await.map(drop)
}

/// Counts a change on every node that has no resolvers of its own.
pub(super) async fn bump_with_deployments_resolver(tx: &mut Write) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE nodes SET generation = generation + 1 \
         WHERE retired_at IS NULL AND resolver IS NULL",
    )
    .execute(&mut **tx)
    .await
    .map(drop)
}

pub(super) async fn bump(tx: &mut Write, id: NodeId) -> sqlx::Result<Option<Generation>> {
    let generation: Option<i64> = sqlx::query_scalar(
        "UPDATE nodes SET generation = generation + 1 WHERE id = $1 AND retired_at IS NULL \
         RETURNING generation",
    )
    .bind(id.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    generation.map(|it| read_number(it).map(Generation)).transpose()
}

pub(super) async fn wanted(tx: &mut Write, id: NodeId) -> sqlx::Result<Option<Generation>> {
    let generation: Option<i64> =
        sqlx::query_scalar("SELECT generation FROM nodes WHERE id = $1 AND retired_at IS NULL")
            .bind(id.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    generation.map(|it| read_number(it).map(Generation)).transpose()
}

pub(super) async fn contact(pool: &AnyPool, id: NodeId) -> sqlx::Result<Option<Contact>> {
    let row: Option<(i64, i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT generation, applied_epoch, applied_generation, away_at \
         FROM nodes WHERE id = $1 AND retired_at IS NULL",
    )
    .bind(id.to_string())
    .fetch_optional(pool)
    .await?;
    row.map(|(generation, epoch, applied, away_at)| {
        Ok(Contact {
            generation: Generation(read_number(generation)?),
            applied: (Epoch(read_number(epoch)?), Generation(read_number(applied)?)),
            away: away_at.is_some(),
        })
    })
    .transpose()
}

/// Writes a report down if it is newer than the last one; answers whether it was.
pub(super) async fn record_observed(
    tx: &mut Write,
    id: NodeId,
    observed: &ObservedState,
    now: i64,
) -> sqlx::Result<bool> {
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let done = sqlx::query(
        "UPDATE nodes SET applied_epoch = $2, applied_generation = $3, boot_id = $4, \
             sequence = $5, agent_version = $6, backend = $7, last_contact_at = $8, \
             away_at = NULL, clock_skew = $9, faults = $10, foreign_interfaces = $11, \
             hardening = $12 \
         WHERE id = $1 AND sequence < $5",
    )
    .bind(id.to_string())
    .bind(number(observed.epoch.0))
    .bind(number(observed.generation.0))
    .bind(&observed.boot_id)
    .bind(number(observed.sequence))
    .bind(&observed.agent_version)
    .bind(&observed.backend)
    .bind(now)
    .bind(observed.clock_ms.saturating_sub(now))
    .bind(json(&observed.faults)?)
    .bind(json(&observed.foreign)?)
    .bind(json(&observed.hardening)?)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

fn json(value: &impl Serialize) -> sqlx::Result<String> {
    serde_json::to_string(value).map_err(|error| sqlx::Error::Encode(error.into()))
}
