//! How often one address, and one token, may ask. Counted in memory, which is bounded, and written nowhere.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use myrelay_domain::ids::TokenId;

use super::{Door, answer::Fault, visit::Visit};
use crate::config::Rates;

/// So many addresses are counted one by one; when there are more, whole networks share.
const MAX_KEYS: usize = 100_000;

/// The counters of every door.
pub struct Limits {
    any: Limit<IpAddr>,
    sign_in: Limit<IpAddr>,
    enrol: Limit<IpAddr>,
    wrong_token: Limit<IpAddr>,
    /// Only tokens that count are counted: there are no more of them than rows.
    token: Limit<TokenId>,
}

/// Which counter a route has beside the one that every route has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strict {
    SignIn,
    Enrol,
}

struct Limit<K: Hash + Eq + Clone> {
    counters: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
}

impl Limits {
    /// Starts counting.
    pub fn new(rates: Rates) -> Self {
        Self {
            any: Limit::new(Quota::per_minute(rates.any)),
            sign_in: Limit::new(Quota::per_minute(rates.sign_in)),
            enrol: Limit::new(Quota::per_minute(rates.enrol)),
            wrong_token: Limit::new(Quota::per_minute(rates.sign_in)),
            token: Limit::new(Quota::per_minute(rates.any)),
        }
    }

    /// Forgets who has been quiet: call it every minute.
    pub fn forget_quiet(&self) {
        for limit in [&self.any, &self.sign_in, &self.enrol, &self.wrong_token] {
            limit.forget_quiet();
        }
        self.token.forget_quiet();
    }

    /// Counts a token that was none. Wrong ones can be tried as often as passwords.
    pub(crate) fn check_wrong_token(&self, ip: IpAddr) -> Result<(), Fault> {
        self.wrong_token.check_ip(ip)
    }

    /// Counts a request with a token, from wherever it comes.
    pub(crate) fn check_token(&self, token: TokenId) -> Result<(), Fault> {
        self.token.check(&token)
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(quota: Quota) -> Self {
        Self { counters: DefaultKeyedRateLimiter::dashmap(quota), clock: DefaultClock::default() }
    }

    fn forget_quiet(&self) {
        self.counters.retain_recent();
        self.counters.shrink_to_fit();
    }

    fn check(&self, key: &K) -> Result<(), Fault> {
        self.counters.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            // Rounded up: who waits as long as told is let in.
            Fault::too_many(u32::try_from(wait.as_secs()).unwrap_or(60).saturating_add(1))
        })
    }
}

impl Limit<IpAddr> {
    fn check_ip(&self, ip: IpAddr) -> Result<(), Fault> {
        self.check(&group(ip, MAX_KEYS <= self.counters.len()))
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
    match door.limits.any.check_ip(visit.ip) {
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
    match limit.check_ip(visit.ip) {
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
