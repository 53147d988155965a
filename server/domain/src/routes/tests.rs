//! Golden lists, and what every list must be.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::prelude::*;

use super::*;

fn except(list: &str) -> Result<Vec<IpNet>, AllowedError> {
    allowed_ips(&Routes::Except(CidrList::parse(list).unwrap()), &Tunnel::default())
}

/// The prefixes of the family that the first one excluded is of.
fn rest_of(list: &str) -> Vec<String> {
    let v6 = list.contains(':');
    let prefixes = except(list).unwrap();
    let other = if v6 { "0.0.0.0/0" } else { "::/0" };
    assert!(prefixes.contains(&other.parse().unwrap()), "{list}");
    let of_family = |it: &IpNet| matches!(it, IpNet::V6(_)) == v6;
    prefixes.into_iter().filter(of_family).map(|it| it.to_string()).collect()
}

#[test]
fn golden_lists_leave_out_what_they_name() {
    let home = "0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/9, 192.128.0.0/11, 192.160.0.0/13, \
        192.168.0.0/24, 192.168.2.0/23, 192.168.4.0/22, 192.168.8.0/21, 192.168.16.0/20, \
        192.168.32.0/19, 192.168.64.0/18, 192.168.128.0/17, 192.169.0.0/16, 192.170.0.0/15, \
        192.172.0.0/14, 192.176.0.0/12, 192.192.0.0/10, 193.0.0.0/8, 194.0.0.0/7, 196.0.0.0/6, \
        200.0.0.0/5, 208.0.0.0/4, 224.0.0.0/3";
    let ten = "0.0.0.0/5, 8.0.0.0/7, 11.0.0.0/8, 12.0.0.0/6, 16.0.0.0/4, 32.0.0.0/3, 64.0.0.0/2, \
        128.0.0.0/1";
    let golden = [
        ("192.168.1.0/24", home),
        ("192.168.1.0/25 192.168.1.128/25", home),
        ("10.0.0.0/8", ten),
        ("10.1.0.0/16, 10.0.0.0/8", ten),
        ("0.0.0.0/1", "128.0.0.0/1"),
        ("fd00::/8", "::/1, 8000::/2, c000::/3, e000::/4, f000::/5, f800::/6, fc00::/8, fe00::/7"),
        (
            "fc00::/7\nfe80::/10",
            "::/1, 8000::/2, c000::/3, e000::/4, f000::/5, f800::/6, fe00::/9, fec0::/10, ff00::/8",
        ),
    ];
    for (list, rest) in golden {
        assert_eq!(rest_of(list).join(", "), rest, "{list}");
    }
    let counts = [
        ("192.168.1.0/24 10.0.0.0/8", 30),
        ("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16", 31),
        ("8.8.8.8/32", 32),
        ("0.0.0.0/32", 32),
        ("255.255.255.255", 32),
        ("2001:db8::/32", 32),
    ];
    for (list, count) in counts {
        assert_eq!(rest_of(list).len(), count, "{list}");
    }
}

#[test]
fn everything_is_all_of_both_families_wherever_the_endpoint_is() {
    let tunnel = Tunnel { endpoint: Some([192, 0, 2, 1].into()), inside: &[] };
    let all = allowed_ips(&Routes::Everything, &tunnel).unwrap();
    let all: Vec<String> = all.iter().map(IpNet::to_string).collect();
    assert_eq!(all, ["0.0.0.0/0", "::/0"]);
}

#[test]
fn routes_that_leave_a_family_nothing_are_an_error() {
    assert_eq!(except("0.0.0.0/1 128.0.0.0/1"), Err(AllowedError::NothingLeft(Family::V4)));
    assert_eq!(except("8000::/1 ::/1"), Err(AllowedError::NothingLeft(Family::V6)));
    let tunnel = Tunnel { endpoint: Some([192, 0, 2, 1].into()), inside: &[] };
    let own = Routes::Only(CidrList::parse("192.0.2.1").unwrap());
    assert_eq!(allowed_ips(&own, &tunnel), Err(AllowedError::OnlyEndpoint));
}

#[test]
fn the_endpoint_stays_outside_of_a_list_that_is_not_everything() {
    let tunnel = Tunnel { endpoint: Some([192, 0, 2, 1].into()), inside: &[] };
    let list = CidrList::parse("192.0.2.0/30").unwrap();
    let only = allowed_ips(&Routes::Only(list), &tunnel).unwrap();
    let only: Vec<String> = only.iter().map(IpNet::to_string).collect();
    assert_eq!(only, ["192.0.2.0/32", "192.0.2.2/31"]);
    // Of another family it changes nothing, and two halves are everything.
    let v6 = allowed_ips(&Routes::Except(CidrList::parse("fd00::/8").unwrap()), &tunnel).unwrap();
    assert_eq!(v6[0].to_string(), "0.0.0.0/0");
    let halves = CidrList::parse("0.0.0.0/1 128.0.0.0/1").unwrap();
    let halves = allowed_ips(&Routes::Only(halves), &tunnel).unwrap();
    assert_eq!(halves, ["0.0.0.0/0".parse::<IpNet>().unwrap()]);
}

