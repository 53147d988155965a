//! Quiet hours: when an account wants nothing but what is about security.

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use myrelay_app::contract::{QuietView, SetQuiet};
use myrelay_domain::ids::AccountId;

use super::store;
use crate::{
    Error, Result,
    context::{Caller, Context},
};

const MINUTE_MS: i64 = 60_000;

/// From one minute of the day to another, in a time zone. They may begin on one day and end on the
/// next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quiet {
    pub(super) begins: i64,
    pub(super) ends: i64,
    pub(super) zone: String,
}

impl Quiet {
    /// When they end; none: they are not now. Milliseconds, as all moments.
    fn until(&self, now: i64) -> Option<i64> {
        // A zone that the next database of zones does not have any more keeps nothing back.
        let zone = TimeZone::get(&self.zone).ok()?;
        let here = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone());
        let minute = i64::from(here.hour()) * 60 + i64::from(here.minute());
        let inside = if self.begins < self.ends {
            self.begins <= minute && minute < self.ends
        } else {
            self.begins <= minute || minute < self.ends
        };
        if !inside {
            return None;
        }
        let day = if minute < self.ends { here.date() } else { here.date().tomorrow().ok()? };
        let end = day.to_datetime(time(self.ends)?).to_zoned(zone).ok()?;
        // An hour that comes twice may have had this minute already.
        let end = end.timestamp().as_millisecond();
        Some(if end <= now { now + MINUTE_MS } else { end })
    }
}

fn time(minute: i64) -> Option<Time> {
    let part = |it: i64| i8::try_from(it).ok();
    Time::new(part(minute / 60)?, part(minute % 60)?, 0, 0).ok()
}

fn words(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// Reads `7:05` or `07:05`.
fn read(field: &'static str, text: &str) -> Result<i64> {
    let advice = "give a time of the day, such as 22:00";
    let wrong = || Error::invalid(field, advice);
    let (hour, minute) = text.trim().split_once(':').ok_or_else(wrong)?;
    let digits = |it: &str| (1..=2).contains(&it.len()) && it.bytes().all(|c| c.is_ascii_digit());
    if !digits(hour) || minute.len() != 2 || !digits(minute) {
        return Err(wrong());
    }
    let (hour, minute): (i64, i64) = (
        hour.parse().map_err(|_no_number| wrong())?,
        minute.parse().map_err(|_no_number| wrong())?,
    );
    if 24 <= hour || 60 <= minute { Err(wrong()) } else { Ok(hour * 60 + minute) }
}

/// Until when an account wants nothing but what is about security; none: it wants all of it now.
pub(crate) async fn quiet_until(context: &Context, account: AccountId) -> Result<Option<i64>> {
    let quiet = store::quiet::find(context.database.read(), account).await?;
    Ok(quiet.and_then(|it| it.until(context.now())))
}

pub(super) async fn view(context: &Context, caller: Caller) -> Result<Option<QuietView>> {
    let quiet = store::quiet::find(context.database.read(), caller.account()?).await?;
    let view =
        |it: Quiet| QuietView { begins: words(it.begins), ends: words(it.ends), zone: it.zone };
    Ok(quiet.map(view))
}

/// Sets the quiet hours of the account that asks, or takes them away.
pub(crate) async fn set_quiet(context: &Context, caller: Caller, input: SetQuiet) -> Result<()> {
    let account = caller.account()?;
    let none = input.begins.trim().is_empty() && input.ends.trim().is_empty();
    let quiet = if none { None } else { Some(checked(&input)?) };
    let mut tx = context.database.write().await?;
    match &quiet {
        Some(quiet) => store::quiet::put(&mut tx, account, quiet).await?,
        None => store::quiet::delete(&mut tx, account).await?,
    }
    tx.commit().await?;
    Ok(())
}

fn checked(input: &SetQuiet) -> Result<Quiet> {
    let (begins, ends) = (read("begins", &input.begins)?, read("ends", &input.ends)?);
    if begins == ends {
        let message = "quiet hours end at another time than they begin";
        return Err(Error::invalid("ends", message));
    }
    let zone = TimeZone::get(input.zone.trim()).ok();
    let zone = zone.as_ref().and_then(TimeZone::iana_name);
    let advice = "give a time zone by continent and city, such as Europe/Berlin";
    let zone = zone.ok_or_else(|| Error::invalid("zone", advice))?;
    Ok(Quiet { begins, ends, zone: zone.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_follow_the_clock_on_the_wall() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let quiet = |begins, ends| Quiet { begins, ends, zone: "Europe/Berlin".to_owned() };
        let night = quiet(22 * 60, 7 * 60);
        // Winter: an hour before UTC.
        assert_eq!(night.until(at("2026-01-10T20:59:00Z")), None);
        assert_eq!(night.until(at("2026-01-10T21:00:00Z")), Some(at("2026-01-11T06:00:00Z")));
        assert_eq!(night.until(at("2026-01-11T05:59:59Z")), Some(at("2026-01-11T06:00:00Z")));
        assert_eq!(night.until(at("2026-01-11T06:00:00Z")), None);
        // The night in which summer begins is an hour shorter.
        assert_eq!(night.until(at("2026-03-28T22:00:00Z")), Some(at("2026-03-29T05:00:00Z")));
        let noon = quiet(12 * 60, 13 * 60 + 30);
        assert_eq!(noon.until(at("2026-07-01T10:30:00Z")), Some(at("2026-07-01T11:30:00Z")));
        assert_eq!(noon.until(at("2026-07-01T11:30:00Z")), None);
        // 02:30 does not exist in one night, and exists twice in another.
        let small = quiet(60, 150);
        assert_eq!(small.until(at("2026-03-29T00:30:00Z")), Some(at("2026-03-29T01:30:00Z")));
        let twice = at("2026-10-25T01:10:00Z");
        assert_eq!(small.until(twice), Some(twice + MINUTE_MS));
        assert_eq!(Quiet { zone: "Mars/Dome".to_owned(), ..small }.until(twice), None);
    }

    #[test]
    fn a_time_of_the_day_is_read() {
        for (text, minute) in [("0:00", 0), ("7:05", 425), (" 23:59 ", 1439)] {
            assert_eq!(read("begins", text).unwrap(), minute);
        }
        for text in ["", "7", "24:00", "12:60", "-1:00", "1:5", "012:00", "12:0a", "12:00:00"] {
            assert!(read("begins", text).is_err(), "{text}");
        }
    }
}
