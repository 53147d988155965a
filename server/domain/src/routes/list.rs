//! Networks that somebody typed, as a list of checked prefixes.

use std::{collections::BTreeSet, fmt, net::IpAddr, str::FromStr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize, de};

/// The longest entry that an error repeats, in characters.
const SHOWN_CHARS: usize = 50;

/// Why a list of networks was refused. Entries are repeated shortened and without control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    #[error("name at least one network, such as 192.168.0.0/16")]
    Empty,
    #[error("a list has at most {} networks", CidrList::MAX)]
    TooMany,
    #[error("`{0}` is not a network such as 192.168.0.0/16 or fd00::/8")]
    Malformed(String),
    #[error("`{entry}` has bits beyond its length: the network is {network}")]
    HostBits { entry: String, network: IpNet },
    #[error("`{entry}` is an IPv4 network in IPv6 clothes: write it as IPv4")]
    Mapped { entry: String },
    #[error("`{entry}` is all of its family: choose everything, or leave it out")]
    WholeFamily { entry: String },
}

/// 1 to 100 networks, sorted (IPv4 first), none twice; each without host bits, none of `/0`, none
/// an IPv4-mapped one (RFC 4291 section 2.5.5.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CidrList(Vec<IpNet>);

impl CidrList {
    /// The most networks in a list.
    pub const MAX: usize = 100;

    /// Checks what somebody typed: networks parted by white space or commas. An address without a
    /// length is that one host. Takes time linear in the text.
    pub fn parse(text: &str) -> Result<Self, CidrError> {
        let mut found = BTreeSet::new();
        let parting = |it: char| it.is_whitespace() || it == ',';
        for entry in text.split(parting).filter(|it| !it.is_empty()) {
            found.insert(parse_entry(entry)?);
            if Self::MAX < found.len() {
                return Err(CidrError::TooMany);
            }
        }
        if found.is_empty() {
            return Err(CidrError::Empty);
        }
        Ok(Self(found.into_iter().collect()))
    }

    /// Checks networks that come from elsewhere, such as a pod's own range.
    pub fn of(networks: impl IntoIterator<Item = IpNet>) -> Result<Self, CidrError> {
        let texts: Vec<String> = networks.into_iter().map(|it| it.to_string()).collect();
        Self::parse(&texts.join(" "))
    }

    /// What is not the internet: private, link-local and multicast networks of both families
    /// (RFC 1918, RFC 3927, RFC 5771, RFC 4193, RFC 4291).
    pub fn local_networks() -> Self {
        let v4 = [
            ([10, 0, 0, 0], 8),
            ([169, 254, 0, 0], 16),
            ([172, 16, 0, 0], 12),
            ([192, 168, 0, 0], 16),
            ([224, 0, 0, 0], 4),
        ];
        let v6 = [(0xfc00, 7), (0xfe80, 10), (0xff00, 8)];
        let v4 = v4.map(|(octets, length)| Ipv4Net::new_assert(octets.into(), length).into());
        let v6 = v6.map(|(first, length)| {
            Ipv6Net::new_assert([first, 0, 0, 0, 0, 0, 0, 0].into(), length).into()
        });
        Self(v4.into_iter().chain(v6).collect())
    }

    /// The networks in their order.
    pub fn networks(&self) -> &[IpNet] {
        &self.0
    }
}

/// Networks parted by single spaces; parses back to the same list.
impl fmt::Display for CidrList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{network}")?;
        }
        Ok(())
    }
}

impl FromStr for CidrList {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        Self::parse(text)
    }
}

impl Serialize for CidrList {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CidrList {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

fn parse_entry(entry: &str) -> Result<IpNet, CidrError> {
    let malformed = || CidrError::Malformed(shown(entry));
    let (address, length) = match entry.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().map_err(|_no_address| malformed())?;
    let network = match length {
        None => IpNet::from(address),
        Some(length) => {
            let plain = length.bytes().all(|it| it.is_ascii_digit());
            let plain = plain && (length == "0" || !length.starts_with('0'));
            let length = length.parse().ok().filter(|_| plain).ok_or_else(malformed)?;
            IpNet::new(address, length).map_err(|_too_long| malformed())?
        }
    };
    let entry = shown(entry);
    if is_mapped(network.trunc()) {
        return Err(CidrError::Mapped { entry });
    }
    if network.trunc() != network {
        return Err(CidrError::HostBits { entry, network: network.trunc() });
    }
    if network.prefix_len() == 0 {
        return Err(CidrError::WholeFamily { entry });
    }
    Ok(network)
}

fn is_mapped(network: IpNet) -> bool {
    matches!(network.network(), IpAddr::V6(first) if first.to_ipv4_mapped().is_some())
}

/// An entry as an error repeats it.
fn shown(entry: &str) -> String {
    let mut text: String =
        entry.chars().take(SHOWN_CHARS).map(|it| if it.is_control() { '?' } else { it }).collect();
    if entry.chars().nth(SHOWN_CHARS).is_some() {
        text.push('…');
    }
    text
}
