//! How a plugin did in the last day, for its page.

use myrelay_app::contract::{HEALTH_HOURS, HourOfCalls, PluginHealthView};

use super::{CALLS_KEPT, Installed, store};
use crate::{Result, context::Context};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How a plugin does.
pub(super) async fn health(context: &Context, plugin: &Installed) -> Result<PluginHealthView> {
    let now = context.now();
    let pool = context.database.read();
    let calls = store::day::list(pool, plugin.id, now - DAY_MS, CALLS_KEPT).await?;
    Ok(PluginHealthView {
        failures: plugin.health.failures,
        rests_until: plugin.health.rest_until.filter(|until| now < *until),
        cut: i64::try_from(calls.len()).is_ok_and(|it| CALLS_KEPT <= it),
        ..summed(&calls, now)
    })
}

/// Calls in hours, with how long they took.
fn summed(calls: &[store::day::Call], now: i64) -> PluginHealthView {
    let mut hours: Vec<HourOfCalls> = Vec::with_capacity(HEALTH_HOURS);
    let mut at = now - DAY_MS;
    while hours.len() < HEALTH_HOURS {
        hours.push(HourOfCalls { at, ..HourOfCalls::default() });
        at += HOUR_MS;
    }
    let mut took: Vec<u64> = Vec::with_capacity(calls.len());
    let (mut all, mut failures) = (0_u32, 0_u32);
    for (at, failed, wall_us) in calls {
        let failed = u32::from(*failed != 0);
        all += 1;
        failures += failed;
        took.push(u64::try_from(*wall_us).unwrap_or(0));
        let hour = (at - (now - DAY_MS)).div_euclid(HOUR_MS);
        let last = HEALTH_HOURS - 1;
        let hour = usize::try_from(hour).unwrap_or(0).min(last);
        if let Some(hour) = hours.get_mut(hour) {
            hour.failed += failed;
            hour.well += 1 - failed;
        }
    }
    took.sort_unstable();
    let share = |percent: usize| took.get((took.len() * percent).div_ceil(100).saturating_sub(1));
    PluginHealthView {
        calls: all,
        failed: failures,
        half_us: share(50).copied(),
        most_us: share(99).copied(),
        hours,
        ..PluginHealthView::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_summed_by_its_hours() {
        let now = 100 * DAY_MS;
        let nothing = summed(&[], now);
        assert_eq!((nothing.calls, nothing.half_us, nothing.hours.len()), (0, None, 24));
        let mut calls: Vec<_> = (1..=100).map(|took| (now, 0, took)).collect();
        calls.push((now - DAY_MS + 1, 1, 5000));
        calls.push((now - HOUR_MS - 1, 1, 7));
        let day = summed(&calls, now);
        assert_eq!((day.calls, day.failed), (102, 2));
        assert_eq!((day.half_us, day.most_us), (Some(50), Some(100)));
        let counted: Vec<_> = day.hours.iter().map(|it| (it.well, it.failed)).collect();
        assert_eq!((counted[0], counted[22], counted[23]), ((0, 1), (0, 1), (100, 0)));
        assert_eq!(day.hours[23].at, now - HOUR_MS);
        let one = summed(&[(now, 0, 9)], now);
        assert_eq!((one.half_us, one.most_us), (Some(9), Some(9)));
    }
}
