//! Networks that a customer typed: canonical or refused, and the shortest list of the rest.

use std::net::IpAddr;

use ipnet::IpNet;
use myrelay_domain::routes::{CidrList, Routes, Tunnel, allowed_ips};

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let routes = text.parse::<Routes>();
    if let Ok(routes) = &routes {
        assert_eq!(routes.to_string(), text, "a choice has one text");
    }
    let list = match CidrList::parse(text) {
        Ok(list) => list,
        Err(error) => {
            let message = error.to_string();
            assert!(message.chars().count() < 200, "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
            return routes.is_ok();
        }
    };
    assert!((1..=CidrList::MAX).contains(&list.networks().len()));
    assert!(list.networks().is_sorted_by(|a, b| a < b), "sorted, and none twice");
    for network in list.networks() {
        assert_eq!(network.trunc(), *network, "no host bits");
        assert_ne!(network.prefix_len(), 0);
        let mapped = matches!(network, IpNet::V6(it) if it.network().to_ipv4_mapped().is_some());
        assert!(!mapped, "{network}");
    }
    assert_eq!(CidrList::parse(&list.to_string()).as_ref(), Ok(&list), "it reads back");
    // Bytes of the input decide the rest, so that the same input does the same.
    let octet = |index: usize| input.get(index).copied().unwrap_or_default();
    let endpoint = IpAddr::from([octet(0), octet(1), octet(2), octet(3)]);
    for routes in [Routes::Except(list.clone()), Routes::Only(list)] {
        assert_eq!(routes.to_string().parse().as_ref(), Ok(&routes));
        through(&routes, endpoint);
    }
    true
}

fn through(routes: &Routes, endpoint: IpAddr) {
    let inside: IpNet = IpNet::from(IpAddr::from([10, 64, 0, 1]));
    let tunnel = Tunnel { endpoint: Some(endpoint), inside: &[inside] };
    let Ok(networks) = allowed_ips(routes, &tunnel) else { return };
    assert!(!networks.is_empty() && networks.len() <= 130 * 130, "{}", networks.len());
    // Sorted and disjoint: each ends before the next begins.
    for pair in networks.windows(2) {
        let (one, next) = (pair[0], pair[1]);
        let same =
            matches!((one, next), (IpNet::V4(_), IpNet::V4(_)) | (IpNet::V6(_), IpNet::V6(_)));
        assert!(!same || one.broadcast() < next.network(), "{one} {next}");
        assert!(one < next && one.sibling_of(next).is_none(), "{one} and {next} are one network");
    }
    let covers = |address| networks.iter().any(|it| it.contains(&address));
    let whole = networks.iter().any(|it| matches!(it, IpNet::V4(_)) && it.prefix_len() == 0);
    assert!(whole || !covers(endpoint), "the endpoint is inside");
    assert!(covers(inside.network()) || inside.network() == endpoint);
}

trait Sibling {
    /// The network that is exactly these two.
    fn sibling_of(&self, other: IpNet) -> Option<IpNet>;
}

impl Sibling for IpNet {
    fn sibling_of(&self, other: IpNet) -> Option<IpNet> {
        let parent = self.supernet()?;
        (self.prefix_len() == other.prefix_len() && other.supernet() == Some(parent))
            .then_some(parent)
    }
}
