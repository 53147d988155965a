//! A WireGuard client's configuration as text, made of checked values only.
//!
//! The format is the one of `wg-quick(8)`. Nothing a person typed goes into it, so nothing typed
//! can add a line to it.

use std::net::IpAddr;

use base64::{Engine, prelude::BASE64_STANDARD};
use myrelay_domain::routes::{AllowedError, Tunnel, allowed_ips};
use zeroize::Zeroizing;

use crate::contract::ClientConfig;

/// How often a client shows itself, in seconds: what NAT boxes forget last (`wg(8)`).
pub const KEEPALIVE: u16 = 25;
/// Every line but the key's and the routes' has a known length: one allocation holds the text, so
/// that no copy with the key in it is left behind by growing.
const CAPACITY: usize = 1024;
/// What stands where the private key belongs. `wg` refuses it: it is not base64.
const PLACEHOLDER: &str = "<private key of this device>";
/// Tells people what to do about it.
const EXPLANATION: &str = "# Put this device's private key in the next line; we do not have it.\n";

/// A portal's answer that must not become a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("the portal's answer has an endpoint that is not `host:port`")]
    Endpoint,
    #[error(transparent)]
    Routes(#[from] AllowedError),
}

/// What goes through the tunnel, as `AllowedIPs` has it.
pub fn allowed(config: &ClientConfig) -> Result<String, ConfigError> {
    let endpoint = endpoint_address(&config.endpoint);
    let tunnel = Tunnel { endpoint, inside: config.inside.networks() };
    let networks = allowed_ips(&config.routes, &tunnel)?;
    Ok(networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// The endpoint's address; none where it is a name.
pub fn endpoint_address(endpoint: &str) -> Option<IpAddr> {
    let (host, _port) = endpoint.rsplit_once(':')?;
    host.trim_matches(['[', ']']).parse().ok()
}

/// The configuration of one device. Without its private key a placeholder stands in its line that
/// WireGuard refuses.
pub fn render(
    config: &ClientConfig,
    private_key: Option<&[u8; 32]>,
) -> Result<Zeroizing<String>, ConfigError> {
    if !is_endpoint(&config.endpoint) {
        return Err(ConfigError::Endpoint);
    }
    let allowed = allowed(config)?;
    let mut text = Zeroizing::new(String::with_capacity(CAPACITY + allowed.len()));
    text.push_str("[Interface]\n");
    match private_key {
        Some(key) => {
            text.push_str("PrivateKey = ");
            BASE64_STANDARD.encode_string(key, &mut text);
            text.push('\n');
        }
        None => {
            text.push_str(EXPLANATION);
            line(&mut text, "PrivateKey", PLACEHOLDER);
        }
    }
    let addresses = config.addresses;
    line(&mut text, "Address", &format!("{}/32, {}/128", addresses.v4, addresses.v6));
    if !config.dns.is_empty() {
        let servers: Vec<String> = config.dns.iter().map(IpAddr::to_string).collect();
        line(&mut text, "DNS", &servers.join(", "));
    }
    line(&mut text, "MTU", &config.mtu.to_string());
    text.push_str("\n[Peer]\n");
    line(&mut text, "PublicKey", &config.pod_key.to_string());
    line(&mut text, "Endpoint", &config.endpoint);
    line(&mut text, "AllowedIPs", &allowed);
    line(&mut text, "PersistentKeepalive", &KEEPALIVE.to_string());
    Ok(text)
}

fn line(text: &mut String, name: &str, value: &str) {
    for part in [name, " = ", value, "\n"] {
        text.push_str(part);
    }
}

/// `host:port` with an IPv4 address, a DNS name (letters, digits, `-` and `.`), or an IPv6
/// address in brackets.
fn is_endpoint(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let port_fits =
        port.bytes().all(|it| it.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|it| it != 0);
    let host_fits = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.'))
        }
    };
    port_fits && host_fits
}

