//! The rules for requests, as manifests and grants write them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{
    bindings::{http::Method, smtp::Security},
    egress::addresses::{self, Verdict},
};

/// Every method, as rules write it.
pub(crate) const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// As rules write it.
pub(crate) fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    }
}

/// What the method of a mail is called in rules: it is no method that requests have.
pub(crate) const MAIL: &str = "MAIL";

pub(crate) fn parse_method(text: &str) -> Option<String> {
    METHODS.contains(&text).then(|| text.to_owned())
}

/// How to speak to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    Https,
    /// In clear: for machines of the operator's own.
    Http,
    /// Mails, with TLS from the first byte.
    Smtps,
    /// Mails, with TLS after `STARTTLS`.
    #[serde(rename = "smtp+starttls")]
    Starttls,
    /// Mails in clear: for machines of the operator's own.
    Smtp,
}

impl Scheme {
    /// One of requests: mails have no URL that a plugin writes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "https" => Some(Self::Https),
            "http" => Some(Self::Http),
            _ => None,
        }
    }

    pub(crate) fn of_mails(security: Security) -> Self {
        match security {
            Security::Tls => Self::Smtps,
            Security::Starttls => Self::Starttls,
            Security::Clear => Self::Smtp,
        }
    }

    /// How manifests write that mails go this way; none for requests.
    #[must_use]
    pub fn security(self) -> Option<&'static str> {
        match self {
            Self::Https | Self::Http => None,
            Self::Smtps => Some("tls"),
            Self::Starttls => Some("starttls"),
            Self::Smtp => Some("clear"),
        }
    }

    /// The port where nothing else is said.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
            Self::Smtps => 465,
            Self::Starttls => 587,
            Self::Smtp => 25,
        }
    }

    /// As it stands in a URL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Smtps => "smtps",
            Self::Starttls => "smtp+starttls",
            Self::Smtp => "smtp",
        }
    }
}

/// Which hosts: one name or address, everything below a domain, or any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(String);

impl HostPattern {
    /// Reads a pattern. Names are in lower case and ASCII, addresses as they are usually written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let address = text == name && is_plain_address(text);
        // A wildcard for a whole top level is as good as any host.
        let below = text == name || name.contains('.');
        let sound = text == "*" || address || (below && is_plain_name(name));
        sound.then(|| Self(text.to_owned()))
    }

    /// Whether it is any host at all.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// Whether browsers take it in a content security policy: they read no `_` in a host there
    /// (<https://www.w3.org/TR/CSP3/#grammardef-host-char>).
    #[must_use]
    pub fn fits_policies(&self) -> bool {
        !self.0.contains('_')
    }

    /// Whether a host, in its canonical form, is meant.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some("") => true,
            // `*.example.org` is what is below, and not the domain itself.
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => self.0 == host,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for HostPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is no name of a host"))
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.0
    }
}

/// An address in its usual form, IPv6 without brackets.
pub(crate) fn is_plain_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|it| it.to_string() == text)
}

/// A name in lower case letters, digits, `-` and `_`, not ending with a number as addresses do.
pub(crate) fn is_plain_name(text: &str) -> bool {
    let is_label = |label: &str| {
        let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-_".contains(&it);
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && !last.bytes().all(|it| it.is_ascii_digit())
        && !last.starts_with("0x")
}

/// What a path may have to begin with.
pub(crate) fn is_path_prefix(text: &str) -> bool {
    let plain = |it: u8| it.is_ascii_graphic() && !b"%?#\\\"<>`{}|^".contains(&it);
    text.len() <= 200
        && text.starts_with('/')
        && text.bytes().all(plain)
        && !text.split('/').any(|it| it == "." || it == "..")
}

/// Which requests. Manifests ask by these and grants give by these; both have to match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRule {
    pub scheme: Scheme,
    pub host: HostPattern,
    pub port: u16,
    /// In capitals.
    pub methods: Vec<String>,
    /// What the path begins with, letter by letter: end it with `/` to mean a folder.
    pub path_prefix: String,
}

impl HttpRule {
    /// Where its host is and what is there, as far as its text tells: where a name leads is looked
    /// up for each request.
    #[must_use]
    pub fn verdict(&self) -> Option<(SocketAddr, Verdict)> {
        let HostPattern(host) = &self.host;
        // These names lead to the machine itself (RFC 6761, section 6.3).
        let is_here = host == "localhost" || host.ends_with(".localhost");
        let address = if is_here { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { host.parse().ok()? };
        Some((SocketAddr::new(address, self.port), addresses::judge(address)))
    }
}

impl fmt::Display for HttpRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port, methods, path_prefix } = self;
        if let Some(security) = scheme.security() {
            return write!(f, "host = \"{host}\", port = {port}, security = \"{security}\"");
        }
        let scheme = scheme.name();
        write!(
            f,
            "scheme = \"{scheme}\", host = \"{host}\", port = {port}, \
             methods = {methods:?}, path_prefix = \"{path_prefix}\""
        )
    }
}

