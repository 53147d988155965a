//! Plans and usage, with data that a real one could have.

use myrelay_app::{
    Content, FormState, Frame,
    contract::{
        AccountState, LocationUsageView, NodeUsageView, PlanRow, PodUsageView, PortalError,
        UsagePoint, UsageRefusal, UsageSummaryView, UsageView,
    },
};
use myrelay_domain::{
    limits::{Quota, QuotaEnd, Speed, TrafficLimits},
    money::Interval,
};

use super::{HOSTILE, MINUTE, NOW, account, account_row, billing, id, operator, refused};

const GB: u64 = 1_000_000_000;
const HOUR: i64 = 60 * MINUTE;

fn mbit(down: u64, up: u64) -> Speed {
    Speed { down: down * 1_000_000, up: up * 1_000_000 }
}

fn limits(then: QuotaEnd) -> TrafficLimits {
    TrafficLimits { speed: Some(mbit(200, 50)), quota: Some(Quota { bytes: 100 * GB, then }) }
}

/// A summary of so many bytes of 100 GB.
pub(crate) fn summary(used: u64, then: QuotaEnd) -> UsageSummaryView {
    UsageSummaryView { used, limits: limits(then), resets_at: NOW + 11 * 24 * HOUR }
}

/// A summary without limits.
pub(crate) fn unlimited(used: u64) -> UsageSummaryView {
    let limits = TrafficLimits::default();
    UsageSummaryView { used, limits, resets_at: NOW + 11 * 24 * HOUR }
}

/// A week's rhythm, in hours or days up to now.
fn points(count: i64, unit: i64, scale: u64) -> Vec<UsagePoint> {
    let last = NOW - NOW % unit;
    (0..count)
        .map(|it| {
            let wave = u64::try_from((it * it * 7 + it * 13) % 29).unwrap_or_default();
            let down = if it % 9 == 4 { 0 } else { wave * scale };
            UsagePoint { at: last - (count - 1 - it) * unit, down, up: down / 7 }
        })
        .collect()
}

fn usage(summary: UsageSummaryView, scale: u64) -> PodUsageView {
    let (hours, days) = (points(48, HOUR, scale), points(62, 24 * HOUR, scale * 11));
    let usage = UsageView { summary, hours, days };
    PodUsageView { pod: id(10), location: "Frankfurt".to_owned(), usage }
}

/// What a node's pods moved.
pub(crate) fn of_node(refused: bool) -> NodeUsageView {
    let reason = "record 3: no pod moves that much in an hour".to_owned();
    let refusal = refused.then_some(UsageRefusal { reason, at: NOW - 2 * HOUR });
    NodeUsageView { hours: points(48, HOUR, 40 * GB), refusal }
}

fn plan(number: u128, name: &str, traffic: TrafficLimits, accounts: u32) -> PlanRow {
    PlanRow {
        id: id(number),
        name: name.to_owned(),
        pods: 3,
        devices_per_pod: 25,
        traffic,
        price: (number != 40).then(|| billing::price(999, "EUR", Interval::Month)),
        is_withdrawn: number == 43,
        accounts,
        is_default: number == 40,
    }
}

fn plans() -> Vec<PlanRow> {
    let slow = QuotaEnd::Throttle(mbit(2, 2));
    vec![
        plan(40, "Free", TrafficLimits::default(), 1204),
        plan(41, "Home", limits(slow), 87),
        plan(42, HOSTILE, limits(QuotaEnd::Stop), 0),
        plan(43, "Founders of the first winter", TrafficLimits::default(), 12),
    ]
}

pub(super) fn screens() -> Vec<(&'static str, Content, Frame)> {
    let slow = QuotaEnd::Throttle(mbit(2, 2));
    let at = || account("/pods/1/usage");
    let mut nothing = usage(unlimited(0), 0);
    nothing.usage.days.iter_mut().for_each(|it| (it.down, it.up) = (0, 0));
    vec![
        ("usage", Content::Usage(usage(summary(43 * GB, slow), GB / 20)), at()),
        ("usage-nearly", Content::Usage(usage(summary(86 * GB, slow), GB / 10)), at()),
        ("usage-stopped", Content::Usage(usage(summary(100 * GB, QuotaEnd::Stop), GB)), at()),
        ("usage-new", Content::Usage(nothing), at()),
    ]
    .into_iter()
    .chain(for_operators())
    .collect()
}

fn for_operators() -> Vec<(&'static str, Content, Frame)> {
    let slow = QuotaEnd::Throttle(mbit(2, 2));
    let at = || operator("/operator/plans");
    let one = || operator("/operator/accounts/1");
    let form = FormState::default;
    let list = |plans, form| Content::Plans { plans, form };
    let taken = PortalError::Limit {
        message: "accounts have this plan (87): give them another one first".to_owned(),
    };
    let bad = PortalError::invalid("throttle", "say how slow it goes on");
    let typed = [("name", HOSTILE), ("quota", "100"), ("then", "throttle")];
    let days = |location: &str, used, scale| LocationUsageView {
        location: location.to_owned(),
        summary: summary(used, slow),
        days: points(62, 24 * HOUR, scale),
    };
    let used = vec![days("Frankfurt", 104 * GB, GB), days("Reykjavík", 0, 0)];
    let show = |email, state, usage, form| Content::Account {
        account: account_row(30, email, state),
        plans: plans(),
        usage,
        billing: billing::of_account(state),
        form,
    };
    let gone = PortalError::NotFound { what: "plan".to_owned() };
    vec![
        ("plans", list(plans(), form()), at()),
        ("plans-empty", list(Vec::new(), form()), at()),
        ("plans-refused", list(plans(), refused(&[], taken)), at()),
        ("plan-add", Content::AddPlan(form()), operator("/operator/plans/new")),
        (
            "plan-add-refused",
            Content::AddPlan(refused(&typed, bad)),
            operator("/operator/plans/new"),
        ),
        ("account", show("ana@example.org", AccountState::Active, used, form()), one()),
        (
            "account-new",
            show(HOSTILE, AccountState::Suspended, Vec::new(), refused(&[], gone)),
            one(),
        ),
    ]
}
