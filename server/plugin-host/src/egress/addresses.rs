//! Which addresses plugins must not reach, in whatever form they are written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Anybody's: plugins may reach it where a name is granted.
    Public,
    /// Forbidden, unless an operator names exactly it as private. What it is.
    Private(&'static str),
    /// Forbidden, whatever anybody names. What it is.
    Never(&'static str),
}

use Verdict::{Never, Private, Public};

/// Judges an address by the registries of special addresses of IANA (RFC 6890 and its successors).
#[must_use]
pub fn judge(address: IpAddr) -> Verdict {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> Verdict {
    match address.octets() {
        [169, 254, 169, 254] | [100, 100, 100, 200] => Never("a cloud's metadata"),
        [0, ..] => Never("this host"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Private("a private network"),
        [100, 64..=127, ..] => Private("shared by a carrier"),
        [127, ..] => Private("loopback"),
        [169, 254, ..] => Private("link-local"),
        [192, 0, 0, _] => Never("for protocols"),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Never("for documents"),
        [192, 31, 196, _] | [192, 175, 48, _] => Never("for AS112"),
        [192, 52, 193, _] => Never("for AMT relays"),
        [192, 88, 99, _] => Never("a 6to4 relay"),
        [198, 18..=19, ..] => Never("for benchmarks"),
        [224..=239, ..] => Never("multicast"),
        [240..=255, ..] => Never("reserved"),
        _ => Public,
    }
}

fn v6(address: Ipv6Addr) -> Verdict {
    let parts = address.segments();
    // IPv4 in one of its disguises is judged as what it leads to, and never as something to grant:
    // whoever means the IPv4 address writes that.
    if let Some((inner, name)) = v4_inside(address) {
        return match v4(inner) {
            Public => Never(name),
            Private(what) | Never(what) => Never(what),
        };
    }
    if parts == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] {
        return Never("a cloud's metadata");
    }
    match parts {
        [0, 0, 0, 0, 0, 0, 0, 0] => Never("this host"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Private("loopback"),
        [0xfc00..=0xfdff, ..] => Private("a private network"),
        [0xfe80..=0xfebf, ..] => Private("link-local"),
        [0xfec0..=0xfeff, ..] => Never("site-local"),
        [0xff00..=0xffff, ..] => Never("multicast"),
        [0x2001, 0x0000..=0x01ff, ..] => Never("for protocols"),
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Never("for documents"),
        [0x2620, 0x004f, 0x8000, ..] => Never("for AS112"),
        // 5f00::/16 for segment routing, 100::/64 for discarding, and all that nobody has yet.
        [0x2000..=0x3fff, ..] => Public,
        _ => Never("not in use"),
    }
}

/// The IPv4 address inside an IPv6 address, and how it got there.
fn v4_inside(address: Ipv6Addr) -> Option<(Ipv4Addr, &'static str)> {
    let octets = address.octets();
    let at = |from: usize| {
        Ipv4Addr::new(octets[from], octets[from + 1], octets[from + 2], octets[from + 3])
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0..=1] => None,
        [0, 0, 0, 0, 0, 0xffff, ..] => Some((at(12), "IPv4 in IPv6")),
        [0, 0, 0, 0, 0xffff, 0, ..] => Some((at(12), "IPv4, translated")),
        [0, 0, 0, 0, 0, 0, ..] => Some((at(12), "IPv4 in IPv6")),
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some((at(12), "NAT64")),
        [0x64, 0xff9b, ..] => Some((at(12), "NAT64")),
        [0x2002, ..] => Some((at(2), "6to4")),
        // Teredo hides the client's address by turning every bit.
        [0x2001, 0, ..] => Some((Ipv4Addr::from(u32::from(at(12)) ^ u32::MAX), "Teredo")),
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => Some((at(12), "ISATAP")),
        _ => None,
    }
}

/// Why an address must not be reached, with what an operator granted as private and what is the
/// portal's own; none where it may.
pub(crate) fn refusal(
    address: SocketAddr,
    private: &[super::rules::PrivateNet],
    own: &[IpNet],
) -> Option<String> {
    let ip = address.ip();
    let plain = ip.to_canonical();
    // What an operator named exactly is meant, also where the portal has that address.
    let is_named = ip == plain && private.iter().any(|it| it.covers(address));
    match judge(ip) {
        Never(what) => Some(format!("{ip} is {what}, which no rule allows")),
        Private(_) | Public if is_named => None,
        Public if own.iter().any(|it| it.contains(&plain)) => {
            Some(format!("{ip} is the portal's own; {}", advice(address)))
        }
        Public => None,
        Private(what) => Some(format!("{ip} is {what}; {}", advice(address))),
    }
}

/// How an address is granted, for those who grant on a page and those who do by a command.
fn advice(address: SocketAddr) -> String {
    let (net, port) = (IpNet::from(address.ip()), address.port());
    format!("grant the private address {net}:{port} to allow it (--private on a command line)")
}

/// Why no mail goes in clear to an address that nobody granted as private.
pub(crate) fn in_clear(address: SocketAddr) -> String {
    format!("in clear mails go only to private addresses that are granted; {}", advice(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Verdict {
        judge(text.parse().unwrap())
    }

    #[test]
    fn every_special_range_is_known_at_its_edges() {
        let private = "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 \
            100.64.0.0 100.127.255.255 127.0.0.0 127.255.255.255 169.254.0.0 169.254.255.255 \
            ::1 fc00:: fdff:ffff::1 fe80::1 febf:ffff::1";
        for text in private.split(' ') {
            assert!(matches!(of(text), Private(_)), "{text}: {:?}", of(text));
        }
        let never = "0.0.0.0 0.255.255.255 169.254.169.254 100.100.100.200 192.0.0.0 192.0.0.255 \
            192.0.2.0 192.0.2.255 198.51.100.7 203.0.113.255 192.31.196.1 192.52.193.1 \
            192.88.99.1 192.175.48.1 198.18.0.0 198.19.255.255 224.0.0.0 239.255.255.255 \
            240.0.0.0 255.255.255.255 :: fec0::1 feff::1 ff00:: ff02::1 ffff:: 2001::1 \
            2001:1ff:: 2001:db8:: 2001:db8:ffff::1 3fff:: 3fff:fff::1 100:: 100::1 5f00::1 \
            fd00:ec2::254 4000:: 1:: 64:ff9a::1 2620:4f:8000::1 8000::1 fe00::1 f000::1";
        for text in never.split(' ') {
            assert!(matches!(of(text), Never(_)), "{text}: {:?}", of(text));
        }
        let public = "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 \
            128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 \
            192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 \
            2000:: 2001:200:: 2001:db7:ffff:: 2001:db9:: 2003::1 2606:4700::1111 \
            3ffe:ffff::1 2620:4f:7fff::1";
        for text in public.split(' ') {
            assert_eq!(of(text), Public, "{text}");
        }
    }

    #[test]
    fn ipv4_in_ipv6_is_never_reached() {
        for inner in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "93.184.216.34", "0.0.0.0"] {
            let v4: Ipv4Addr = inner.parse().unwrap();
            let [a, b, c, d] = v4.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let disguises = [
                format!("::ffff:{high:x}:{low:x}"),
                format!("::ffff:0:{high:x}:{low:x}"),
                format!("64:ff9b::{high:x}:{low:x}"),
                format!("64:ff9b:1::{high:x}:{low:x}"),
                format!("2002:{high:x}:{low:x}::1"),
                format!("2001:0:1:2:3:4:{:x}:{:x}", !high, !low),
                format!("2606:4700::200:5efe:{high:x}:{low:x}"),
                format!("fe80::5efe:{high:x}:{low:x}"),
            ];
            for text in disguises {
                assert!(matches!(of(&text), Never(_)), "{text}: {:?}", of(&text));
            }
        }
        assert!(matches!(of("::127.0.0.1"), Never("loopback")));
    }

    #[test]
    fn a_private_address_is_reached_only_where_it_is_named() {
        let granted =
            ["10.1.2.3/32:18083".parse().unwrap(), "169.254.169.254/32:80".parse().unwrap()];
        let refused = |text: &str| {
            refusal(text.parse().unwrap(), &granted, &["198.20.0.0/24".parse().unwrap()])
        };
        assert_eq!(refused("10.1.2.3:18083"), None);
        assert!(refused("10.1.2.3:18084").unwrap().contains("private address 10.1.2.3/32:18084"));
        assert!(refused("10.1.2.4:18083").is_some());
        assert!(refused("169.254.169.254:80").unwrap().contains("metadata"));
        assert!(refused("[::ffff:10.1.2.3]:18083").is_some(), "another spelling is not named");
        assert!(refused("198.20.0.7:443").unwrap().contains("own"));
        assert_eq!(refused("198.20.1.7:443"), None);
    }
}
