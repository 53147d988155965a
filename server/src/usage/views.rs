//! What pages show of usage.

use myrelay_app::contract::{
    LocationUsageView, NodeUsageView, USAGE_DAYS, USAGE_HOURS, UsagePoint, UsageSummaryView,
    UsageView,
};
use myrelay_domain::ids::{AccountId, LocationId, NodeId};
use myrelay_node_protocol::HOUR_MS;

use super::{Period, store};
use crate::{
    Error, Result,
    context::{Caller, Context},
    plans,
};

const DAY_MS: i64 = 24 * HOUR_MS;

/// How an account stands in a location this month.
pub(crate) async fn summary(
    context: &Context,
    account: AccountId,
    location: LocationId,
) -> Result<UsageSummaryView> {
    let pool = context.database.read();
    let limits = plans::view_plan_of(context, account).await?.limits.traffic;
    let period = Period::of(context.now(), store::reset_day(pool, account).await?);
    let used = store::used(pool, account, location, period).await?;
    Ok(UsageSummaryView { used, limits, resets_at: period.end })
}

/// What the account that asks used in a location.
pub(crate) async fn of_location(
    context: &Context,
    caller: Caller,
    location: LocationId,
) -> Result<UsageView> {
    let account = caller.account()?;
    let summary = summary(context, account, location).await?;
    let (pool, now) = (context.database.read(), context.now());
    let since = begin(now, HOUR_MS, USAGE_HOURS);
    let hours = store::hours_of_location(pool, account, location, since).await?;
    let hours = points(&hours, now, HOUR_MS, USAGE_HOURS);
    let days = days(context, account, location).await?;
    Ok(UsageView { summary, hours, days })
}

/// For operators: what an account used in each of its locations.
pub(crate) async fn of_account(
    context: &Context,
    caller: Caller,
    account: &str,
) -> Result<Vec<LocationUsageView>> {
    caller.operator()?;
    let account: AccountId = account.parse().map_err(|_no_id| Error::NotFound("account"))?;
    let since = begin(context.now(), DAY_MS, USAGE_DAYS);
    let locations = store::locations_of_account(context.database.read(), account, since).await?;
    let mut views = Vec::with_capacity(locations.len());
    for (id, location) in locations {
        let summary = summary(context, account, id).await?;
        let days = days(context, account, id).await?;
        views.push(LocationUsageView { location, summary, days });
    }
    Ok(views)
}

/// For operators: what all pods of a node moved.
pub(crate) async fn of_node(
    context: &Context,
    caller: Caller,
    node: NodeId,
) -> Result<NodeUsageView> {
    caller.operator()?;
    let (pool, now) = (context.database.read(), context.now());
    let hours = store::hours_of_node(pool, node, begin(now, HOUR_MS, USAGE_HOURS)).await?;
    let hours = points(&hours, now, HOUR_MS, USAGE_HOURS);
    Ok(NodeUsageView { hours, refusal: store::refusal_of(pool, node).await? })
}

async fn days(
    context: &Context,
    account: AccountId,
    location: LocationId,
) -> Result<Vec<UsagePoint>> {
    let now = context.now();
    let since = begin(now, DAY_MS, USAGE_DAYS);
    let days = store::days_of_location(context.database.read(), account, location, since).await?;
    Ok(points(&days, now, DAY_MS, USAGE_DAYS))
}

/// When the first of so many hours or days began, the last of which runs.
fn begin(now: i64, unit: i64, count: usize) -> i64 {
    let before = i64::try_from(count).unwrap_or(i64::MAX).saturating_sub(1);
    (now.div_euclid(unit) - before) * unit
}

/// So many points without gaps; what a node's fast clock put into the future is not among them.
fn points(series: &store::Series, now: i64, unit: i64, count: usize) -> Vec<UsagePoint> {
    let begins = (begin(now, unit, count)..=now).step_by(usize::try_from(unit).unwrap_or(1));
    let point = |at| {
        let (received, sent) = series.get(&at).copied().unwrap_or_default();
        UsagePoint { at, down: sent, up: received }
    };
    begins.map(point).collect()
}
