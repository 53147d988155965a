//! Whether a URL may be asked for, decided by its text alone.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use crate::{
    bindings::smtp::Server,
    egress::{
        addresses,
        rules::{HttpGrant, HttpRule, MAIL, PrivateNet, Scheme, is_plain_address, is_plain_name},
    },
    limits::URL_BYTES,
    manifest::AskedHttp,
    messages::Refusal,
    text,
};

/// Why a request is not sent, with the rule that would allow it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Denied {
    /// What kind of rule forbids it.
    pub rule: Refusal,
    /// What the author, or the operator, reads.
    pub why: String,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub scheme: Scheme,
    /// In its canonical form; IPv6 without brackets.
    pub host: String,
    /// Where the host is an address and needs no look-up.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// With its leading `/`.
    pub path: String,
    /// Without its `?`.
    pub query: Option<String>,
    /// Otherwise forbidden addresses that the grants name.
    pub private: Vec<PrivateNet>,
}

impl Target {
    /// As a URL writes it: `host`, `host:8443`, `[::1]:8080`.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = match self.address {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        if self.port == self.scheme.port() { host } else { format!("{host}:{}", self.port) }
    }

    /// Without the query.
    #[must_use]
    pub fn shown(&self) -> String {
        format!("{}://{}{}", self.scheme.name(), self.authority(), self.path)
    }
}

fn denied(why: impl Into<String>) -> Denied {
    Denied { rule: Refusal::Url, why: why.into() }
}

/// Reads a URL that has one meaning for everybody who reads it.
pub(crate) fn parse(url: &str) -> Result<Target, Denied> {
    if URL_BYTES < url.len() {
        return Err(denied(format!("a URL has at most {URL_BYTES} bytes")));
    }
    // Browsers' rules drop line breaks and take `\` for `/`; others do not.
    if url.chars().any(|it| text::is_hostile(it) || it.is_whitespace() || it == '\\') {
        return Err(denied("a URL has no spaces, control characters or backslashes"));
    }
    let parsed = Url::parse(url).map_err(|error| denied(format!("it is no URL: {error}")))?;
    let scheme = Scheme::parse(parsed.scheme());
    let scheme = scheme.ok_or_else(|| denied("a URL begins with https:// or http://"))?;
    let rest = url.split_once("://").map(|(_, rest)| rest);
    let rest = rest.ok_or_else(|| denied("a URL begins with https:// or http://"))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let written = &rest[..end];
    if written.contains('@') || !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(denied("a URL has no user or password; use auth"));
    }
    if url.contains('#') {
        return Err(denied("a URL has no fragment"));
    }
    if written.contains('%') {
        return Err(denied("the host's name is written without %"));
    }
    let (host, address) = host(&parsed, written)?;
    let path = parsed.path();
    let lower = path.to_ascii_lowercase();
    for hidden in ["%2f", "%5c", "%00", "%2e", "%25"] {
        if lower.contains(hidden) {
            return Err(denied(format!("a path has no {hidden}: servers read it differently")));
        }
    }
    Ok(Target {
        scheme,
        host,
        address,
        port: parsed.port().unwrap_or(scheme.port()),
        path: path.to_owned(),
        query: parsed.query().map(str::to_owned),
        private: Vec::new(),
    })
}

fn host(parsed: &Url, written: &str) -> Result<(String, Option<IpAddr>), Denied> {
    let address = match parsed.host() {
        Some(Host::Domain(name)) if is_plain_name(name) => return Ok((name.to_owned(), None)),
        Some(Host::Domain(_)) => {
            return Err(denied(
                "a host's name has labels of letters, digits, - and _, and no dot at the end",
            ));
        }
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        None => return Err(denied("a URL names a host")),
    };
    // `0x7f.1` and `2130706433` are 127.0.0.1 to some and a name to others.
    let canonical = match address {
        IpAddr::V4(it) => it.to_string(),
        IpAddr::V6(it) => format!("[{it}]"),
    };
    let rest = written.strip_prefix(&canonical);
    if !rest.is_some_and(|it| it.is_empty() || it.starts_with(':')) {
        return Err(denied(format!("an address is written as {canonical}")));
    }
    Ok((address.to_string(), Some(address)))
}

fn matches(rule: &HttpRule, method: &str, target: &Target) -> bool {
    rule.scheme == target.scheme
        && rule.port == target.port
        && rule.host.matches(&target.host)
        && rule.methods.iter().any(|it| it == method)
        && target.path.starts_with(&rule.path_prefix)
}

/// Whether this may be asked for: the manifest asks for it and the operator granted it.
///
/// # Errors
/// When it may not; the error names the rule that would allow it.
pub fn judge(
    url: &str,
    method: &str,
    asked: &[AskedHttp],
    granted: &[HttpGrant],
) -> Result<Target, Denied> {
    permitted(parse(url)?, method, asked, granted)
}

