//! Giving out address ranges and ports.

use std::{collections::BTreeSet, ops::Range};

use myrelay_domain::{
    addresses::{Block, Taken, take},
    ids::{NodeId, PodId},
};

use crate::database::{Write, read_number};

/// Gives a pod numbers that nobody has and that rested long enough; none when there are none.
/// Only one transaction may be here at a time.
pub(in crate::pods) async fn take_range(
    tx: &mut Write,
    pod: PodId,
    size: u32,
    capacity: u32,
    now: i64,
) -> sqlx::Result<Option<Block>> {
    let end: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(MAX(number + size), 0) AS BIGINT) FROM pod_ranges",
    )
    .fetch_one(&mut **tx)
    .await?;
    let end = read_number(end)?;
    // One row does nearly always; all of them are read only when the pool is used up.
    let mut taken = take(&free(tx, size, now, 1).await?, end, capacity, size);
    if taken.is_none() {
        taken = take(&free(tx, 1, now, i64::MAX).await?, end, capacity, size);
    }
    let Some(Taken { block, used_up, left_over }) = taken else { return Ok(None) };
    for gone in used_up {
        let sql = "DELETE FROM pod_ranges WHERE number = $1 AND pod_id IS NULL";
        sqlx::query(sql).bind(i64::from(gone.first)).execute(&mut **tx).await?;
    }
    for (block, pod) in
        left_over.into_iter().map(|it| (it, None)).chain([(block, Some(pod.to_string()))])
    {
        sqlx::query("INSERT INTO pod_ranges (number, size, pod_id) VALUES ($1, $2, $3)")
            .bind(i64::from(block.first))
            .bind(i64::from(block.size))
            .bind(pod)
            .execute(&mut **tx)
            .await?;
    }
    Ok(Some(block))
}

/// Free blocks of at least a size, the smallest and lowest first.
async fn free(tx: &mut Write, size: u32, now: i64, rows: i64) -> sqlx::Result<Vec<Block>> {
    let rows: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT number, size FROM pod_ranges \
         WHERE pod_id IS NULL AND size >= $1 AND (rests_until IS NULL OR rests_until <= $2) \
         ORDER BY size, number LIMIT $3",
    )
    .bind(i64::from(size))
    .bind(now)
    .bind(rows)
    .fetch_all(&mut **tx)
    .await?;
    let block = |(first, size)| {
        Ok(Block { first: read_number::<u32>(first)?, size: read_number::<u32>(size)? })
    };
    rows.into_iter().map(block).collect()
}

/// The lowest port that no pod of the node has, none that moved away from it, and none that it
/// must still forget.
pub(in crate::pods) async fn free_port(
    tx: &mut Write,
    node: NodeId,
    ports: Range<u16>,
) -> sqlx::Result<Option<u16>> {
    let used: Vec<i64> = sqlx::query_scalar(
        "SELECT port FROM pods WHERE node_id = $1 \
         UNION SELECT port FROM former_placements WHERE node_id = $1 \
         UNION SELECT port FROM pod_tombstones WHERE node_id = $1",
    )
    .bind(node.to_string())
    .fetch_all(&mut **tx)
    .await?;
    let used: BTreeSet<i64> = used.into_iter().collect();
    Ok(ports.into_iter().find(|port| !used.contains(&i64::from(*port))))
}
