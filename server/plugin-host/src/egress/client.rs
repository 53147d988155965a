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
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

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

/// What has to be done within the time that connecting may take.
pub(super) async fn soon<T>(
    connecting: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let late = |_| Error::Connect(format!("no connection within {} s", HTTP_CONNECT.as_secs()));
    timeout(HTTP_CONNECT, connecting).await.map_err(late)?
}

/// The client of one installation.
pub(crate) struct Client {
    network: Network,
    tls: TlsConnector,
    tls_of_mails: TlsConnector,
    at_a_time: Semaphore,
}

impl Client {
    pub(crate) fn new(network: Network) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(network.roots.clone())
            .with_no_client_auth();
        // SMTP has no name there, and servers refuse what they do not know.
        let tls_of_mails = TlsConnector::from(Arc::new(tls.clone()));
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            network,
            tls: TlsConnector::from(Arc::new(tls)),
            tls_of_mails,
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
        let _permit = self.turn().await?;
        let addresses = self.addresses(&request.target).await?;
        let secured = async {
            let stream = self.connected(&request.target, &addresses).await?;
            self.secured(&request.target, stream).await
        };
        exchange::exchange(soon(secured).await?, request, sent).await
    }

    /// One of the few connections that an installation has at a time.
    pub(super) async fn turn(&self) -> Result<SemaphorePermit<'_>, Error> {
        let closed = |_| Error::Connect("the client is closed".to_owned());
        self.at_a_time.acquire().await.map_err(closed)
    }

    /// Where the target may be reached. It is looked up once, and never again for this request.
    pub(super) async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Error> {
        let found = match target.address {
            Some(address) => vec![address],
            None => self.look_up(&target.host).await?,
        };
        let mut refusal = None;
        let mut kept = Vec::new();
        for address in found.into_iter().map(|it| SocketAddr::new(it, target.port)) {
            let granted = target.private.iter().any(|it| it.covers(address));
            match addresses::refusal(address, &target.private, &self.network.own) {
                // Letters with codes and links are nobody's to read along.
                None if target.scheme == Scheme::Smtp && !granted => {
                    refusal = Some(addresses::in_clear(address));
                }
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

    /// A connection to one of the addresses where the target may be reached.
    pub(super) async fn connected(
        &self,
        target: &Target,
        addresses: &[SocketAddr],
    ) -> Result<TcpStream, Error> {
        let mut last = Error::Connect("no address".to_owned());
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Error::Connect(format!("{}: {error}", target.authority())),
            }
        }
        Err(last)
    }

    /// The connection as the target's scheme begins it.
    pub(super) async fn secured(
        &self,
        target: &Target,
        stream: TcpStream,
    ) -> Result<Box<dyn Stream>, Error> {
        match target.scheme {
            Scheme::Http | Scheme::Smtp | Scheme::Starttls => Ok(Box::new(stream)),
            Scheme::Https => Ok(Box::new(encrypted(&self.tls, target, stream).await?)),
            Scheme::Smtps => Ok(Box::new(self.encrypted_for_mails(target, stream).await?)),
        }
    }

    pub(super) async fn encrypted_for_mails<S: Stream>(
        &self,
        target: &Target,
        stream: S,
    ) -> Result<TlsStream<S>, Error> {
        encrypted(&self.tls_of_mails, target, stream).await
    }
}

async fn encrypted<S: Stream>(
    tls: &TlsConnector,
    target: &Target,
    stream: S,
) -> Result<TlsStream<S>, Error> {
    let failed =
        |error: &dyn std::fmt::Display| Error::Tls(format!("{}: {error}", target.authority()));
    let name = match target.address {
        Some(address) => ServerName::IpAddress(address.into()),
        None => ServerName::try_from(target.host.clone()).map_err(|error| failed(&error))?,
    };
    tls.connect(name, stream).await.map_err(|error| failed(&error))
}
