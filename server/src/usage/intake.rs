//! Taking in what nodes say that their pods moved.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use myrelay_domain::ids::{AccountId, LocationId, NodeId, PodId};
use myrelay_node_protocol::{
    HOUR_MS, MAX_USAGE_RECORDS, USAGE_KEPT_HOURS, UsageRecord, UsageReport,
};
use serde_json::json;

use super::{
    Period, Placement, carry,
    store::{self, Memory, Stay},
};
use crate::{
    Error, Result,
    context::Context,
    database::Write,
    deployment,
    outbox::{self, Event},
    plans,
};

const DAY_MS: i64 = 24 * HOUR_MS;
/// How far a node's clock may be ahead or behind.
const CLOCK_MS: i64 = 48 * HOUR_MS;
/// A node that let go of a pod reads what its interface had in the end a moment later.
const LAST_READING_MS: i64 = HOUR_MS;
/// The most bytes of one pod in one hour, in each direction: 100 Gbit/s and a tenth more.
const MAX_HOUR: u64 = 110_000_000_000 / 8 * 3600;
/// How often in a day a node may begin counting anew.
const MAX_COUNTERS: i64 = 8;

/// Where a pod is or was, and when.
#[derive(Clone)]
struct Place {
    placement: Placement,
    /// It stands there now, and was neither deleted nor moved.
    current: bool,
    stays: Vec<Stay>,
}

impl Place {
    /// Whether the pod was served there in an hour, by whichever clock.
    fn is_served(&self, hour_ms: i64) -> bool {
        self.stays.iter().any(|it| {
            it.began_at - CLOCK_MS < hour_ms + HOUR_MS
                && it.ended_at.is_none_or(|end| hour_ms <= end + LAST_READING_MS)
        })
    }
}

/// What is taken from one report.
#[derive(Default)]
struct Growth {
    days: BTreeMap<(Placement, i64), (u64, u64)>,
    accounts: BTreeSet<(AccountId, LocationId)>,
    /// Something of theirs was counted elsewhere than where their pod stands, or as another node.
    carry: BTreeSet<(AccountId, LocationId)>,
    left_out: usize,
}

/// Takes a node's report: of every hour of every pod the largest numbers stand. The same again,
/// late or out of order changes nothing. A record that cannot be true, or is of a pod that the node
/// did not serve then, refuses the whole report; records of pods that nobody knows any more are
/// left out. Answers the pods whose nodes shall count on from another number than before.
pub(crate) async fn take(
    context: &Context,
    tx: &mut Write,
    node: NodeId,
    report: &UsageReport,
) -> Result<Vec<Placement>> {
    ensure_shape(report)?;
    let now = context.now();
    let memory = store::note_counter(tx, node, &report.counter, now).await?;
    if matches!(memory, Memory::Begun | Memory::Lost)
        && MAX_COUNTERS < store::counters_since(tx, node, now - DAY_MS).await?
    {
        let message = format!("a node begins counting anew at most {MAX_COUNTERS} times a day");
        return Err(Error::invalid("counter", message));
    }
    let mut growth = Growth::default();
    if matches!(memory, Memory::Lost | Memory::Found) {
        growth.carry.extend(store::accounts_on(tx, node).await?);
    }
    let mut places = BTreeMap::new();
    for (at, record) in report.records.iter().enumerate() {
        let far = !(now - USAGE_KEPT_HOURS * HOUR_MS..=now + CLOCK_MS).contains(&record.hour_ms);
        let place = match places.entry(record.pod) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(find(tx, node, record.pod, at).await?),
        };
        match place {
            Some(place) if !far => {
                if !place.is_served(record.hour_ms) {
                    return Err(refuse(at, "this node did not serve its pod then"));
                }
                grow(tx, &mut growth, place, (at, record), &report.counter).await?;
            }
            _ => growth.left_out += 1,
        }
    }
    for ((placement, day), bytes) in &growth.days {
        store::add_to_day(tx, placement, *day, *bytes).await?;
    }
    for (account, location) in growth.accounts {
        tell_marks(context, tx, account, location).await?;
    }
    if 0 < growth.left_out {
        let reason = "some records were of unknown pods, or of hours too far away";
        store::put_refusal(tx, node, reason, now).await?;
        tracing::warn!(%node, records = growth.left_out, "usage of unknown pods or far hours");
    }
    if !growth.carry.is_empty() {
        // From here on no pod comes or moves.
        deployment::count_allocation(tx).await?;
    }
    let mut changed = Vec::new();
    for (account, location) in growth.carry {
        for placement in store::standing(tx, account, location).await? {
            if carry(tx, &placement, now).await? {
                changed.push(placement);
            }
        }
    }
    Ok(changed)
}

