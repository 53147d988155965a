//! The client of one installation. No connection is shared or kept: each request has one of its own,
//! to an address that was checked for it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use http::HeaderMap;
use ipnet::IpNet;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    bindings::http::Error,
    egress::{addresses, exchange, policy::Target, resolve::Resolve, rules::Scheme},
    limits::{HTTP_ADDRESSES, HTTP_AT_A_TIME, HTTP_CONNECT},
};

/// The methods of requests, as the interface has them.
pub use crate::bindings::http::Method;

/// What all installations use of the network.
#[derive(Clone)]
pub struct Network {
    /// Looks names up.
    pub resolver: Arc<dyn Resolve>,
    /// Whom to trust in TLS.
    pub roots: Arc<RootCertStore>,
    /// What is the portal's own: its listeners and the ranges of its tunnels.
    pub own: Vec<IpNet>,
    /// How requests introduce themselves.
    pub user_agent: String,
}

/// Mozilla's list of certificate authorities.
#[must_use]
pub fn mozillas_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// A connection, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A request that may be sent.
pub(crate) struct Outgoing {
    pub(crate) target: Target,
    pub(crate) method: http::Method,
    /// With its query: secrets stand in it already.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) timeout: Duration,
}

/// An answer, within the limits.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// The client of one installation.
pub(crate) struct Client {
    network: Network,
    tls: TlsConnector,
    at_a_time: Semaphore,
}

impl Client {
    pub(crate) fn new(network: Network) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(network.roots.clone())
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            network,
            tls: TlsConnector::from(Arc::new(tls)),
            at_a_time: Semaphore::new(HTTP_AT_A_TIME),
        })
    }

    pub(crate) fn user_agent(&self) -> &str {
        &self.network.user_agent
    }

    /// Sends a request and reads the whole answer; `sent` tells afterwards whether it left.
    pub(crate) async fn send(
        &self,
        request: Outgoing,
        sent: &AtomicBool,
    ) -> Result<Incoming, Error> {
        let limit = request.timeout;
        match timeout(limit, self.send_now(request, sent)).await {
            Ok(result) => result,
            Err(_) if sent.load(Relaxed) => Err(Error::Timeout),
            Err(_) => Err(Error::Connect(format!("no connection within {} ms", limit.as_millis()))),
        }
    }

    async fn send_now(&self, request: Outgoing, sent: &AtomicBool) -> Result<Incoming, Error> {
        let closed = |_| Error::Connect("the client is closed".to_owned());
        let _permit = self.at_a_time.acquire().await.map_err(closed)?;
        let addresses = self.addresses(&request.target).await?;
        let connected = timeout(HTTP_CONNECT, self.connect(&request.target, &addresses)).await;
        let late = |_| Error::Connect(format!("no connection within {} s", HTTP_CONNECT.as_secs()));
        let stream = connected.map_err(late)??;
        exchange::exchange(stream, request, sent).await
    }

    /// Where the target may be reached. It is looked up once, and never again for this request.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Error> {
        let found = match target.address {
            Some(address) => vec![address],
            None => self.look_up(&target.host).await?,
        };
        let mut refusal = None;
        let mut kept = Vec::new();
        for address in found.into_iter().map(|it| SocketAddr::new(it, target.port)) {
            match addresses::refusal(address, &target.private, &self.network.own) {
                None => kept.push(address),
                Some(why) => refusal = Some(why),
            }
        }
        kept.truncate(HTTP_ADDRESSES);
        match refusal {
            Some(why) if kept.is_empty() => {
                Err(Error::BlockedAddress(format!("{}: {why}", target.host)))
            }
            _ if kept.is_empty() => Err(Error::Dns(format!("{} has no address", target.host))),
            _ => Ok(kept),
        }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Error> {
        let found = self.network.resolver.resolve(name).await;
        found.map_err(|error| Error::Dns(format!("{name}: {error}")))
    }

    async fn connect(
        &self,
        target: &Target,
        addresses: &[SocketAddr],
    ) -> Result<Box<dyn Stream>, Error> {
        let mut last = Error::Connect("no address".to_owned());
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return self.secured(target, stream).await,
                Err(error) => last = Error::Connect(format!("{}: {error}", target.authority())),
            }
        }
        Err(last)
    }

    async fn secured(&self, target: &Target, stream: TcpStream) -> Result<Box<dyn Stream>, Error> {
        if target.scheme == Scheme::Http {
            return Ok(Box::new(stream));
        }
        let failed =
            |error: &dyn std::fmt::Display| Error::Tls(format!("{}: {error}", target.authority()));
        let name = match target.address {
            Some(address) => ServerName::IpAddress(address.into()),
            None => ServerName::try_from(target.host.clone()).map_err(|error| failed(&error))?,
        };
        let stream = self.tls.connect(name, stream).await.map_err(|error| failed(&error))?;
        Ok(Box::new(stream))
    }
}
