//! What nodes say of the pods they serve.

use std::collections::BTreeMap;

use myrelay_domain::ids::{NodeId, PodId};
use myrelay_node_protocol::{ObservedPod, QuotaState};

use crate::database::{Write, read_id, read_text};

/// What the portal knows of the pods that a node serves, those that moved away from it included.
pub(in crate::pods) async fn observed_of_node(
    tx: &mut Write,
    node: NodeId,
) -> sqlx::Result<BTreeMap<PodId, ObservedPod>> {
    let rows: Vec<(String, Option<String>, Option<String>, String)> = sqlx::query_as(
        "SELECT id, public_key, fault, quota_state FROM pods WHERE node_id = $1 \
         UNION ALL SELECT pod_id, public_key, fault, 'within' FROM former_placements \
             WHERE node_id = $1",
    )
    .bind(node.to_string())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter()
        .map(|(id, public_key, fault, quota)| {
            let public_key = public_key.map(|it| read_text(&it)).transpose()?;
            let quota = read_quota(&quota);
            Ok((read_id(&id)?, ObservedPod { public_key, fault, quota }))
        })
        .collect()
}

/// How a pod stands with its quota, as its column says.
pub(super) fn read_quota(text: &str) -> QuotaState {
    match text {
        "throttled" => QuotaState::Throttled,
        "stopped" => QuotaState::Stopped,
        _ => QuotaState::Within,
    }
}

/// Writes down what a node says of a pod. How a pod stands with its quota, the node says that it
/// is on.
pub(in crate::pods) async fn set_observed(
    tx: &mut Write,
    node: NodeId,
    id: PodId,
    state: &ObservedPod,
) -> sqlx::Result<()> {
    let quota = match state.quota {
        QuotaState::Within => "within",
        QuotaState::Throttled => "throttled",
        QuotaState::Stopped => "stopped",
    };
    let public_key = state.public_key.map(|it| it.to_string());
    let done = sqlx::query(
        "UPDATE pods SET public_key = COALESCE($3, public_key), fault = $4, quota_state = $5 \
         WHERE id = $1 AND node_id = $2",
    )
    .bind(id.to_string())
    .bind(node.to_string())
    .bind(public_key.as_deref())
    .bind(state.fault.as_deref())
    .bind(quota)
    .execute(&mut **tx)
    .await?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    sqlx::query(
        "UPDATE former_placements SET public_key = COALESCE($3, public_key), fault = $4 \
         WHERE pod_id = $1 AND node_id = $2",
    )
    .bind(id.to_string())
    .bind(node.to_string())
    .bind(public_key)
    .bind(state.fault.as_deref())
    .execute(&mut **tx)
    .await
    .map(drop)
}

/// Forgets what a node said of its pods' keys.
pub(in crate::pods) async fn forget_keys(tx: &mut Write, node: NodeId) -> sqlx::Result<()> {
    for sql in [
        "UPDATE pods SET public_key = NULL, fault = NULL WHERE node_id = $1",
        "UPDATE former_placements SET public_key = NULL, fault = NULL WHERE node_id = $1",
    ] {
        sqlx::query(sql).bind(node.to_string()).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Whether a node must still forget a pod.
pub(in crate::pods) async fn is_tombstone_of(
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