/// Writes down, for the operators, why a node's report was refused; an event tells it once a day.
pub(crate) async fn record_refusal(
    context: &Context,
    tx: &mut Write,
    node: NodeId,
    reason: &str,
) -> Result<()> {
    let now = context.now();
    let before = store::put_refusal(tx, node, reason, now).await?;
    if before.is_none_or(|before| before < now - DAY_MS) {
        let payload = json!({ "node": node });
        outbox::record(context, tx, Event::NodeUsageRefused, None, payload).await?;
    }
    tracing::warn!(%node, "a report of usage was refused");
    Ok(())
}

fn ensure_shape(report: &UsageReport) -> Result<()> {
    let hex = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    if report.counter.len() != 32 || !report.counter.bytes().all(hex) {
        return Err(Error::invalid("counter", "32 hexadecimal digits in lower case"));
    }
    if MAX_USAGE_RECORDS < report.records.len() {
        let message = format!("at most {MAX_USAGE_RECORDS} in one report");
        return Err(Error::invalid("records", message));
    }
    for (at, record) in report.records.iter().enumerate() {
        if record.hour_ms < 0 || record.hour_ms % HOUR_MS != 0 {
            return Err(refuse(at, "an hour begins at a full hour"));
        }
        if MAX_HOUR < record.received.max(record.sent) {
            return Err(refuse(at, "no pod moves that much in an hour"));
        }
    }
    Ok(())
}

fn refuse(at: usize, what: &str) -> Error {
    Error::invalid("records", format!("record {at}: {what}"))
}

/// Where a pod stands or stood on this node; none when nobody knows the pod.
async fn find(tx: &mut Write, node: NodeId, pod: PodId, at: usize) -> Result<Option<Place>> {
    let places = store::places(tx, pod).await?;
    let here = places.iter().find(|it| it.placement.node == node);
    match here {
        Some(place) => {
            let stays = store::stays(tx, pod, node).await?;
            Ok(Some(Place { placement: place.placement, current: place.current, stays }))
        }
        None if places.is_empty() => Ok(None),
        None => Err(refuse(at, "its pod is another node's")),
    }
}

/// Writes down that a node let go of a pod: it serves it no more, by either clock.
pub(crate) async fn leave(
    tx: &mut Write,
    (pod, node): (PodId, NodeId),
    now: i64,
    clock_ms: i64,
) -> Result<()> {
    Ok(store::end_stay(tx, (pod, node), clock_ms.clamp(now, now + CLOCK_MS)).await?)
}

async fn grow(
    tx: &mut Write,
    growth: &mut Growth,
    Place { placement, current, .. }: &Place,
    (at, record): (usize, &UsageRecord),
    counter: &str,
) -> Result<()> {
    let known = store::hours(tx, placement.pod, record.hour_ms).await?;
    let (mut others, mut before, mut elsewhere) = ((0, 0), (0, 0), (0, 0));
    for hour in known {
        let sum = match (hour.node == placement.node, hour.counter == counter) {
            (true, true) => &mut before,
            (true, false) => &mut others,
            // The same folder told it when its machine was another node.
            (false, true) => &mut elsewhere,
            (false, false) => continue,
        };
        *sum = (sum.0 + hour.received, sum.1 + hour.sent);
    }
    let received = record.received.saturating_sub(elsewhere.0);
    let sent = record.sent.saturating_sub(elsewhere.1);
    let after = (before.0.max(received), before.1.max(sent));
    if after == before {
        return Ok(());
    }
    if MAX_HOUR < (others.0 + after.0).max(others.1 + after.1) {
        return Err(refuse(at, "with what other counters said, no pod moves that much in an hour"));
    }
    let (node, counter) = (placement.node, counter.to_owned());
    let hour = store::Hour { node, counter, received: after.0, sent: after.1 };
    store::put_hour(tx, placement, record.hour_ms, &hour).await?;
    let day = record.hour_ms - record.hour_ms % DAY_MS;
    let sum = growth.days.entry((*placement, day)).or_default();
    *sum = (sum.0 + after.0 - before.0, sum.1 + after.1 - before.1);
    let whose = (placement.account, placement.location);
    growth.accounts.insert(whose);
    if !current || elsewhere != (0, 0) {
        growth.carry.insert(whose);
    }
    Ok(())
}

/// Tells, once a month each, that 80 and 100 % of an account's quota in a location were used.
async fn tell_marks(
    context: &Context,
    tx: &mut Write,
    account: AccountId,
    location: LocationId,
) -> Result<()> {
    let Some(quota) = plans::plan_of(tx, account).await?.limits.traffic.quota else {
        return Ok(());
    };
    let now = context.now();
    let period = Period::of(now, store::reset_day(&mut **tx, account).await?);
    let used = store::used(&mut **tx, account, location, period).await?;
    for (percent, event) in [(80, Event::UsageQuota80), (100, Event::UsageQuota100)] {
        let reached = u128::from(quota.bytes) * u128::from(percent) <= u128::from(used) * 100;
        if reached && store::mark(tx, (account, location), period.start, percent, now).await? {
            let payload = json!({
                "account": account, "location": location, "period_at": period.start,
            });
            outbox::record(context, tx, event, Some(account), payload).await?;
        }
    }
    Ok(())
}
