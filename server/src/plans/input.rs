//! Reading the form of a new plan.

use myrelay_app::contract::AddPlan;
use myrelay_domain::{
    limits::{Quota, QuotaEnd, Speed, TrafficLimits},
    money::{Currency, Interval, Money, Price},
    names::Name,
    plan::PlanLimits,
};

use crate::{Error, Result, error::InField};

const MBIT: u64 = 1_000_000;
const GB: u64 = 1_000_000_000;
/// The most pods of one account.
const MAX_PODS: u32 = 100;
/// The most devices of a pod: what its largest range has addresses for.
const MAX_DEVICES: u32 = 1021;

/// The plan's name, limits and price.
pub(super) fn read(input: &AddPlan) -> Result<(Name, PlanLimits, Option<Price>)> {
    let name = Name::parse(&input.name).in_field("name")?;
    let pods = count(&input.pods, MAX_PODS).in_field("pods")?;
    let devices_per_pod = count(&input.devices_per_pod, MAX_DEVICES).in_field("devices_per_pod")?;
    let traffic = TrafficLimits { speed: speed(input)?, quota: quota(input)? };
    Ok((name, PlanLimits { pods, devices_per_pod, traffic }, price(input)?))
}

fn price(input: &AddPlan) -> Result<Option<Price>> {
    if input.price.trim().is_empty() {
        return Ok(None);
    }
    let currency = Currency::parse(&input.currency).in_field("currency")?;
    let amount = Money::parse(&input.price, currency).in_field("price")?;
    let interval = Interval::parse(&input.interval);
    let interval = interval
        .ok_or_else(|| Error::invalid("interval", "say whether it is for a month or a year"))?;
    Ok(Some(Price { amount, interval }))
}

fn speed(input: &AddPlan) -> Result<Option<Speed>> {
    let down = optional(&input.speed_down, MBIT).in_field("speed_down")?;
    let up = optional(&input.speed_up, MBIT).in_field("speed_up")?;
    match (down, up) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::invalid("speed_up", "give both speeds, or neither")),
        (None, Some(_)) => Err(Error::invalid("speed_down", "give both speeds, or neither")),
        (Some(down), Some(up)) => {
            // Each by itself first, so that the error is at the field that has it.
            Speed::new(down, down).in_field("speed_down")?;
            Ok(Some(Speed::new(down, up).in_field("speed_up")?))
        }
    }
}

fn quota(input: &AddPlan) -> Result<Option<Quota>> {
    let Some(bytes) = optional(&input.quota, GB).in_field("quota")? else { return Ok(None) };
    let then = match input.then.as_str() {
        "stop" => QuotaEnd::Stop,
        "throttle" => {
            let slow = optional(&input.throttle, MBIT).in_field("throttle")?;
            let slow = slow.ok_or_else(|| Error::invalid("throttle", "say how slow it goes on"))?;
            QuotaEnd::Throttle(Speed::new(slow, slow).in_field("throttle")?)
        }
        _ => return Err(Error::invalid("then", "say what happens when the data is used up")),
    };
    Ok(Some(Quota::new(bytes, then).in_field("quota")?))
}

fn count(text: &str, most: u32) -> Result<u32, String> {
    let number = text.trim().parse().ok().filter(|it| (1..=most).contains(it));
    number.ok_or_else(|| format!("a whole number from 1 to {most}"))
}

/// A number with at most three decimals, in units of so much; empty is none.
fn optional(text: &str, unit: u64) -> Result<Option<u64>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let fits = digits(whole) && digits(part) && whole.len() <= 9 && part.len() <= 3;
    let thousandths = fits.then(|| format!("{whole}{part:0<3}").parse::<u64>().ok()).flatten();
    let number = thousandths.filter(|_| !whole.is_empty());
    let Some(number) = number else { return Err("a number such as 100 or 0.5, or nothing") };
    Ok(Some(number * (unit / 1000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_have_three_decimals() {
        for (text, number) in [
            ("", None),
            (" 100 ", Some(100_000_000)),
            ("0.5", Some(500_000)),
            ("1.234", Some(1_234_000)),
            ("2.", Some(2_000_000)),
            ("999999999", Some(999_999_999_000_000)),
        ] {
            assert_eq!(optional(text, MBIT), Ok(number), "{text}");
        }
        for text in ["-1", "1,5", "1.2345", ".5", "1e3", "١", "1000000000", "x", "+1", "0x1"] {
            assert!(optional(text, MBIT).is_err(), "{text}");
        }
    }
}
