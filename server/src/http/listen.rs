//! Accepts connections: bounded for each address, cut when silent, drained at the end.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use myrelay_node_protocol::ALPN;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::Peer;
use crate::system::Tasks;

/// How long a client may take to shake hands, to send its headers, or to stay silent between
/// two requests.
const SILENCE: Duration = Duration::from_secs(15);
/// How long sent bytes may stay unread before the connection is cut.
const UNREAD: Duration = Duration::from_secs(30);
/// How long requests that run have to finish at the end.
const DRAIN: Duration = Duration::from_secs(10);
/// The most connections of one listener.
const MAX_CONNECTIONS: usize = 16_384;
const MAX_HEADERS: usize = 64;
/// The most a request's line and headers may have, in bytes.
const MAX_HEAD: usize = 32 * 1024;

/// One listening socket and what it serves.
pub struct Listener {
    pub tcp: TcpListener,
    /// None: in clear text.
    pub tls: Option<Arc<ServerConfig>>,
    /// Only clients that name our own protocol are heard.
    pub nodes_only: bool,
    pub router: Router,
    pub connections: Connections,
}

/// Who holds how many connections.
#[derive(Clone)]
pub struct Connections {
    held: Arc<Mutex<Counts>>,
    per_ip: u32,
    /// Proxies hold the connections of many.
    exempt: Arc<[IpNet]>,
}

#[derive(Default)]
struct Counts {
    by_ip: HashMap<IpAddr, u32>,
    total: usize,
}

impl Connections {
    /// At most so many for each address (IPv6: each /64), but for these networks.
    pub fn new(per_ip: u32, exempt: &[IpNet]) -> Self {
        Self { held: Arc::default(), per_ip, exempt: exempt.into() }
    }

    fn take(&self, ip: IpAddr) -> Option<Held> {
        let ip = ip.to_canonical();
        let exempt = self.exempt.iter().any(|network| network.contains(&ip));
        let ip = match ip {
            IpAddr::V6(v6) => IpAddr::from((v6.to_bits() >> 64 << 64).to_be_bytes()),
            v4 => v4,
        };
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.by_ip.get(&ip).copied().unwrap_or_default();
        if MAX_CONNECTIONS <= held.total || (self.per_ip <= count && !exempt) {
            return None;
        }
        held.by_ip.insert(ip, count + 1);
        held.total += 1;
        Some(Held { connections: self.clone(), ip })
    }
}

/// One connection's place; free again when dropped.
struct Held {
    connections: Connections,
    ip: IpAddr,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.connections.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.total = held.total.saturating_sub(1);
        if let Some(count) = held.by_ip.get_mut(&self.ip) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.by_ip.remove(&self.ip);
            }
        }
    }
}

impl Listener {
    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until it is time to stop: then nothing new is accepted, and what runs has 10
    /// seconds to finish.
    pub async fn serve(self, tasks: Tasks) {
        let stopping = tasks.stopping();
        let Self { tcp, tls, nodes_only, router, connections } = self;
        let acceptor = tls.map(TlsAcceptor::from);
        loop {
            let accepted = tokio::select! {
                accepted = tcp.accept() => accepted,
                () = stopping.cancelled() => return,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the client is gone already.
                    tracing::warn!(cause = %error, "accept");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(held) = connections.take(address.ip()) else { continue };
            let (acceptor, router, stopping) = (acceptor.clone(), router.clone(), stopping.clone());
            tasks.spawn(async move {
                connection(stream, address.ip(), acceptor, nodes_only, router, stopping).await;
                drop(held);
            });
        }
    }
}

async fn connection(
    stream: TcpStream,
    ip: IpAddr,
    acceptor: Option<TlsAcceptor>,
    nodes_only: bool,
    router: Router,
    stopping: CancellationToken,
) {
    let nodelay = stream.set_nodelay(true);
    let unread = u32::try_from(UNREAD.as_millis()).unwrap_or(u32::MAX);
    let cut = rustix::net::sockopt::set_tcp_user_timeout(&stream, unread);
    if nodelay.is_err() || cut.is_err() {
        return;
    }
    let Some(acceptor) = acceptor else {
        return requests(stream, Peer { ip, certificate: None }, router, stopping).await;
    };
    // What goes wrong in a handshake is the client's to see; scanners would fill the log.
    let Ok(Ok(stream)) = timeout(SILENCE, acceptor.accept(stream)).await else { return };
    let session = stream.get_ref().1;
    if nodes_only && session.alpn_protocol() != Some(ALPN) {
        return;
    }
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let certificate = certificate.map(|it| Arc::from(it.as_ref()));
    requests(stream, Peer { ip, certificate }, router, stopping).await;
}

async fn requests<S>(stream: S, peer: Peer, router: Router, stopping: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        router.clone().oneshot(request.map(Body::new))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // How a connection ends, clean or not, changes nothing here.
    tokio::select! {
        ended = connection.as_mut() => drop(ended),
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            drop(timeout(DRAIN, connection).await);
        }
    }
}
