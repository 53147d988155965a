//! Where devices send their packets: a name or an address, without a port.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

/// Text that is neither a host name nor an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give a host name such as fra1.example.org, or an IP address, without a port")]
pub struct HostError;

/// A DNS name (RFC 1123 section 2.1, at most 253 characters, lower case) or an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    Name(String),
    Address(IpAddr),
}

impl Host {
    /// Checks what somebody typed; an IPv6 address may stand in brackets.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        if let Some(address) = bare {
            return address.parse::<Ipv6Addr>().map_err(|_no_address| HostError).and_then(usable);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return usable(address);
        }
        let name = text.to_ascii_lowercase();
        let label_fits = |label: &str| {
            matches!(label.len(), 1..=63)
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
        };
        // A last label of digits only would be read as an IPv4 address by some.
        let last_is_number =
            name.rsplit('.').next().is_some_and(|it| it.bytes().all(|b| b.is_ascii_digit()));
        if 253 < name.len() || last_is_number || !name.split('.').all(label_fits) {
            return Err(HostError);
        }
        Ok(Self::Name(name))
    }

    /// `host:port` as WireGuard writes it, an IPv6 address in brackets.
    pub fn with_port(&self, port: u16) -> String {
        match self {
            Self::Address(IpAddr::V6(address)) => format!("[{address}]:{port}"),
            host => format!("{host}:{port}"),
        }
    }
}

fn usable(address: impl Into<IpAddr>) -> Result<Host, HostError> {
    let address = address.into();
    let mapped = matches!(address, IpAddr::V6(it) if it.to_ipv4_mapped().is_some());
    if address.is_unspecified() || address.is_multicast() || mapped {
        return Err(HostError);
    }
    Ok(Host::Address(address))
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_get_a_port() {
        let with_port = |text: &str| Host::parse(text).unwrap().with_port(51820);
        assert_eq!(with_port(" Fra1.Example.org "), "fra1.example.org:51820");
        assert_eq!(with_port("192.0.2.1"), "192.0.2.1:51820");
        assert_eq!(with_port("2001:db8::1"), "[2001:db8::1]:51820");
        assert_eq!(with_port("[2001:db8::1]"), "[2001:db8::1]:51820");
        assert_eq!(with_port("localhost"), "localhost:51820");
    }

    #[test]
    fn what_could_smuggle_a_line_a_port_or_nowhere_is_refused() {
        let refused = [
            "",
            "a b",
            "a:1",
            "192.0.2.1:51820",
            "a\nPostUp=x",
            "-a.org",
            "a..b",
            "0.0.0.0",
            "::",
            "256.1.1.1",
            "1.2.3",
            "::ffff:1.2.3.4",
            "ff02::1",
            "fe80::1%eth0",
            "a/b",
            "#",
            "ü.org",
        ];
        for text in refused {
            assert_eq!(Host::parse(text), Err(HostError), "{text:?}");
        }
    }
}
