//! What the API says, as docs/api.md has it: fields are added, and never change or go.

use std::net::IpAddr;

use axum::http::StatusCode;
use ipnet::IpNet;
use jiff::Timestamp;
use myrelay_app::{
    client_config::{ConfigError, KEEPALIVE, allowed},
    contract::{ClientConfig, Page, PeerView, PodState, PortalError},
};
use myrelay_domain::{
    addresses::HostAddresses,
    ids::{PeerId, PodId},
    keys::PublicKey,
    routes::Routes as Choice,
};
use serde::Serialize;

use crate::peers::PodInfo;

#[derive(Serialize)]
pub(super) struct Pods {
    pods: Vec<Pod>,
}

#[derive(Serialize)]
pub(super) struct Pod {
    id: PodId,
    location: String,
    state: &'static str,
    /// `host:port`.
    endpoint: String,
    /// None while the node has not made it.
    public_key: Option<PublicKey>,
    ranges: Vec<IpNet>,
    peers: u32,
}

#[derive(Serialize)]
pub(super) struct Peers {
    peers: Vec<Peer>,
    /// The next page's `after`; none on the last page.
    next: Option<String>,
}

#[derive(Serialize)]
pub(super) struct Peer {
    id: PeerId,
    pod: PodId,
    name: String,
    public_key: PublicKey,
    addresses: [IpNet; 2],
    routes: Routes,
    state: &'static str,
    /// RFC 3339, UTC.
    created_at: String,
}

#[derive(Serialize)]
struct Routes {
    mode: &'static str,
    networks: Vec<IpNet>,
}

/// A client's configuration but its private key, by the sections of `wg-quick(8)`.
#[derive(Serialize)]
pub(super) struct Config {
    interface: Interface,
    peer: Server,
}

#[derive(Serialize)]
struct Interface {
    addresses: [IpNet; 2],
    dns: Vec<IpAddr>,
    mtu: u16,
}

#[derive(Serialize)]
struct Server {
    public_key: PublicKey,
    endpoint: String,
    allowed_ips: Vec<String>,
    /// Seconds.
    persistent_keepalive: u16,
}

/// Why something did not happen.
#[derive(Serialize)]
pub(crate) struct Problem {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Pods {
    pub(super) fn of(pods: Vec<PodInfo>) -> Self {
        Self { pods: pods.into_iter().map(Pod::of).collect() }
    }
}

impl Pod {
    pub(super) fn of(pod: PodInfo) -> Self {
        let ranges = pod.range.map(|it| vec![IpNet::from(it.v4), IpNet::from(it.v6)]);
        Self {
            id: pod.row.id,
            location: pod.row.location,
            state: match pod.row.state {
                PodState::Ready => "ready",
                PodState::WaitingForNode => "waiting_for_node",
                PodState::NodeAway => "node_away",
                PodState::Faulty => "faulty",
                PodState::Paused => "paused",
                PodState::Throttled => "throttled",
                PodState::Stopped => "stopped",
                PodState::Unpaid => "unpaid",
            },
            endpoint: pod.endpoint,
            public_key: pod.public_key,
            ranges: ranges.unwrap_or_default(),
            peers: pod.row.devices,
        }
    }
}

impl Peers {
    pub(super) fn of(page: Page<PeerView>) -> Self {
        Self { peers: page.rows.into_iter().map(Peer::of).collect(), next: page.next }
    }
}

impl Peer {
    pub(super) fn of(peer: PeerView) -> Self {
        Self {
            id: peer.id,
            pod: peer.pod,
            name: peer.name,
            public_key: peer.public_key,
            addresses: networks(peer.addresses),
            routes: Routes::of(&peer.routes),
            state: if peer.applied { "applied" } else { "pending" },
            created_at: Timestamp::from_millisecond(peer.created_at)
                .map_or_else(|_| String::new(), |it| it.to_string()),
        }
    }
}

impl Routes {
    fn of(choice: &Choice) -> Self {
        let mode = match choice {
            local if *local == Choice::except_local() => "except-local",
            Choice::Everything => "everything",
            Choice::Except(_) => "except",
            Choice::Only(_) => "only",
        };
        // As it was sent: that choice names no networks.
        let named = choice.networks().filter(|_| mode != "except-local");
        let networks = named.map(|it| it.networks().to_vec());
        Self { mode, networks: networks.unwrap_or_default() }
    }
}

impl Config {
    pub(super) fn of(config: &ClientConfig) -> Result<Self, ConfigError> {
        let allowed_ips = allowed(config)?.split(", ").map(str::to_owned).collect();
        Ok(Self {
            interface: Interface {
                addresses: networks(config.addresses),
                dns: config.dns.clone(),
                mtu: config.mtu,
            },
            peer: Server {
                public_key: config.pod_key,
                endpoint: config.endpoint.clone(),
                allowed_ips,
                persistent_keepalive: KEEPALIVE,
            },
        })
    }
}

impl Problem {
    /// An error with the status that it is answered with.
    pub(crate) fn of(error: &PortalError, status: StatusCode) -> Self {
        let field = match error {
            PortalError::Invalid { field, .. } => Some(field.clone()),
            _ => None,
        };
        let code = match status.as_u16() {
            400 => "bad_request",
            401 => "no_token",
            403 => "not_allowed",
            404 => "not_found",
            405 => "wrong_method",
            408 => "too_slow",
            409 if field.is_some() => "taken",
            409 => "limit",
            413 => "too_large",
            415 => "not_json",
            429 => "too_many_requests",
            503 => "unavailable",
            it if it < 500 => "invalid",
            _ => "internal",
        };
        Self { code, message: error.to_string(), field }
    }
}

fn networks(addresses: HostAddresses) -> [IpNet; 2] {
    [IpAddr::from(addresses.v4), IpAddr::from(addresses.v6)].map(IpNet::from)
}
