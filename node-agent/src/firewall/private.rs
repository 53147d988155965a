//! Networks that no pod reaches: what lies behind the node is not the internet.

use std::net::{Ipv4Addr, Ipv6Addr};

/// IPv4 networks, each with its length in bits.
pub(super) const V4: [(Ipv4Addr, u32); 10] = [
    // "This network" (RFC 791).
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private use (RFC 1918).
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Shared address space of providers (RFC 6598).
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // The machine itself (RFC 1122).
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local (RFC 3927), where clouds answer for their machines: 169.254.169.254.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // IETF protocol assignments (RFC 6890).
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Multicast (RFC 5771).
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // Reserved, and the limited broadcast (RFC 1112, RFC 919).
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 networks, each with its length in bits.
pub(super) const V6: [(Ipv6Addr, u32); 7] = [
    // Unspecified, loopback, and IPv4 addresses in IPv6 (RFC 4291).
    (Ipv6Addr::UNSPECIFIED, 96),
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    // Local translation to IPv4 (RFC 8215).
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48),
    // Unique local (RFC 4193), with a cloud's metadata at fd00:ec2::254.
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    // Site-local, as it was (RFC 3879), link-local and multicast (RFC 4291).
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8),
];

/// Where translators find IPv4 addresses in IPv6 ones: the last 32 bits (RFC 6052).
const TRANSLATED: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Each network as the bytes of its address and of its mask.
pub(super) fn v4() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mask = |length: u32| (u32::MAX << (32 - length)).to_be_bytes().to_vec();
    V4.iter().map(|(net, length)| (net.octets().to_vec(), mask(*length))).collect()
}

pub(super) fn v6() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mask = |length: u32| (u128::MAX << (128 - length)).to_be_bytes().to_vec();
    let translated = V4.iter().map(|(net, length)| {
        let net = TRANSLATED.to_bits() | u128::from(net.to_bits());
        (Ipv6Addr::from_bits(net), 96 + length)
    });
    let nets = V6.into_iter().chain(translated);
    nets.map(|(net, length)| (net.octets().to_vec(), mask(length))).collect()
}
