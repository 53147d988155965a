//! Names that mean something only where they are asked: they are never asked of an upstream.

use std::sync::LazyLock;

use hickory_proto::op::ResponseCode;
use myrelay_node_protocol::DomainName;

use super::names::{Names, Wire};

/// Names of one's own network, and such as must not leave it (RFC 6761, RFC 6762, RFC 7686,
/// RFC 8375, and `internal` by ICANN's resolution of 2024-07-29).
const OWN: [&str; 7] = ["home.arpa", "internal", "invalid", "local", "localhost", "onion", "test"];
/// The reverse names of addresses of one's own network (RFC 6303 section 4, RFC 7793), but for
/// those that are counted out in [`own`].
const REVERSE: [&str; 12] = [
    "0.in-addr.arpa",
    "10.in-addr.arpa",
    "127.in-addr.arpa",
    "254.169.in-addr.arpa",
    "168.192.in-addr.arpa",
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    "c.f.ip6.arpa",
    "d.f.ip6.arpa",
    "8.b.d.0.1.0.0.2.ip6.arpa",
];
/// Where devices look for an encrypted resolver at this address. There is none: the tunnel is the
/// encryption, and a forwarder must not pass on what its upstream has (RFC 9462 section 6.4).
const DESIGNATED: &str = "resolver.arpa";
/// A browser that finds no such name leaves names to the resolver, and so to its block list.
const CANARY: &str = "use-application-dns.net";

static OWN_NAMES: LazyLock<Names> = LazyLock::new(own);
static DESIGNATED_NAMES: LazyLock<Names> = LazyLock::new(|| set([DESIGNATED]));
static CANARY_NAMES: LazyLock<Names> = LazyLock::new(|| set([CANARY]));

fn own() -> Names {
    let private = (16..32).map(|it| format!("{it}.172.in-addr.arpa"));
    let shared = (64..128).map(|it| format!("{it}.100.in-addr.arpa"));
    set(OWN.into_iter().chain(REVERSE).map(str::to_owned).chain(private).chain(shared))
}

fn set(names: impl IntoIterator<Item = impl AsRef<str>>) -> Names {
    Names::new(names.into_iter().filter_map(|it| DomainName::parse(it.as_ref()).ok()))
}

/// What is answered here about a name, if anything.
pub(super) fn answer(name: &Wire) -> Option<ResponseCode> {
    if OWN_NAMES.have(name) {
        return Some(ResponseCode::NXDomain);
    }
    DESIGNATED_NAMES.have(name).then_some(ResponseCode::NoError)
}

/// Whether this is the name by which browsers ask if names are filtered.
pub(super) fn is_canary(name: &Wire) -> bool {
    CANARY_NAMES.have(name)
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::Name;

    use super::*;

    #[test]
    fn what_means_something_here_only_stays_here() {
        let answer = |text: &str| answer(&Wire::of(&Name::from_ascii(text).unwrap()));
        let here = [
            "printer.local.",
            "localhost.",
            "2.0.0.10.in-addr.arpa.",
            "1.0.31.172.in-addr.arpa.",
            "1.1.127.100.in-addr.arpa.",
            "1.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
            "1.d.f.ip6.arpa.",
        ];
        for name in here {
            assert_eq!(answer(name), Some(ResponseCode::NXDomain), "{name}");
        }
        assert_eq!(answer("_dns.resolver.arpa."), Some(ResponseCode::NoError));
        let there = [
            "example.org.",
            "local.example.org.",
            "1.0.32.172.in-addr.arpa.",
            "1.1.128.100.in-addr.arpa.",
            "9.9.9.9.in-addr.arpa.",
            ".",
        ];
        for name in there {
            assert_eq!(answer(name), None, "{name}");
        }
        assert_eq!(OWN_NAMES.len(), OWN.len() + REVERSE.len() + 16 + 64, "each is a name");
    }
}
