//! Where the portal's node listener is.

use std::{fmt, str::FromStr};

use http::{Uri, uri::Scheme};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize, de};

/// Why a text is no portal address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the portal's address reads `https://name:port`, such as https://portal.example:8443")]
    Form,
    #[error("the portal's address starts with https://: an agent never speaks in clear")]
    NotHttps,
}

/// `https://name:port`: a DNS name or an IP address, and a port (443 if none is written).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalAddress {
    host: String,
    port: u16,
    name: ServerName<'static>,
}

impl PortalAddress {
    /// What to connect to.
    pub fn target(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Whom the portal's certificate must name.
    pub fn server_name(&self) -> ServerName<'static> {
        self.name.clone()
    }

    /// The `Host` of requests.
    pub fn authority(&self) -> String {
        let v6 = self.host.contains(':');
        if v6 {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for PortalAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let Ok(uri) = text.parse::<Uri>() else { return Err(AddressError::Form) };
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            Some(_) => return Err(AddressError::NotHttps),
            None => return Err(AddressError::Form),
        }
        let authority = uri.authority().ok_or(AddressError::Form)?;
        let bare = !authority.as_str().contains('@') && matches!(uri.path(), "" | "/");
        let has_port = authority.as_str() != authority.host();
        if !bare || uri.query().is_some() || has_port != authority.port_u16().is_some() {
            return Err(AddressError::Form);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let Ok(name) = ServerName::try_from(host.clone()) else { return Err(AddressError::Form) };
        let port = authority.port_u16().unwrap_or(443);
        if port == 0 {
            return Err(AddressError::Form);
        }
        Ok(Self { host, port, name })
    }
}

impl fmt::Display for PortalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority())
    }
}

impl Serialize for PortalAddress {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PortalAddress {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_or_an_ip_and_a_port() {
        let read = |text: &str| text.parse::<PortalAddress>().unwrap().to_string();
        assert_eq!(read("https://portal.example:8443"), "https://portal.example:8443");
        assert_eq!(read("https://portal.example/"), "https://portal.example:443");
        assert_eq!(read("https://127.0.0.1:8443"), "https://127.0.0.1:8443");
        assert_eq!(read("https://[fd00::1]:8443"), "https://[fd00::1]:8443");
    }

    #[test]
    fn p15_anything_but_https_is_refused() {
        for text in ["http://portal.example:8443", "ftp://portal.example", "HTTP://x:1"] {
            assert_eq!(text.parse::<PortalAddress>(), Err(AddressError::NotHttps), "{text}");
        }
        for text in [
            "",
            "portal.example:8443",
            "https://",
            "https://a b",
            "https://user:word@portal.example",
            "https://portal.example:0",
            "https://portal.example:99999",
            "https://portal.example:8443/path",
            "https://portal.example:8443?query",
        ] {
            assert!(text.parse::<PortalAddress>().is_err(), "{text}");
        }
    }
}