#[test]
fn what_the_tunnel_needs_stays_inside() {
    let inside: [IpNet; 2] = ["10.64.0.0/26".parse().unwrap(), "9.9.9.9/32".parse().unwrap()];
    let tunnel = Tunnel { endpoint: None, inside: &inside };
    let local = allowed_ips(&Routes::except_local(), &tunnel).unwrap();
    assert!(local.contains(&inside[0]) && !covers(&local, [10, 64, 0, 64].into()));
    let only = allowed_ips(&Routes::Only(CidrList::parse("10.1.0.0/16").unwrap()), &tunnel);
    let only: Vec<String> = only.unwrap().iter().map(IpNet::to_string).collect();
    assert_eq!(only, ["9.9.9.9/32", "10.1.0.0/16", "10.64.0.0/26"]);
    let vain = |text: &str| Routes::Except(CidrList::parse(text).unwrap()).vain(&inside);
    assert_eq!(vain("10.0.0.0/8 10.64.0.4/30"), Some("10.64.0.4/30".parse().unwrap()));
    assert_eq!((vain("10.0.0.0/8"), Routes::Everything.vain(&inside)), (None, None));
}

#[test]
fn p33_a_network_is_canonical_or_refused_by_name() {
    let refused = [
        ("", CidrError::Empty),
        (" ,\n", CidrError::Empty),
        ("not-a-cidr", CidrError::Malformed("not-a-cidr".to_owned())),
        ("10.0.0.0/33", CidrError::Malformed("10.0.0.0/33".to_owned())),
        ("10.0.0.0/", CidrError::Malformed("10.0.0.0/".to_owned())),
        ("10.0.0.0/+8", CidrError::Malformed("10.0.0.0/+8".to_owned())),
        ("10.0.0.0/08", CidrError::Malformed("10.0.0.0/08".to_owned())),
        ("010.0.0.0/8", CidrError::Malformed("010.0.0.0/8".to_owned())),
        ("10/8", CidrError::Malformed("10/8".to_owned())),
        ("fe80::1%eth0/64", CidrError::Malformed("fe80::1%eth0/64".to_owned())),
        ("fe80::%1", CidrError::Malformed("fe80::%1".to_owned())),
        ("[fd00::]/8", CidrError::Malformed("[fd00::]/8".to_owned())),
        ("a\0b", CidrError::Malformed("a?b".to_owned())),
        (&"9".repeat(90), CidrError::Malformed(format!("{}…", "9".repeat(50)))),
        ("0.0.0.0/0", CidrError::WholeFamily { entry: "0.0.0.0/0".to_owned() }),
        ("fd00::/8 ::/0", CidrError::WholeFamily { entry: "::/0".to_owned() }),
    ];
    for (text, error) in refused {
        assert_eq!(CidrList::parse(text), Err(error), "{text:?}");
    }
    for text in ["::ffff:10.0.0.0/104", "::ffff:10.0.0.1/104", "::ffff:0:0/96", "::ffff:1.2.3.4"] {
        let mapped = CidrList::parse(text);
        assert_eq!(mapped, Err(CidrError::Mapped { entry: text.to_owned() }));
    }
    let host_bits = CidrList::parse("10.0.0.0/8 192.168.1.77/24").unwrap_err().to_string();
    assert!(host_bits.ends_with("the network is 192.168.1.0/24"), "{host_bits}");
    let list = CidrList::parse("FD00:0::/8, 192.0.2.1\r\n10.0.0.0/8 10.0.0.0/8").unwrap();
    assert_eq!(list.to_string(), "10.0.0.0/8 192.0.2.1/32 fd00::/8");
}

#[test]
fn p33_a_list_is_bounded_and_a_choice_has_one_text() {
    let many =
        |count: u8| (0..count).map(|it| format!("10.0.0.{it}")).collect::<Vec<_>>().join(" ");
    assert!(CidrList::parse(&many(100)).is_ok());
    assert_eq!(CidrList::parse(&many(101)), Err(CidrError::TooMany));
    for text in ["everything", "except 10.0.0.0/8 fd00::/8", "only 192.0.2.1/32"] {
        assert_eq!(text.parse::<Routes>().unwrap().to_string(), text);
    }
    let other = ["", "except", "only ", "Everything", "everything ", "only 192.0.2.1"];
    for text in other.into_iter().chain(["except fd00::/8 10.0.0.0/8", "except  10.0.0.0/8"]) {
        assert_eq!(text.parse::<Routes>(), Err(RoutesError), "{text:?}");
    }
    let local = CidrList::local_networks();
    assert_eq!(local.to_string().parse(), Ok(local));
}

#[test]
fn a_hundred_hosts_make_a_list_of_bounded_length() {
    let hosts: Vec<String> = (0..100_u128)
        .map(|it| Ipv6Addr::from(it.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1))
        .map(|it| it.to_string())
        .collect();
    let list = except(&hosts.join(" ")).unwrap();
    // One host leaves at most one prefix of each length.
    assert!(list.len() <= 100 * 128 + 1, "{}", list.len());
}

