//! Usage: what pods moved by the hour and by the day, and how accounts stand with their quotas.
//!
//! It comes before the pods: where each of them stands, and whose it is, they say when they are
//! placed. So usage that comes after a pod's end still finds its account.

mod intake;
mod store;
#[cfg(test)]
mod tests;
mod views;

use std::time::Duration;

use myrelay_domain::ids::{AccountId, LocationId, NodeId, PodId};
use myrelay_node_protocol::{Carried, HOUR_MS, period_end_ms, period_start_ms};

pub(crate) use self::{
    intake::{leave, record_refusal, take},
    views::{of_account, of_location, of_node, summary},
};
use crate::{Result, context::Context, database::Write};

const PRUNE_EVERY: Duration = Duration::from_secs(3600);
/// How long hours are kept, in milliseconds.
const HOURS_KEPT_MS: i64 = 62 * 24 * HOUR_MS;
/// How long days are kept, in milliseconds: two years.
const DAYS_KEPT_MS: i64 = 2 * 366 * 24 * HOUR_MS;

/// One pod on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Placement {
    pub(crate) pod: PodId,
    pub(crate) node: NodeId,
    pub(crate) account: AccountId,
    pub(crate) location: LocationId,
}

/// A month of an account's quotas: from its beginning up to its end, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Period {
    start: i64,
    end: i64,
}

impl Period {
    fn of(now: i64, reset_day: u8) -> Self {
        Self { start: period_start_ms(now, reset_day), end: period_end_ms(now, reset_day) }
    }
}

/// Writes down that a pod stands on a node from now on, and what its node shall count on from. To
/// be called in the transaction that makes or moves the pod.
pub(crate) async fn place(tx: &mut Write, placement: &Placement, now: i64) -> Result<()> {
    store::place(tx, placement, now).await?;
    store::begin_stay(tx, placement, now).await?;
    carry(tx, placement, now).await?;
    Ok(())
}

/// Sets what a pod's node counts on from: what the account used this month in the location, but
/// for what the node counted itself and remembers. Answers whether that changed.
async fn carry(tx: &mut Write, placement: &Placement, now: i64) -> Result<bool> {
    let period = Period::of(now, store::reset_day(&mut **tx, placement.account).await?);
    let (account, location) = (placement.account, placement.location);
    let all = store::used(&mut **tx, account, location, period).await?;
    let own = store::counted_by_node(tx, placement, period).await?;
    let carried = Carried { period_ms: period.start, bytes: all.saturating_sub(own) };
    Ok(store::put_carried(tx, placement, carried).await?)
}

/// Forgets what is over, every hour, for as long as it is polled.
pub(crate) async fn work(context: Context) {
    loop {
        if let Err(error) = prune(&context).await {
            tracing::warn!(%error, "cannot forget usage that is over");
        }
        tokio::time::sleep(PRUNE_EVERY).await;
    }
}

/// Forgets what is older than it is kept.
async fn prune(context: &Context) -> Result<()> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    store::prune(&mut tx, now - HOURS_KEPT_MS, now - DAYS_KEPT_MS).await?;
    tx.commit().await?;
    Ok(())
}
