//! What the operator configured, checked at the start: every error names its setting.

mod sources;
mod table;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    str::FromStr,
};

use axum::http::{Uri, uri::Scheme};
use ipnet::{IpNet, Ipv4Net};
use myrelay_domain::addresses::AddressPlan;
use myrelay_node_protocol::{ResolverSettings, ResolverSettingsError, ResolverUpstream};

pub use sources::{DEFAULT_FILE, Source, Value, Values};
pub use table::{Kind, SETTINGS, Setting};

/// A setting that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {message}")]
pub struct ConfigError {
    pub setting: &'static str,
    pub message: String,
}

impl ConfigError {
    pub(crate) fn new(setting: &'static str, message: impl Into<String>) -> Self {
        Self { setting, message: message.into() }
    }
}

/// How the site is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SiteTls {
    Files {
        certificate: PathBuf,
        key: PathBuf,
    },
    SelfSigned,
    /// In clear text: on loopback, or where the operator said so twice.
    Clear,
}

/// How the log reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Auto,
    Json,
    Text,
}

/// Where plugins run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginHostKind {
    /// In a process of their own, which can do nothing but compute.
    Process,
    InProcess,
}

/// How often one address may ask.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub any: NonZeroU32,
    pub sign_in: NonZeroU32,
    pub enrol: NonZeroU32,
}

/// `scheme://host:port` of a listener as others reach it, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub secure: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// As it stands in the address: none if it is the scheme's own.
    pub port: Option<u16>,
}

/// The checked configuration. It has no `Debug`: the database's URL may hold a password.
pub struct Config {
    pub data_dir: PathBuf,
    pub database_url: String,
    pub listen: SocketAddr,
    pub node_listen: SocketAddr,
    pub public_url: Option<Origin>,
    pub node_url: Option<Origin>,
    pub tls: SiteTls,
    pub trusted_proxies: Vec<IpNet>,
    pub v4_pool: Ipv4Net,
    pub client_dns: Vec<IpAddr>,
    pub dns_upstreams: Option<ResolverSettings>,
    /// Bytes.
    pub client_mtu: u16,
    /// Where monitors on this machine ask; none: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// Plugins that nobody signed may be installed.
    pub unsigned_plugins: bool,
    /// Packages of plugins that operators choose from.
    pub plugin_dir: Option<PathBuf>,
    pub plugin_host: PluginHostKind,
    /// Who the process of plugins becomes, where the portal is root.
    pub plugin_user: Option<String>,
    pub site_dir: Option<PathBuf>,
    pub log_format: LogFormat,
    pub rates: Rates,
    pub connections_per_ip: u32,
}

impl Config {
    /// Checks every value.
    ///
    /// # Errors
    /// The first setting that cannot be used.
    pub fn read(values: &Values) -> Result<Self, ConfigError> {
        Self::with(values, site_tls)
    }

    /// The same for what only works on what a portal keeps: it shows no address of the site, and how
    /// the site is served need not be said.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_without_site(values: &Values) -> Result<Self, ConfigError> {
        Self::with(values, |_values, _listen| Ok(SiteTls::Clear))
    }

    fn with(
        values: &Values,
        tls: impl FnOnce(&Values, SocketAddr) -> Result<SiteTls, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let data_dir = PathBuf::from(required(values, "data-dir")?);
        let listen = parse(values, "listen", "an address and a port, such as 127.0.0.1:8440")?;
        let tls = tls(values, listen)?;
        let rates = Rates {
            any: parse(values, "rate-per-minute", "a number from 1")?,
            sign_in: parse(values, "sign-in-per-minute", "a number from 1")?,
            enrol: parse(values, "enrol-per-minute", "a number from 1")?,
        };
        Ok(Self {
            database_url: database_url(values, &data_dir)?,
            unsigned_plugins: switch(values, "unsigned-plugins")?,
            plugin_dir: optional_path(values, "plugin-dir"),
            plugin_host: parse(values, "plugin-host", "process or in-process")?,
            plugin_user: Some(values.get("plugin-user").text).filter(|it| !it.is_empty()),
            node_listen: parse(
                values,
                "node-listen",
                "an address and a port, such as 0.0.0.0:8441",
            )?,
            public_url: public_url(values, &tls)?,
            node_url: node_url(values)?,
            trusted_proxies: parse_list(values, "trusted-proxies", "networks such as 10.0.0.0/8")?,
            v4_pool: v4_pool(values)?,
            client_dns: parse_list(values, "client-dns", "addresses such as 10.64.0.1")?,
            dns_upstreams: dns_upstreams(values)?,
            client_mtu: client_mtu(values)?,
            metrics_listen: metrics_listen(values)?,
            site_dir: optional_path(values, "site-dir"),
            log_format: parse(values, "log-format", "auto, json or text")?,
            connections_per_ip: parse::<NonZeroU32>(
                values,
                "connections-per-ip",
                "a number from 1",
            )?
            .get(),
            data_dir,
            listen,
            tls,
            rates,
        })
    }
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "auto" => Ok(Self::Auto),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(()),
        }
    }
}

