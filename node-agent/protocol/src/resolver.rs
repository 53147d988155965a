//! Which resolvers a node asks for its devices, and which names it does not answer.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Serialize, de};

/// The most upstreams of one node.
pub const MAX_UPSTREAMS: usize = 4;
/// The most names that one state blocks. A longer list is a file on the node.
pub const MAX_BLOCKED: usize = 1000;
/// Where DNS over TLS is served (RFC 7858 section 3.1).
const TLS_PORT: u16 = 853;
/// Where plain DNS is served (RFC 1035 section 4.2).
const PLAIN_PORT: u16 = 53;

/// Why resolver settings were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolverSettingsError {
    #[error(
        "a resolver reads `tls://ADDRESS#NAME`, such as tls://9.9.9.9#dns.quad9.net, or \
         `udp://ADDRESS` for one that is asked without encryption; an IPv6 address with a port \
         stands in brackets"
    )]
    Upstream,
    #[error(
        "a resolver that is asked by TLS needs the name in its certificate, such as \
         tls://9.9.9.9#dns.quad9.net"
    )]
    NoName,
    #[error("a resolver that is asked without encryption has no name to check: leave out the #")]
    NameWithoutTls,
    #[error("a name to block reads like ads.example.org: at most 253 ASCII characters")]
    Name,
    #[error("name at least one resolver")]
    NoUpstream,
    #[error("name at most {MAX_UPSTREAMS} resolvers")]
    ManyUpstreams,
    #[error("the same resolver stands there twice")]
    Twice,
    #[error("block at most {MAX_BLOCKED} names; a longer list is a file on the node")]
    ManyNames,
}

/// A DNS name: labels of 1 to 63 ASCII letters, digits, hyphens or underscores, at most 253
/// characters (RFC 1035 section 2.3.4), lower case, without the dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainName(String);