/// What an operator gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpGrant {
    /// Which requests.
    #[serde(flatten)]
    pub rule: HttpRule,
    /// That the host `*` is meant to be any host: without this, it is none.
    #[serde(default)]
    pub any_host: bool,
    /// Addresses that are otherwise forbidden, such as a machine beside the portal.
    #[serde(default)]
    pub private: Vec<PrivateNet>,
}

/// A network and a port in it: `10.1.2.3/32:18083`, `fd00::7/128:443`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PrivateNet {
    net: IpNet,
    port: u16,
}

impl PrivateNet {
    /// This address alone.
    #[must_use]
    pub fn of(address: SocketAddr) -> Self {
        Self { net: address.ip().into(), port: address.port() }
    }

    /// The one port of it that may be reached.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the address is in it.
    #[must_use]
    pub fn covers(&self, address: SocketAddr) -> bool {
        self.net.contains(&address.ip()) && self.port == address.port()
    }
}

impl FromStr for PrivateNet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once(':').filter(|(net, _)| net.contains('/'));
        let parsed = parts.and_then(|(net, port)| {
            let (net, port): (IpNet, u16) = (net.parse().ok()?, port.parse().ok()?);
            let exact = net.trunc() == net && net.prefix_len() != 0 && port != 0;
            exact.then_some(Self { net, port })
        });
        parsed.ok_or_else(|| {
            format!("{text:?} is not a network and a port, such as 10.1.2.3/32:8025")
        })
    }
}

impl fmt::Display for PrivateNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.net, self.port)
    }
}

impl TryFrom<String> for PrivateNet {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PrivateNet> for String {
    fn from(net: PrivateNet) -> Self {
        net.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_one_thing() {
        for good in ["api.example.org", "*.example.org", "*", "10.1.2.3", "fd00::7", "a_b.example"]
        {
            assert_eq!(HostPattern::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "*.",
            "*.org",
            "**",
            "a*.example.org",
            "api.*.org",
            "Example.org",
            "example.org.",
            "exa mple.org",
            "ex.org:443",
            "https://ex.org",
            "-a.org",
            "a-.org",
            "a..org",
            "1.2.3",
            "0x7f.1",
            "127.1",
            "010.1.2.3",
            "[fd00::7]",
            "FD00::7",
            "::ffff:1.2.3.4%1",
            "münchen.de",
            "a.0x1",
            "*.10.1.2.3",
        ] {
            assert!(HostPattern::parse(bad).is_none(), "{bad}");
        }
        let below = HostPattern::parse("*.example.org").unwrap();
        assert!(below.matches("a.example.org") && below.matches("a.b.example.org"));
        assert!(!below.matches("example.org") && !below.matches("badexample.org"));
        assert!(!below.matches("example.org.evil.example") && !below.matches(".example.org"));
    }

    #[test]
    fn a_rule_tells_of_addresses_alone_what_they_are() {
        let of = |host: &str| {
            let host = HostPattern::parse(host).unwrap();
            let (methods, path_prefix) = (vec!["GET".to_owned()], "/".to_owned());
            HttpRule { scheme: Scheme::Http, host, port: 8025, methods, path_prefix }.verdict()
        };
        for (host, needed) in [
            ("10.1.2.3", "10.1.2.3/32:8025"),
            ("fd00::7", "fd00::7/128:8025"),
            ("localhost", "127.0.0.1/32:8025"),
            ("desk.localhost", "127.0.0.1/32:8025"),
        ] {
            let (address, verdict) = of(host).unwrap();
            assert!(matches!(verdict, Verdict::Private(_)), "{host}: {verdict:?}");
            let net = PrivateNet::of(address);
            assert_eq!((net.to_string().as_str(), net.covers(address)), (needed, true));
        }
        assert!(matches!(of("169.254.169.254"), Some((_, Verdict::Never(_)))));
        assert!(matches!(of("8.8.8.8"), Some((_, Verdict::Public))));
        for name in ["*", "api.example.org", "*.example.org", "localhost.example.org"] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn private_networks_are_exact() {
        for good in ["10.1.2.3/32:18083", "192.168.0.0/16:443", "fd00::7/128:443"] {
            assert_eq!(good.parse::<PrivateNet>().unwrap().to_string(), good);
        }
        for bad in ["10.1.2.3:80", "10.1.2.3/24:80", "0.0.0.0/0:80", "10.0.0.0/8:0", "10.0.0.0/8"] {
            assert!(bad.parse::<PrivateNet>().is_err(), "{bad}");
        }
    }
}