/// A name for the tunnel made of the device's: what `wg-quick` and the apps accept as the name of
/// a file, at most 15 of `a-z A-Z 0-9 _ = + . -` before `.conf`.
pub fn tunnel_name(device: &str) -> String {
    const LONGEST: usize = 15;
    let mut name = String::with_capacity(LONGEST);
    for letter in device.chars().map(|it| it.to_ascii_lowercase()) {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if letter != '\'' && !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
        if name.len() == LONGEST {
            break;
        }
    }
    name.truncate(name.trim_end_matches('-').len());
    if name.is_empty() { "myrelay".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        net::{Ipv4Addr, Ipv6Addr},
    };

    use ipnet::IpNet;
    use myrelay_domain::{
        addresses::HostAddresses,
        keys::PublicKey,
        routes::{CidrList, Routes},
    };
    use proptest::prelude::*;

    use super::*;

    fn config(endpoint: &str) -> ClientConfig {
        ClientConfig {
            addresses: HostAddresses { v4: Ipv4Addr::new(10, 0, 0, 2), v6: Ipv6Addr::LOCALHOST },
            routes: Routes::Everything,
            inside: CidrList::parse("10.0.0.0/26").unwrap(),
            dns: Vec::new(),
            pod_key: PublicKey::from_bytes([9; 32]).unwrap(),
            endpoint: endpoint.to_owned(),
            mtu: 1420,
        }
    }

    /// Section → key → value, as `wg-quick` reads it; a second section or key of a name is an
    /// error.
    fn parse(text: &str) -> BTreeMap<(String, String), String> {
        let mut found = BTreeMap::new();
        let mut sections = Vec::new();
        for line in text.lines().map(|it| it.split('#').next().unwrap().trim()) {
            if let Some(section) = line.strip_prefix('[') {
                let section = section.strip_suffix(']').unwrap().to_owned();
                assert!(!sections.contains(&section), "two sections [{section}]");
                sections.push(section);
            } else if let Some((key, value)) = line.split_once(" = ") {
                let key = (sections.last().unwrap().clone(), key.to_owned());
                assert_eq!(found.insert(key, value.to_owned()), None, "{line}");
            } else {
                assert_eq!(line, "");
            }
        }
        found
    }

    #[test]
    fn a_configuration_without_its_key_is_one_that_wireguard_refuses() {
        let text = render(&config("node.example.org:51820"), None).unwrap();
        let parsed = parse(&text);
        let key = &parsed[&("Interface".to_owned(), "PrivateKey".to_owned())];
        assert!(BASE64_STANDARD.decode(key).is_err(), "{key}");
        assert!(text.contains("\n# Put this device's private key in the next line"));
    }

    #[test]
    fn p36_an_endpoint_cannot_add_a_line() {
        for text in [
            "node.example.org",
            "node.example.org:0",
            "node.example.org:65536",
            "node.example.org:+1",
            ":51820",
            "a b:51820",
            "node\nPostUp = id:1",
            "node:1\nPostUp = id",
            "node:1\r",
            "[node]:1",
            "fd00::1:51820",
            "[fd00::1]",
            "node#:1",
        ] {
            assert_eq!(render(&config(text), None).err(), Some(ConfigError::Endpoint), "{text:?}");
        }
        for text in ["192.0.2.1:51820", "[fd00::1]:1", "node-1.example.org:65535"] {
            assert!(render(&config(text), None).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_tunnel_is_named_after_its_device() {
        for (device, tunnel) in [
            ("Ana's phone", "anas-phone"),
            ("Büro / Laptop!", "b-ro-laptop"),
            ("../../etc/passwd", "etc-passwd"),
            ("a very long name of a device", "a-very-long-nam"),
            ("fifteen letters x", "fifteen-letters"),
            ("手机", "myrelay"),
        ] {
            assert_eq!(tunnel_name(device), tunnel);
        }
    }

    #[test]
    fn a_split_configuration_names_what_goes_through_the_tunnel() {
        let mut config = config("192.0.2.1:51820");
        assert_eq!(allowed(&config).unwrap(), "0.0.0.0/0, ::/0");
        config.routes = Routes::Only(CidrList::parse("192.0.2.0/31").unwrap());
        assert_eq!(allowed(&config).unwrap(), "10.0.0.0/26, 192.0.2.0/32");
        config.endpoint = "node.example.org:51820".to_owned();
        assert_eq!(allowed(&config).unwrap(), "10.0.0.0/26, 192.0.2.0/31");
        config.routes = Routes::Except(CidrList::parse("0.0.0.0/1 128.0.0.0/1").unwrap());
        assert!(matches!(render(&config, None), Err(ConfigError::Routes(_))));
    }

    fn routes() -> impl Strategy<Value = Routes> {
        let network = prop_oneof![
            (any::<u32>(), 1..=32_u8).prop_map(|(it, len)| IpNet::new(IpAddr::V4(it.into()), len)),
            (any::<u128>(), 1..=128_u8)
                .prop_map(|(it, len)| IpNet::new(IpAddr::V6(it.into()), len)),
        ];
        let list = prop::collection::vec(network, 1..10).prop_map(|networks| {
            CidrList::of(networks.into_iter().map(|it| it.unwrap().trunc())).unwrap()
        });
        prop_oneof![
            Just(Routes::Everything),
            list.clone().prop_map(Routes::Except),
            list.prop_map(Routes::Only),
        ]
    }

    proptest! {
        #[test]
        fn p36_a_configuration_reads_back_as_it_was(
            key: [u8; 32],
            pod_key: [u8; 32],
            v4: u32,
            v6: u128,
            dns in prop::collection::vec(any::<IpAddr>(), 0..4),
            port in 1u16..,
            mtu: u16,
            routes in routes(),
        ) {
            let Ok(pod_key) = PublicKey::from_bytes(pod_key) else { return Ok(()) };
            let addresses = HostAddresses { v4: v4.into(), v6: v6.into() };
            let endpoint = format!("[{}]:{port}", addresses.v6);
            let inside = CidrList::parse("10.64.0.0/26 fd00:1::/64").unwrap();
            let config = ClientConfig { addresses, routes, inside, dns, pod_key, endpoint, mtu };
            let allowed = allowed(&config);
            prop_assume!(allowed.is_ok(), "networks that leave nothing");
            let text = render(&config, Some(&key)).unwrap();
            prop_assert!(text.capacity() == CAPACITY + allowed.unwrap().len(), "the text with the key in it was moved");
            let mut parsed = parse(&text);
            let mut take = |section: &str, key: &str| {
                parsed.remove(&(section.to_owned(), key.to_owned())).unwrap_or_default()
            };
            prop_assert_eq!(take("Interface", "PrivateKey"), BASE64_STANDARD.encode(key));
            let expected = format!("{}/32, {}/128", addresses.v4, addresses.v6);
            prop_assert_eq!(take("Interface", "Address"), expected);
            let dns = take("Interface", "DNS");
            let dns: Vec<IpAddr> =
                dns.split(", ").filter(|it| !it.is_empty()).map(|it| it.parse().unwrap()).collect();
            prop_assert_eq!(dns, config.dns);
            prop_assert_eq!(take("Interface", "MTU"), config.mtu.to_string());
            prop_assert_eq!(PublicKey::parse(&take("Peer", "PublicKey")), Ok(config.pod_key));
            prop_assert_eq!(take("Peer", "Endpoint"), config.endpoint);
            let networks = take("Peer", "AllowedIPs");
            let networks: Vec<IpNet> = networks.split(", ").map(|it| it.parse().unwrap()).collect();
            let tunnel = Tunnel { endpoint: Some(addresses.v6.into()), inside: config.inside.networks() };
            prop_assert_eq!(networks, allowed_ips(&config.routes, &tunnel).unwrap());
            prop_assert_eq!(take("Peer", "PersistentKeepalive"), "25");
            prop_assert!(parsed.is_empty());
        }

        #[test]
        fn a_tunnel_name_is_one_that_wireguard_takes(device: String) {
            let name = tunnel_name(&device);
            prop_assert!((1..=15).contains(&name.len()));
            prop_assert!(name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-'));
        }
    }
}