/// Whether a mail may be handed to this server.
pub(crate) fn judge_mail(
    server: &Server,
    asked: &[AskedHttp],
    granted: &[HttpGrant],
) -> Result<Target, Denied> {
    let scheme = Scheme::of_mails(server.security);
    mail_target(scheme, (&server.host, server.port), asked, granted)
}

fn mail_target(
    scheme: Scheme,
    (host, port): (&str, u16),
    asked: &[AskedHttp],
    granted: &[HttpGrant],
) -> Result<Target, Denied> {
    let address = host.parse().ok().filter(|_| is_plain_address(host));
    if address.is_none() && !is_plain_name(host) {
        return Err(denied("a server is named in lower case, or by its address"));
    }
    let target = Target {
        scheme,
        host: host.to_owned(),
        address,
        port,
        path: "/".to_owned(),
        query: None,
        private: Vec::new(),
    };
    permitted(target, MAIL, asked, granted)
}

/// Whether mails may be handed to a server that settings name, as far as its name or its address
/// alone can tell. `scheme` is one of mails.
///
/// # Errors
/// When none may; the error names the rule that would allow it.
pub fn judge_mail_server(
    scheme: Scheme,
    server: (&str, u16),
    asked: &[AskedHttp],
    granted: &[HttpGrant],
) -> Result<(), Denied> {
    reachable(&mail_target(scheme, server, asked, granted)?)
}

/// Whether any request may go to the server of a URL that settings name, as far as that alone can
/// tell: what is asked for there, only its plugin knows.
///
/// # Errors
/// When none may; the error names the rule that would allow it.
pub fn judge_server(url: &str, asked: &[AskedHttp], granted: &[HttpGrant]) -> Result<(), Denied> {
    let target = parse(url)?;
    let mut refused = None;
    for HttpRule { scheme, host, port, methods, path_prefix } in asked.iter().map(|it| &it.rule) {
        let is_its = (*scheme, *port) == (target.scheme, target.port) && host.matches(&target.host);
        let Some(method) = methods.first().filter(|_| is_its) else { continue };
        let target = Target { path: path_prefix.clone(), ..target.clone() };
        match permitted(target, method, asked, granted).and_then(|it| reachable(&it)) {
            Ok(()) => return Ok(()),
            Err(denied) => refused = Some(denied),
        }
    }
    Err(refused.unwrap_or_else(|| {
        let (scheme, server) = (target.scheme.name(), target.authority());
        let why = format!("plugin.toml asks for no requests to {scheme}://{server}");
        Denied { rule: Refusal::Manifest, why }
    }))
}

/// What is known of a server before its name is looked up.
fn reachable(target: &Target) -> Result<(), Denied> {
    let Target { address, port, private, .. } = target;
    let is_clear = target.scheme == Scheme::Smtp;
    let refused = match address.map(|it| SocketAddr::new(it, *port)) {
        Some(address) => addresses::refusal(address, private, &[]).or_else(|| {
            (is_clear && !private.iter().any(|it| it.covers(address)))
                .then(|| addresses::in_clear(address))
        }),
        None if is_clear && !private.iter().any(|it| it.port() == *port) => Some(format!(
            "in clear mails go only to private addresses that are granted; grant the \
             private address of the server with port {port} (--private on a command line)"
        )),
        None => None,
    };
    refused.map_or(Ok(()), |why| Err(Denied { rule: Refusal::Address, why }))
}

fn permitted(
    mut target: Target,
    method: &str,
    asked: &[AskedHttp],
    granted: &[HttpGrant],
) -> Result<Target, Denied> {
    let needed = HttpRule {
        scheme: target.scheme,
        host: crate::HostPattern::parse(&target.host)
            .ok_or_else(|| denied("it names no host that a rule could name"))?,
        port: target.port,
        methods: vec![method.to_owned()],
        path_prefix: text::line(&target.path, 100),
    };
    let kind = if target.scheme.security().is_some() { "smtp" } else { "http" };
    if !asked.iter().any(|it| matches(&it.rule, method, &target)) {
        let why = format!("plugin.toml needs [[capabilities.{kind}]] with {needed}");
        return Err(Denied { rule: Refusal::Manifest, why });
    }
    let mut given = granted
        .iter()
        .filter(|it| it.any_host || !it.rule.host.is_any())
        .filter(|it| matches(&it.rule, method, &target))
        .peekable();
    if given.peek().is_none() {
        let why = format!("the operator has not granted {kind} with {needed}");
        return Err(Denied { rule: Refusal::Grant, why });
    }
    target.private = given.flat_map(|it| it.private.iter().copied()).collect();
    Ok(target)
}
