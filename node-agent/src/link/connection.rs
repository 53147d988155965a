//! One HTTP/1.1 connection to the portal.

use std::{sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use myrelay_node_protocol::{ALPN, MAX_MESSAGE_BYTES, NODE_RETIRED, Refusal};
use rustls::ClientConfig;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_rustls::TlsConnector;

use super::{LinkError, PortalAddress};
use crate::identity::Validity;

/// How long dialing, and how long a short request may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A verified connection. Dropping it closes it.
pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    authority: String,
    /// The portal's clock in its last answer, in milliseconds since 1970-01-01 UTC.
    said_ms: Option<i64>,
    /// When the portal's certificate ends.
    certificate_until_ms: Option<i64>,
    driver: JoinSet<hyper::Result<()>>,
}

impl Connection {
    /// Connects, and verifies the portal before anything of ours is sent.
    pub(crate) async fn dial(
        address: &PortalAddress,
        config: Arc<ClientConfig>,
    ) -> Result<Self, LinkError> {
        timeout(PATIENCE, Self::connect(address, config)).await.unwrap_or_else(|_elapsed| {
            Err(LinkError::Unreachable(format!("{address} does not answer")))
        })
    }

    async fn connect(
        address: &PortalAddress,
        config: Arc<ClientConfig>,
    ) -> Result<Self, LinkError> {
        let (host, _) = address.target();
        let tcp = TcpStream::connect(address.target())
            .await
            .map_err(|error| LinkError::Unreachable(format!("{address}: {error}")))?;
        tcp.set_nodelay(true).map_err(|error| LinkError::Unreachable(error.to_string()))?;
        let tls = TlsConnector::from(config)
            .connect(address.server_name(), tcp)
            .await
            .map_err(|error| LinkError::from_connect(&error, host))?;
        if tls.get_ref().1.alpn_protocol() != Some(ALPN) {
            let ours = String::from_utf8_lossy(ALPN);
            return Err(LinkError::Tls(format!("it does not speak `{ours}`: is the port right?")));
        }
        let certificates = tls.get_ref().1.peer_certificates();
        let validity = certificates.and_then(|it| Validity::of(it.first()?));
        let (sender, connection) = http1::handshake(TokioIo::new(tls))
            .await
            .map_err(|error| LinkError::from_hyper(&error))?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Ok(Self {
            sender,
            authority: address.authority(),
            said_ms: None,
            certificate_until_ms: validity.map(|it| it.not_after_ms),
            driver,
        })
    }

    /// Whether another request can go over it.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// The portal's clock in its last answer, in milliseconds since 1970-01-01 UTC: whole seconds.
    pub(crate) fn said_ms(&self) -> Option<i64> {
        self.said_ms
    }

    /// When the portal's certificate ends, in milliseconds since 1970-01-01 UTC.
    pub(crate) fn certificate_until_ms(&self) -> Option<i64> {
        self.certificate_until_ms
    }

    /// Asks for nothing in particular.
    pub(crate) async fn look(&mut self) -> Result<(), LinkError> {
        let asked = timeout(PATIENCE, self.send(Method::GET, "/", Bytes::new())).await;
        asked.unwrap_or(Err(LinkError::Silent)).map(drop)
    }

    /// Posts a message and reads the answer; `null` stands for an empty one.
    pub(crate) async fn post<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        path: &str,
        message: &Q,
    ) -> Result<A, LinkError> {
        let body = serde_json::to_vec(message)
            .map_err(|error| LinkError::Nonsense(format!("our own message: {error}")))?;
        timeout(PATIENCE, async {
            let response = self.send(Method::POST, path, body.into()).await?;
            let body = whole(response.into_body()).await?;
            let body: &[u8] = if body.is_empty() { b"null" } else { &body };
            serde_json::from_slice(body).map_err(|error| LinkError::Nonsense(error.to_string()))
        })
        .await
        .unwrap_or(Err(LinkError::Silent))
    }

    /// Opens a stream, and gives the connection to it.
    pub(crate) async fn stream(mut self, path: &str) -> Result<Stream, LinkError> {
        let response = timeout(PATIENCE, self.send(Method::GET, path, Bytes::new()))
            .await
            .unwrap_or(Err(LinkError::Silent))?;
        Ok(Stream { body: response.into_body(), _sender: self.sender, _driver: self.driver })
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, LinkError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| LinkError::Nonsense(format!("our own request: {error}")))?;
        let sent = match self.sender.ready().await {
            Ok(()) => self.sender.send_request(request).await,
            Err(error) => Err(error),
        };
        if let Ok(response) = &sent {
            self.said_ms = date(response);
        }
        match sent {
            Ok(response) if response.status().is_success() => Ok(response),
            Ok(response) => Err(refusal(response).await),
            Err(error) => Err(self.cause(&error).await),
        }
    }

    /// Why a request failed: what ended the connection says more than that it ended.
    async fn cause(&mut self, error: &hyper::Error) -> LinkError {
        match timeout(Duration::from_secs(1), self.driver.join_next()).await {
            Ok(Some(Ok(Err(cause)))) => LinkError::from_hyper(&cause),
            _ => LinkError::from_hyper(error),
        }
    }
}

/// A body without end.
pub(crate) struct Stream {
    body: Incoming,
    _sender: http1::SendRequest<Full<Bytes>>,
    _driver: JoinSet<hyper::Result<()>>,
}

impl Stream {
    /// The next bytes; none when the portal ended the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, LinkError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| match LinkError::from_hyper(&error) {
                // The portal went away without a word.
                LinkError::Unreachable(_) => LinkError::Closed,
                other => other,
            })?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

async fn whole(body: Incoming) -> Result<Bytes, LinkError> {
    match Limited::new(body, MAX_MESSAGE_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => Err(LinkError::Nonsense(error.to_string())),
    }
}

async fn refusal(response: Response<Incoming>) -> LinkError {
    let status = response.status();
    let body = whole(response.into_body()).await.unwrap_or_default();
    let refusal = serde_json::from_slice(&body).unwrap_or_else(|_| Refusal {
        code: "unknown".to_owned(),
        message: "it gave no reason".to_owned(),
        field: None,
    });
    if status == StatusCode::GONE && refusal.code == NODE_RETIRED {
        return LinkError::Retired;
    }
    LinkError::Refused { status, refusal }
}

/// The `Date` of an answer (RFC 9110, section 6.6.1), whose usual form RFC 5322 has too.
fn date(response: &Response<Incoming>) -> Option<i64> {
    let text = response.headers().get(header::DATE)?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.as_millisecond())
}