fn covers(prefixes: &[IpNet], address: IpAddr) -> bool {
    prefixes.iter().any(|it| it.contains(&address))
}

fn network() -> impl Strategy<Value = IpNet> {
    prop_oneof![
        (any::<u32>(), 1..=32_u8).prop_map(|(bits, length)| {
            IpNet::from(Ipv4Net::new_assert(Ipv4Addr::from(bits), length).trunc())
        }),
        // Close together, so that they nest and touch.
        (0..64_u32, 24..=32_u8).prop_map(|(bits, length)| {
            IpNet::from(Ipv4Net::new_assert(Ipv4Addr::from(bits << 4), length).trunc())
        }),
        (any::<u128>(), 1..=128_u8).prop_map(|(bits, length)| {
            IpNet::from(Ipv6Net::new_assert(Ipv6Addr::from(bits | 1 << 127), length).trunc())
        }),
    ]
}

fn networks() -> impl Strategy<Value = Vec<IpNet>> {
    prop::collection::vec(network(), 1..20)
}

/// How many addresses the networks have together; they are made disjoint by another's code.
fn size(networks: &[IpNet], family: Family) -> (u128, usize) {
    let of_family = |it: &&IpNet| matches!(it, IpNet::V4(_)) == (family == Family::V4);
    let merged = IpNet::aggregate(&networks.iter().filter(of_family).copied().collect::<Vec<_>>());
    let bits = if family == Family::V4 { 32 } else { 128 };
    // All of IPv6 is one more than fits; it wraps to 0 on both sides of a comparison.
    let sum = merged.iter().fold(0_u128, |sum, it| {
        sum.wrapping_add(1_u128.checked_shl(bits - u32::from(it.prefix_len())).unwrap_or(0))
    });
    (sum, merged.len())
}

proptest! {
    #[test]
    fn a_list_is_all_but_the_excluded_in_the_fewest_prefixes(networks in networks()) {
        let list = CidrList::of(networks.iter().copied()).unwrap();
        let Ok(rest) = allowed_ips(&Routes::Except(list), &Tunnel::default()) else { return Ok(()) };
        prop_assert!(rest.is_sorted());
        for (index, one) in rest.iter().enumerate() {
            prop_assert_eq!(one.trunc(), *one);
            let others = rest[index + 1..].iter().chain(&networks);
            for other in others {
                prop_assert!(!one.contains(other) && !other.contains(one), "{} {}", one, other);
            }
        }
        let mut all = rest.clone();
        all.extend(&networks);
        for (family, bits) in [(Family::V4, 32), (Family::V6, 128)] {
            // Disjoint from the excluded and together all there is: exactly the rest.
            prop_assert_eq!(size(&all, family), (1_u128.checked_shl(bits).unwrap_or(0), 1));
            let of_family = |it: &&IpNet| matches!(it, IpNet::V4(_)) == (family == Family::V4);
            prop_assert_eq!(rest.iter().filter(of_family).count(), size(&rest, family).1);
        }
    }

    #[test]
    fn what_is_only_is_the_same_networks_in_the_fewest_prefixes(networks in networks()) {
        let list = CidrList::of(networks.iter().copied()).unwrap();
        let only = allowed_ips(&Routes::Only(list), &Tunnel::default()).unwrap();
        let merged: BTreeSet<IpNet> = IpNet::aggregate(&networks).into_iter().collect();
        prop_assert_eq!(only, merged.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_endpoint_is_out_and_the_inside_is_in(
        networks in networks(),
        inside in prop::collection::vec(network(), 0..3),
        endpoint: IpAddr,
        is_only: bool,
    ) {
        let list = CidrList::of(networks).unwrap();
        let routes = if is_only { Routes::Only(list) } else { Routes::Except(list) };
        let tunnel = Tunnel { endpoint: Some(endpoint), inside: &inside };
        let Ok(through) = allowed_ips(&routes, &tunnel) else { return Ok(()) };
        let all: IpNet = if endpoint.to_canonical().is_ipv4() { "0.0.0.0/0" } else { "::/0" }
            .parse()
            .unwrap();
        prop_assert!(through.contains(&all) || !covers(&through, endpoint.to_canonical()));
        for network in &inside {
            for address in [network.network(), network.broadcast()] {
                prop_assert!(covers(&through, address) || address == endpoint.to_canonical());
            }
        }
    }

    #[test]
    fn order_and_repetition_change_nothing(mut networks in networks(), turn: usize) {
        let routes = Routes::Except(CidrList::of(networks.iter().copied()).unwrap());
        networks.push(networks[0]);
        let turn = turn % networks.len();
        networks.rotate_left(turn);
        let again = Routes::Except(CidrList::of(networks).unwrap());
        prop_assert_eq!(&again, &routes);
        prop_assert_eq!(routes.to_string().parse::<Routes>(), Ok(routes));
    }

    #[test]
    fn p33_what_is_accepted_reads_back_as_itself(text in "[0-9a-f:./, %]{0,40}") {
        if let Ok(list) = CidrList::parse(&text) {
            prop_assert_eq!(CidrList::parse(&list.to_string()), Ok(list));
        }
    }
}
