//! A client's configuration out of a portal's answer: what was meant, line by line, or nothing.

use std::net::IpAddr;

use ipnet::IpNet;
use myrelay_app::{
    client_config::{allowed, render, tunnel_name},
    contract::ClientConfig,
};
use myrelay_domain::{
    addresses::HostAddresses,
    keys::PublicKey,
    routes::{CidrList, Routes},
};

const KEY: [u8; 32] = [7; 32];

pub(crate) fn run(input: &[u8]) -> bool {
    let mut rendered = false;
    if let Ok(config) = serde_json::from_slice::<ClientConfig>(input) {
        let wire = serde_json::to_vec(&config).expect("what was read can be written");
        assert_eq!(serde_json::from_slice::<ClientConfig>(&wire).ok().as_ref(), Some(&config));
        rendered |= check(&config);
    }
    // The freest of all fields, whatever the input is.
    let text = String::from_utf8_lossy(input);
    let name = tunnel_name(&text);
    assert!((1..=15).contains(&name.len()), "{name}");
    assert!(name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-'), "{name}");
    with_endpoint(&text).is_some_and(|config| check(&config)) || rendered
}

fn with_endpoint(endpoint: &str) -> Option<ClientConfig> {
    Some(ClientConfig {
        addresses: HostAddresses { v4: [10, 64, 0, 2].into(), v6: 2.into() },
        routes: Routes::except_local(),
        inside: CidrList::parse("10.64.0.0/26").ok()?,
        dns: vec![[10, 64, 0, 1].into()],
        pod_key: PublicKey::from_bytes([9; 32]).ok()?,
        endpoint: endpoint.to_owned(),
        mtu: 1420,
    })
}

/// Reads the text, where there is one, as `wg-quick` does and compares every value.
fn check(config: &ClientConfig) -> bool {
    let Ok(text) = render(config, Some(&KEY)) else { return false };
    assert!(!text.chars().any(|it| it.is_control() && it != '\n'), "{:?}", text.as_str());
    assert!(!text.contains('#'), "{}", text.as_str());
    let networks = allowed(config).expect("it was rendered");
    let addresses = format!("{}/32, {}/128", config.addresses.v4, config.addresses.v6);
    let dns: Vec<String> = config.dns.iter().map(IpAddr::to_string).collect();
    let (dns, mtu) = (dns.join(", "), config.mtu.to_string());
    let pod_key = config.pod_key.to_string();
    let expected = [
        ("[Interface]", ""),
        ("PrivateKey", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="),
        ("Address", &addresses),
        ("DNS", &dns),
        ("MTU", &mtu),
        ("[Peer]", ""),
        ("PublicKey", &pod_key),
        ("Endpoint", &config.endpoint),
        ("AllowedIPs", &networks),
        ("PersistentKeepalive", "25"),
    ];
    let expected = expected.iter().filter(|it| it.0 != "DNS" || !it.1.is_empty()).copied();
    let lines = text.lines().filter(|it| !it.is_empty());
    let read = lines.map(|line| line.split_once(" = ").unwrap_or((line, "")));
    assert!(read.eq(expected), "{}", text.as_str());
    for network in networks.split(", ") {
        let parsed: Result<IpNet, _> = network.parse();
        assert_eq!(parsed.map(|it| it.trunc().to_string()).as_deref(), Ok(network));
    }
    true
}
