//! One request from its first byte to its log line: its id, its nonce, who asks.

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, header::HeaderName, request::Parts},
    middleware::Next,
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use ipnet::IpNet;

use super::{
    Door, Peer,
    answer::Fault,
    headers::{self, FormsLeadTo},
};
use crate::context::Caller;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// One request. Its address is for counting only: it is never logged and never stored.
#[derive(Clone)]
pub(crate) struct Visit(Arc<Facts>);

pub(crate) struct Facts {
    /// Finds its log lines; every answer says it.
    pub id: String,
    /// The answer's own: scripts without it do not run.
    pub nonce: String,
    pub ip: IpAddr,
    pub path: String,
    caller: OnceLock<Caller>,
}

impl std::ops::Deref for Visit {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl Facts {
    /// Who asks, as far as it is known yet.
    pub(crate) fn caller(&self) -> Caller {
        self.caller.get().copied().unwrap_or(Caller::Visitor)
    }

    /// Remembers who asks; the first one counts.
    pub(crate) fn set_caller(&self, caller: Caller) {
        self.caller.get_or_init(|| caller);
    }
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Fault> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Fault::internal)
    }
}

/// Opens the visit, and ends it with the headers that every answer has and with its log line.
pub(crate) async fn visit(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let peer = request.extensions().get::<Peer>().map(|it| it.ip);
    let ip = peer.map(|it| client_ip(it, request.headers(), &door.trusted_proxies));
    let visit = Visit(Arc::new(Facts {
        id: door.context.new_request_id(),
        nonce: BASE64_STANDARD_NO_PAD.encode(door.context.random::<16>()),
        ip: ip.unwrap_or(IpAddr::from([0, 0, 0, 0])),
        path: request.uri().path().to_owned(),
        caller: OnceLock::new(),
    }));
    let method = request.method().clone();
    // The template, never the path: a path can hold an id or a token.
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(visit.clone());

    let mut response = next.run(request).await;

    let forms: FormsLeadTo = response.extensions_mut().remove().unwrap_or_default();
    headers::dress(response.headers_mut(), &visit.nonce, &forms, door.origin.secure);
    if let Ok(id) = HeaderValue::from_str(&visit.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    tracing::info!(
        request = visit.id,
        method = method.as_str(),
        route = route.as_ref().map_or("-", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// The address that asks: the peer's own, or what the nearest trusted proxies say it is.
fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut ip = peer.to_canonical();
    let hops = headers.get_all(FORWARDED_FOR).iter().filter_map(|it| it.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|line| line.split(',')).map(str::trim).collect();
    // From the right: each proxy appends who asked it.
    for hop in hops.iter().rev() {
        if !is_trusted(&ip) {
            break;
        }
        let Ok(before) = hop.parse::<IpAddr>() else { break };
        ip = before.to_canonical();
    }
    ip
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|it| it.parse().unwrap()).collect();
        client_ip(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_who_asks() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7"], &["10.0.0.0/8"]), "198.51.100.7");
        // What a client wrote itself stands to the left of what the proxy appended.
        let spoofed = ["127.0.0.1, 203.0.113.9", "198.51.100.7"];
        assert_eq!(seen("10.0.0.1", &spoofed, &["10.0.0.0/8"]), "198.51.100.7");
        let two_proxies = ["198.51.100.7, 10.0.0.2"];
        assert_eq!(seen("10.0.0.1", &two_proxies, &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", &["nonsense"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", &["198.51.100.7"], &["10.0.0.0/8"]), "198.51.100.7");
    }
}