impl DomainName {
    /// Checks a name; upper case and a dot at the end are taken, and dropped.
    pub fn parse(text: &str) -> Result<Self, ResolverSettingsError> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        let label = |it: &str| matches!(it.len(), 1..=63) && it.bytes().all(letter);
        // What looks like an IPv4 address is not a name.
        let number = name.rsplit('.').next().is_some_and(|it| it.parse::<u64>().is_ok());
        if 253 < name.len() || number || !name.split('.').all(label) {
            return Err(ResolverSettingsError::Name);
        }
        Ok(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One resolver that is asked: `tls://IP[:port]#name` or `udp://IP[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResolverUpstream {
    pub address: SocketAddr,
    /// The name its certificate must have. None only for one that is asked without encryption.
    pub tls_name: Option<DomainName>,
}

impl ResolverUpstream {
    /// Checks what the operator wrote.
    pub fn parse(text: &str) -> Result<Self, ResolverSettingsError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("tls://") {
            let (address, name) = rest.split_once('#').ok_or(ResolverSettingsError::NoName)?;
            let name = DomainName::parse(name).map_err(|_no_name| ResolverSettingsError::NoName)?;
            return Ok(Self { address: address_of(address, TLS_PORT)?, tls_name: Some(name) });
        }
        let rest = text.strip_prefix("udp://").ok_or(ResolverSettingsError::Upstream)?;
        if rest.contains('#') {
            return Err(ResolverSettingsError::NameWithoutTls);
        }
        Ok(Self { address: address_of(rest, PLAIN_PORT)?, tls_name: None })
    }
}

/// An address with or without a port; an IPv6 address may stand in brackets.
fn address_of(text: &str, port: u16) -> Result<SocketAddr, ResolverSettingsError> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let address = if let Some(bare) = bare {
        bare.parse::<Ipv6Addr>().ok().map(|it| SocketAddr::new(it.into(), port))
    } else if let Ok(address) = text.parse::<IpAddr>() {
        Some(SocketAddr::new(address, port))
    } else {
        text.parse().ok()
    };
    let usable = |it: &SocketAddr| {
        let mapped = matches!(it.ip(), IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
        // A scope names an interface, and interfaces are the node's own business.
        let scoped = matches!(it, SocketAddr::V6(v6) if v6.scope_id() != 0);
        it.port() != 0 && !it.ip().is_unspecified() && !it.ip().is_multicast() && !mapped && !scoped
    };
    address.filter(usable).ok_or(ResolverSettingsError::Upstream)
}

/// What a node's forwarding resolver does. Nothing is contacted that does not stand here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct ResolverSettings {
    upstreams: Vec<ResolverUpstream>,
    blocked: Vec<DomainName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    upstreams: Vec<ResolverUpstream>,
    #[serde(default)]
    blocked: Vec<DomainName>,
}

impl TryFrom<Unchecked> for ResolverSettings {
    type Error = ResolverSettingsError;

    fn try_from(it: Unchecked) -> Result<Self, ResolverSettingsError> {
        Self::new(it.upstreams, it.blocked)
    }
}

impl ResolverSettings {
    /// Settings with 1 to [`MAX_UPSTREAMS`] upstreams, in the order in which they are asked, and at
    /// most [`MAX_BLOCKED`] names, which are blocked with all below them.
    pub fn new(
        upstreams: Vec<ResolverUpstream>,
        blocked: Vec<DomainName>,
    ) -> Result<Self, ResolverSettingsError> {
        if upstreams.is_empty() {
            return Err(ResolverSettingsError::NoUpstream);
        }
        if MAX_UPSTREAMS < upstreams.len() {
            return Err(ResolverSettingsError::ManyUpstreams);
        }
        let twice = |(at, it): (usize, &ResolverUpstream)| upstreams[..at].contains(it);
        if upstreams.iter().enumerate().any(twice) {
            return Err(ResolverSettingsError::Twice);
        }
        if MAX_BLOCKED < blocked.len() {
            return Err(ResolverSettingsError::ManyNames);
        }
        Ok(Self { upstreams, blocked })
    }

    /// Who is asked, in this order.
    pub fn upstreams(&self) -> &[ResolverUpstream] {
        &self.upstreams
    }

    /// What is answered with "no such name", with all below it.
    pub fn blocked(&self) -> &[DomainName] {
        &self.blocked
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ResolverUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) =
            if self.tls_name.is_some() { ("tls", TLS_PORT) } else { ("udp", PLAIN_PORT) };
        match self.address {
            it if it.port() != usual => write!(f, "{scheme}://{it}")?,
            it => write!(f, "{scheme}://{}", it.ip())?,
        }
        self.tls_name.iter().try_for_each(|name| write!(f, "#{name}"))
    }
}

impl FromStr for DomainName {
    type Err = ResolverSettingsError;

    fn from_str(text: &str) -> Result<Self, ResolverSettingsError> {
        Self::parse(text)
    }
}

impl FromStr for ResolverUpstream {
    type Err = ResolverSettingsError;

    fn from_str(text: &str) -> Result<Self, ResolverSettingsError> {
        Self::parse(text)
    }
}

impl Serialize for DomainName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DomainName {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

impl Serialize for ResolverUpstream {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResolverUpstream {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_upstream_reads_as_it_is_written() {
        let same = [
            "tls://9.9.9.9#dns.quad9.net",
            "tls://9.9.9.9:8853#dns.quad9.net",
            "tls://2620:fe::fe#dns.quad9.net",
            "tls://[2620:fe::fe]:8853#dns.quad9.net",
            "udp://192.0.2.1",
            "udp://[::1]:5300",
        ];
        for text in same {
            assert_eq!(ResolverUpstream::parse(text).unwrap().to_string(), text);
        }
        let upstream = ResolverUpstream::parse(" tls://[2620:fe::fe]#Dns.Quad9.net. ").unwrap();
        assert_eq!(upstream.to_string(), "tls://2620:fe::fe#dns.quad9.net");
        assert_eq!(upstream.address, "[2620:fe::fe]:853".parse().unwrap());
    }

    #[test]
    fn nothing_is_asked_by_accident() {
        use ResolverSettingsError::{NameWithoutTls, NoName, Upstream};
        let refused = [
            ("", Upstream),
            ("9.9.9.9", Upstream),
            ("tls://9.9.9.9", NoName),
            ("tls://9.9.9.9#", NoName),
            ("tls://9.9.9.9#9.9.9.9", NoName),
            ("tls://dns.quad9.net#dns.quad9.net", Upstream),
            ("udp://192.0.2.1#dns.quad9.net", NameWithoutTls),
            ("udp://0.0.0.0", Upstream),
            ("udp://::ffff:192.0.2.1", Upstream),
            ("udp://[fe80::1%2]:53", Upstream),
            ("udp://192.0.2.1:0", Upstream),
            ("udp://ff02::1", Upstream),
            ("https://9.9.9.9/dns-query", Upstream),
        ];
        for (text, error) in refused {
            assert_eq!(ResolverUpstream::parse(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn names_are_names() {
        let parsed = |text| DomainName::parse(text).map(|it| it.0);
        assert_eq!(parsed("Ads.Example.ORG."), Ok("ads.example.org".to_owned()));
        assert_eq!(
            parsed("_dmarc.xn--bcher-kva.example"),
            Ok("_dmarc.xn--bcher-kva.example".into())
        );
        for text in ["", ".", "a..b", "192.0.2.1", "a b", "a/b", "bücher.example", "*.a.org"] {
            assert_eq!(parsed(text), Err(ResolverSettingsError::Name), "{text:?}");
        }
        assert!(DomainName::parse(&"a".repeat(64)).is_err());
        assert!(DomainName::parse(&vec!["a".repeat(63); 4].join(".")).is_err());
    }

    #[test]
    fn settings_have_bounds_on_every_way_in() {
        let upstream = |at| ResolverUpstream::parse(&format!("udp://192.0.2.{at}")).unwrap();
        let blocked =
            |count| (0..count).map(|it| DomainName::parse(&format!("a{it}.org")).unwrap());
        let new = |upstreams: Vec<u8>, count| {
            ResolverSettings::new(
                upstreams.into_iter().map(upstream).collect(),
                blocked(count).collect(),
            )
        };
        assert_eq!(new(vec![], 0), Err(ResolverSettingsError::NoUpstream));
        assert_eq!(new(vec![1, 2, 1], 0), Err(ResolverSettingsError::Twice));
        assert_eq!(new(vec![1, 2, 3, 4, 5], 0), Err(ResolverSettingsError::ManyUpstreams));
        assert_eq!(new(vec![1], MAX_BLOCKED + 1), Err(ResolverSettingsError::ManyNames));
        let settings = new(vec![1, 2, 3, 4], MAX_BLOCKED).unwrap();
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<ResolverSettings>(&json).unwrap(), settings);
        for json in [
            r#"{"upstreams":[]}"#,
            r#"{"upstreams":["udp://192.0.2.1"],"more":1}"#,
            r#"{"upstreams":["192.0.2.1"]}"#,
        ] {
            assert!(serde_json::from_str::<ResolverSettings>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_stays_itself(text in "(tls|udp)?(://)?[0-9a-f.:\\[\\]#]{0,30}") {
            if let Ok(upstream) = ResolverUpstream::parse(&text) {
                let written = upstream.to_string();
                prop_assert_eq!(ResolverUpstream::parse(&written), Ok(upstream), "{}", written);
            }
        }
    }
}
