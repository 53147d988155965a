//! How often one address may ask. Counted in memory, which is bounded, and written nowhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

use super::{Door, answer::Fault, visit::Visit};
use crate::config::Rates;

/// So many addresses are counted one by one; when there are more, whole networks share.
const MAX_KEYS: usize = 100_000;

/// The counters of every door.
pub struct Limits {
    any: Limit,
    sign_in: Limit,
    enrol: Limit,
}

/// Which counter a route has beside the one that every route has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strict {
    SignIn,
    Enrol,
}

struct Limit {
    counters: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Limits {
    /// Starts counting.
    pub fn new(rates: Rates) -> Self {
        Self {
            any: Limit::new(Quota::per_minute(rates.any)),
            sign_in: Limit::new(Quota::per_minute(rates.sign_in)),
            enrol: Limit::new(Quota::per_minute(rates.enrol)),
        }
    }

    /// Forgets the addresses that have been quiet: call it every minute.
    pub fn forget_quiet(&self) {
        for limit in [&self.any, &self.sign_in, &self.enrol] {
            limit.counters.retain_recent();
            limit.counters.shrink_to_fit();
        }
    }
}

impl Limit {
    fn new(quota: Quota) -> Self {
        Self { counters: DefaultKeyedRateLimiter::dashmap(quota), clock: DefaultClock::default() }
    }

    fn check(&self, ip: IpAddr) -> Result<(), Fault> {
        let crowded = MAX_KEYS <= self.counters.len();
        self.counters.check_key(&group(ip, crowded)).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            // Rounded up: who waits as long as told is let in.
            Fault::too_many(u32::try_from(wait.as_secs()).unwrap_or(60).saturating_add(1))
        })
    }
}

/// Which addresses count as one: an IPv6 /64 is one household; in a crowd, one provider is one.
fn group(ip: IpAddr, crowded: bool) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) if crowded => {
            let [a, b, ..] = v4.octets();
            Ipv4Addr::new(a, b, 0, 0).into()
        }
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let kept = if crowded { 32 } else { 64 };
            Ipv6Addr::from_bits(v6.to_bits() & u128::MAX << (128 - kept)).into()
        }
    }
}

/// In front of everything.
pub(crate) async fn any(
    State(door): State<Door>,
    visit: Visit,
    request: Request,
    next: Next,
) -> Response {
    match door.limits.any.check(visit.ip) {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    }
}

/// In front of the routes where somebody could try secrets.
pub(crate) async fn strict(
    State((door, strict)): State<(Door, Strict)>,
    visit: Visit,
    request: Request,
    next: Next,
) -> Response {
    let limit = match strict {
        Strict::SignIn => &door.limits.sign_in,
        Strict::Enrol => &door.limits.enrol,
    };
    match limit.check(visit.ip) {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_and_in_a_crowd_a_provider_is_one() {
        let group = |text: &str, crowded| group(text.parse().unwrap(), crowded).to_string();
        assert_eq!(group("192.0.2.7", false), "192.0.2.7");
        assert_eq!(group("::ffff:192.0.2.7", false), "192.0.2.7");
        assert_eq!(group("2001:db8:1:2:3::4", false), "2001:db8:1:2::");
        assert_eq!(group("2001:db8:1:2:3::4", true), "2001:db8::");
        assert_eq!(group("192.0.2.7", true), "192.0.0.0");
    }
}
