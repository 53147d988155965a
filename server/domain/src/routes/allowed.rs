//! The `AllowedIPs` of a device, as a short list of prefixes.
//!
//! A family is a line of numbers, and a set of its addresses a sorted list of ranges that neither
//! overlap nor touch. Everything here is a union or a complement of such lists, so it takes time
//! linear in the number of prefixes (but for sorting them), whatever their length.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Routes;

/// What a tunnel asks of the routes through it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tunnel<'a> {
    /// Where the encrypted packets go, where that is an address. Unless everything of its family
    /// goes through the tunnel it stays outside, or the packets would be sent into the tunnel
    /// again: `wg-quick(8)` marks packets only for a route of `/0`.
    pub endpoint: Option<IpAddr>,
    /// What goes through the tunnel whatever was chosen: its resolvers and its own network.
    pub inside: &'a [IpNet],
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

/// Routes that leave nothing to go through the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowedError {
    /// The networks left outside are all of a family.
    #[error("these networks are all of {0}: nothing of it would go through the tunnel")]
    NothingLeft(Family),
    /// The only network is the tunnel's endpoint.
    #[error("nothing would go through the tunnel: its own endpoint cannot")]
    OnlyEndpoint,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::V4 { "IPv4" } else { "IPv6" })
    }
}

/// The fewest prefixes that are what goes through the tunnel: disjoint, sorted, IPv4 first, never
/// none.
pub fn allowed_ips(routes: &Routes, tunnel: &Tunnel<'_>) -> Result<Vec<IpNet>, AllowedError> {
    let (mut prefixes, mut chosen_any) = (Vec::new(), false);
    for family in [Family::V4, Family::V6] {
        let all = || Ranges::of(family, &[]).complement();
        let chosen = match routes {
            Routes::Everything => all(),
            Routes::Except(list) => Ranges::of(family, list.networks()).complement(),
            Routes::Only(list) => Ranges::of(family, list.networks()),
        };
        let endpoint = tunnel.endpoint.map(|it| [IpNet::from(it.to_canonical())]);
        let endpoint = Ranges::of(family, endpoint.as_ref().map_or(&[], |it| it));
        let chosen_here = !chosen.without(&endpoint).0.is_empty();
        if matches!(routes, Routes::Except(_)) && !chosen_here {
            return Err(AllowedError::NothingLeft(family));
        }
        chosen_any |= chosen_here;
        let mut through = chosen.union(&Ranges::of(family, tunnel.inside));
        if through != all() {
            through = through.without(&endpoint);
        }
        through.push_prefixes(&mut prefixes);
    }
    if chosen_any { Ok(prefixes) } else { Err(AllowedError::OnlyEndpoint) }
}

/// First and last address of each range; sorted, with a gap between any two.
#[derive(PartialEq, Eq)]
struct Ranges(Vec<(u128, u128)>, Family);

impl Ranges {
    /// The networks that are of this family.
    fn of(family: Family, networks: &[IpNet]) -> Self {
        let range = |network: &IpNet| match (network, family) {
            (IpNet::V4(it), Family::V4) => {
                Some((u32::from(it.network()).into(), u32::from(it.broadcast()).into()))
            }
            (IpNet::V6(it), Family::V6) => Some((it.network().into(), it.broadcast().into())),
            _ => None,
        };
        Self::merged(networks.iter().filter_map(range).collect(), family)
    }

    fn merged(mut ranges: Vec<(u128, u128)>, family: Family) -> Self {
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let touches = next.0 <= kept.1.saturating_add(1);
            if touches {
                kept.1 = kept.1.max(next.1);
            }
            touches
        });
        Self(ranges, family)
    }

    fn union(&self, other: &Self) -> Self {
        Self::merged([self.0.as_slice(), other.0.as_slice()].concat(), self.1)
    }

    fn complement(&self) -> Self {
        let last = match self.1 {
            Family::V4 => u32::MAX.into(),
            Family::V6 => u128::MAX,
        };
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut next = Some(0);
        for (start, end) in &self.0 {
            if let Some(next) = next.filter(|it| it < start) {
                gaps.push((next, start - 1));
            }
            next = if *end == last { None } else { Some(end + 1) };
        }
        gaps.extend(next.map(|next| (next, last)));
        Self(gaps, self.1)
    }

    fn without(&self, other: &Self) -> Self {
        self.complement().union(other).complement()
    }

    /// The largest prefix that begins where a range does and fits into it, then the rest alike:
    /// that makes the fewest.
    fn push_prefixes(&self, prefixes: &mut Vec<IpNet>) {
        for (mut start, end) in self.0.iter().copied() {
            loop {
                let bits = start.trailing_zeros().min(floor_log2_of_next(end - start));
                prefixes.push(prefix(self.1, start, bits));
                let span = u128::MAX.checked_shr(128 - bits).unwrap_or(0);
                if end - start == span {
                    break;
                }
                start += span + 1;
            }
        }
    }
}

/// The logarithm to base 2 of `number + 1`, rounded down.
fn floor_log2_of_next(number: u128) -> u32 {
    number.checked_add(1).map_or(128, u128::ilog2)
}

/// The prefix at `start` that leaves so many bits open.
fn prefix(family: Family, start: u128, bits: u32) -> IpNet {
    // Both are in the family's bounds: a range was made of networks of that family.
    let open = u8::try_from(bits).unwrap_or(u8::MAX);
    match family {
        Family::V4 => {
            let start = Ipv4Addr::from(u32::try_from(start).unwrap_or(u32::MAX));
            Ipv4Net::new(start, 32_u8.saturating_sub(open)).unwrap_or_default().into()
        }
        Family::V6 => {
            let start = Ipv6Addr::from(start);
            Ipv6Net::new(start, 128_u8.saturating_sub(open)).unwrap_or_default().into()
        }
    }
}