impl FromStr for PluginHostKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "process" => Ok(Self::Process),
            "in-process" => Ok(Self::InProcess),
            _ => Err(()),
        }
    }
}

impl FromStr for Origin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let uri: Uri = text.trim_end_matches('/').parse().map_err(drop)?;
        let secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(()),
        };
        let authority = uri.authority().ok_or(())?;
        let bare = !authority.as_str().contains('@') && matches!(uri.path(), "" | "/");
        let port = authority.port().map(|it| it.as_str().parse()).transpose().map_err(drop)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_lowercase();
        if !bare || uri.query().is_some() || host.is_empty() || port == Some(0) {
            return Err(());
        }
        Ok(Self::new(secure, host, port))
    }
}

impl Origin {
    /// An origin; the scheme's own port is left out, as browsers write it (RFC 6454 section 6.2).
    pub fn new(secure: bool, host: String, port: Option<u16>) -> Self {
        let port = port.filter(|it| *it != if secure { 443 } else { 80 });
        Self { secure, host, port }
    }

    /// What somebody on this machine reaches a listener by.
    pub fn of_listener(secure: bool, bound: SocketAddr) -> Self {
        let host = if bound.ip().is_unspecified() {
            "localhost".to_owned()
        } else {
            bound.ip().to_string()
        };
        Self::new(secure, host, Some(bound.port()))
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.secure { "https://" } else { "http://" })?;
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Which TLS the site has; without any the portal starts only where it was told to, and beyond
/// loopback only where it was told twice.
fn site_tls(values: &Values, listen: SocketAddr) -> Result<SiteTls, ConfigError> {
    let certificate = optional_path(values, "tls-certificate");
    let key = optional_path(values, "tls-key");
    let self_signed = switch(values, "tls-self-signed")?;
    let clear = switch(values, "insecure-http")?;
    let beyond = switch(values, "insecure-http-beyond-loopback")?;
    let chosen = [certificate.is_some() || key.is_some(), self_signed, clear];
    if chosen.into_iter().filter(|it| *it).count() > 1 {
        return Err(ConfigError::new(
            "tls-certificate",
            "choose one: tls-certificate with tls-key, tls-self-signed, or insecure-http",
        ));
    }
    match (certificate, key) {
        (Some(certificate), Some(key)) => return Ok(SiteTls::Files { certificate, key }),
        (Some(_), None) => {
            return Err(ConfigError::new("tls-key", "give the private key of tls-certificate"));
        }
        (None, Some(_)) => {
            return Err(ConfigError::new("tls-certificate", "give the certificate of tls-key"));
        }
        (None, None) => {}
    }
    if self_signed {
        return Ok(SiteTls::SelfSigned);
    }
    if !clear {
        return Err(ConfigError::new(
            "tls-certificate",
            "the site is not served without TLS: give tls-certificate and tls-key; \
             or, for trying out, tls-self-signed; or insecure-http for clear text on loopback",
        ));
    }
    if !listen.ip().is_loopback() && !beyond {
        return Err(ConfigError::new(
            "insecure-http",
            format!(
                "clear text on {listen} would show passwords to the network: listen on 127.0.0.1, \
                 or say insecure-http-beyond-loopback too"
            ),
        ));
    }
    Ok(SiteTls::Clear)
}

fn database_url(values: &Values, data_dir: &std::path::Path) -> Result<String, ConfigError> {
    let text = values.get("database-url").text;
    if text.is_empty() {
        return Ok(format!("sqlite:{}", data_dir.join("myrelay.db").display()));
    }
    let known = ["sqlite:", "postgres://", "postgresql://"];
    if !known.iter().any(|scheme| text.starts_with(scheme)) {
        return Err(ConfigError::new("database-url", "expected sqlite:<path> or postgres://…"));
    }
    Ok(text)
}

fn public_url(values: &Values, tls: &SiteTls) -> Result<Option<Origin>, ConfigError> {
    let url =
        optional::<Origin>(values, "public-url", "an address such as https://vpn.example.org")?;
    match url {
        Some(url) if !url.secure && *tls != SiteTls::Clear => {
            Err(ConfigError::new("public-url", "it starts with https:// when the site has TLS"))
        }
        url => Ok(url),
    }
}

fn node_url(values: &Values) -> Result<Option<Origin>, ConfigError> {
    let expected = "an address such as https://vpn.example.org:8441";
    match optional::<Origin>(values, "node-url", expected)? {
        Some(url) if !url.secure => Err(ConfigError::new("node-url", "it starts with https://")),
        url => Ok(url),
    }
}

fn v4_pool(values: &Values) -> Result<Ipv4Net, ConfigError> {
    let pool: Ipv4Net = parse(values, "v4-pool", "a private network such as 10.64.0.0/10")?;
    let any_site = "fd00::/48".parse().map_err(|_error| ConfigError::new("v4-pool", "internal"))?;
    AddressPlan::new(pool, any_site)
        .map_err(|error| ConfigError::new("v4-pool", error.to_string()))?;
    Ok(pool)
}

/// None when there are none: nodes run no resolver.
fn dns_upstreams(values: &Values) -> Result<Option<ResolverSettings>, ConfigError> {
    const NAME: &str = "dns-upstreams";
    let error = |error: ResolverSettingsError| ConfigError::new(NAME, error.to_string());
    let upstreams: Result<Vec<_>, _> =
        sources::split(&values.get(NAME).text).map(ResolverUpstream::parse).collect();
    let upstreams = upstreams.map_err(error)?;
    if upstreams.is_empty() {
        return Ok(None);
    }
    ResolverSettings::new(upstreams, Vec::new()).map(Some).map_err(error)
}

/// Whoever reaches it reads the nodes' names and states without a password.
fn metrics_listen(values: &Values) -> Result<Option<SocketAddr>, ConfigError> {
    const EXPECTED: &str = "an address and a port of loopback, such as 127.0.0.1:9464";
    let value = values.get("metrics-listen");
    if value.text.is_empty() {
        return Ok(None);
    }
    let address: SocketAddr = parse(values, "metrics-listen", EXPECTED)?;
    if address.ip().is_loopback() {
        Ok(Some(address))
    } else {
        Err(unexpected("metrics-listen", EXPECTED, &value))
    }
}

fn client_mtu(values: &Values) -> Result<u16, ConfigError> {
    const EXPECTED: &str = "a number from 1280 to 1500";
    let mtu = parse(values, "client-mtu", EXPECTED)?;
    if (1280..=1500).contains(&mtu) {
        Ok(mtu)
    } else {
        Err(unexpected("client-mtu", EXPECTED, &values.get("client-mtu")))
    }
}

fn required(values: &Values, name: &'static str) -> Result<String, ConfigError> {
    let text = values.get(name).text;
    if text.is_empty() { Err(ConfigError::new(name, "it cannot be empty")) } else { Ok(text) }
}

fn optional_path(values: &Values, name: &'static str) -> Option<PathBuf> {
    Some(values.get(name).text).filter(|text| !text.is_empty()).map(PathBuf::from)
}

fn switch(values: &Values, name: &'static str) -> Result<bool, ConfigError> {
    parse(values, name, "true or false")
}

fn optional<T: FromStr>(
    values: &Values,
    name: &'static str,
    expected: &str,
) -> Result<Option<T>, ConfigError> {
    if values.get(name).text.is_empty() {
        Ok(None)
    } else {
        parse(values, name, expected).map(Some)
    }
}

fn parse<T: FromStr>(
    values: &Values,
    name: &'static str,
    expected: &str,
) -> Result<T, ConfigError> {
    let value = values.get(name);
    value.text.trim().parse().map_err(|_error| unexpected(name, expected, &value))
}

fn parse_list<T: FromStr>(
    values: &Values,
    name: &'static str,
    expected: &str,
) -> Result<Vec<T>, ConfigError> {
    let value = values.get(name);
    let parts = sources::split(&value.text)
        .map(|part| part.parse().map_err(|_error| unexpected(name, expected, &value)));
    parts.collect()
}

/// A value that is not what it should be, and who said it.
fn unexpected(name: &'static str, expected: &str, value: &Value) -> ConfigError {
    let Value { text, source } = value;
    let text = text.escape_debug();
    ConfigError::new(name, format!("expected {expected}, got `{text}` ({source})"))
}
