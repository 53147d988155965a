//! How a plugin did in the last day, and what it says of itself, for its page.

use myrelay_app::contract::{HEALTH_HOURS, HourOfCalls, PluginHealthView, PluginSaidView};
use myrelay_plugin_host::{Answer, Call, Failure, Outcome};

use super::{
    Ask, CALLS_KEPT, Installed, Settled, State,
    call::{ask, describe, settle},
    revocation, store,
};
use crate::{
    Error, Result,
    context::{Caller, Context},
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// The most that is kept of what a plugin says of itself, in characters.
const SAID_CHARS: usize = 500;

/// How a plugin does.
pub(super) async fn health(context: &Context, plugin: &Installed) -> Result<PluginHealthView> {
    let now = context.now();
    let pool = context.database.read();
    let calls = store::day::list(pool, plugin.id, now - DAY_MS, CALLS_KEPT).await?;
    Ok(PluginHealthView {
        failures: plugin.health.failures,
        rests_until: plugin.health.rest_until.filter(|until| now < *until),
        said: store::said::find(pool, plugin.id).await?,
        cut: i64::try_from(calls.len()).is_ok_and(|it| CALLS_KEPT <= it),
        ..summed(&calls, now)
    })
}

/// For operators: asks a plugin how it is, once, and keeps what it says. One that rests or is stopped
/// is asked too: who lets it go on wants to know before. It is a call as any other.
///
/// # Errors
/// [`Error::Invalid`] of a plugin that is disabled or revoked, [`Error::Unavailable`] where it could
/// not be asked.
pub(crate) async fn ask_how_it_is(context: &Context, caller: Caller, plugin: &str) -> Result<()> {
    caller.operator()?;
    let plugin = super::get(context, plugin).await?;
    if let Some(why) = revocation::why(context, plugin.id).await? {
        return Err(Error::invalid("plugin", why));
    }
    if plugin.state == State::Disabled {
        let message = "it is disabled, and nothing goes to it: enable it before you ask how it is";
        return Err(Error::invalid("plugin", message));
    }
    let asked = Ask {
        call: Call::Health,
        about: None,
        delivery: context.new_request_id(),
        attempt: 1,
        at: context.now(),
    };
    let outcome = ask(context, &plugin, &asked).await?;
    let mut tx = context.database.write().await?;
    if settle(context, &mut tx, &plugin, &asked, &outcome).await? == Settled::Beaten {
        return Err(Error::Busy { retry_after_s: 1 });
    }
    let said = said(&outcome);
    if let Ok((well, words)) = &said {
        let said = PluginSaidView { well: *well, words: words.clone(), at: context.now() };
        store::said::put(&mut tx, plugin.id, &said).await?;
    }
    tx.commit().await?;
    said.map(drop)
}

/// Whether a plugin said that it is well, and its words; an error where it was not asked after all.
fn said(outcome: &Outcome) -> Result<(bool, String)> {
    let (well, words) = match &outcome.result {
        Ok(Answer::Health(report)) => (report.ok, report.detail.clone()),
        Ok(_) => (false, "it answered something else".to_owned()),
        Err(
            failure
            @ (Failure::Busy(_) | Failure::Unknown | Failure::Invalid(_) | Failure::Host(_)),
        ) => return Err(Error::Unavailable(describe(failure))),
        Err(failure) => (false, describe(failure)),
    };
    let in_a_line = words.chars().map(|it| if it.is_control() { ' ' } else { it });
    Ok((well, in_a_line.take(SAID_CHARS).collect()))
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
