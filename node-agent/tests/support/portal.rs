//! A portal's node listener on loopback: it does what the protocol says, and what a test tells it.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};

use futures::{StreamExt, channel::mpsc};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use myrelay_domain::{
    ids::{NodeId, PodId},
    token::Token,
};
use myrelay_node_protocol::{
    CheckAnswer, DesiredState, EnrolRequest, Enrolled, JoinToken, ObservedState, Refusal,
    RenewRequest, Renewed, StateMessage, UsageReport,
};
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::authority::{Authority, Presented};

type Body = BoxBody<Bytes, Infallible>;

/// What the portal knows and saw.
#[derive(Default)]
pub(crate) struct Records {
    /// What the node should have.
    pub(crate) wanted: DesiredState,
    /// Every byte the agent sent, decrypted.
    pub(crate) received: Vec<u8>,
    /// `METHOD path?query` of every request.
    pub(crate) requests: Vec<String>,
    /// The client certificate of every request.
    pub(crate) certificates: Vec<Option<Vec<u8>>>,
    pub(crate) observed: Vec<ObservedState>,
    pub(crate) answers: Vec<CheckAnswer>,
    /// Every report of traffic that was taken, in order.
    pub(crate) usage: Vec<UsageReport>,
    /// Pods of which it wants to hear nothing: a report that names one is refused.
    pub(crate) unwanted: BTreeSet<PodId>,
    /// It takes reports of traffic, and the connection breaks before the answer.
    pub(crate) loses_answers: bool,
    /// How many connections got as far as TLS, well or not.
    pub(crate) handshakes: usize,
    /// What to answer to everything but `/enrol`.
    pub(crate) refusal: Option<(StatusCode, &'static str)>,
    /// The years in which node certificates are valid.
    pub(crate) node_years: (i32, i32),
    /// How long they last from now, in place of that.
    pub(crate) node_life: Option<Duration>,
    tokens: BTreeMap<String, &'static str>,
    streams: Vec<mpsc::UnboundedSender<Bytes>>,
}

pub(crate) struct Portal {
    pub(crate) authority: Arc<Authority>,
    records: Arc<Mutex<Records>>,
    address: SocketAddr,
    running: Option<JoinSet<()>>,
}

impl Records {
    fn sign(&self, authority: &Authority, csr_pem: &str) -> String {
        match self.node_life {
            Some(life) => authority.sign_for(csr_pem, life),
            None => authority.sign(csr_pem, self.node_years),
        }
    }
}

impl Portal {
    pub(crate) async fn start() -> Self {
        Self::presenting(Authority::new(), &Presented::default()).await
    }

    pub(crate) async fn presenting(authority: Authority, presented: &Presented) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let records = Records { node_years: (2020, 2100), ..Records::default() };
        let mut portal = Self {
            authority: Arc::new(authority),
            records: Arc::new(Mutex::new(records)),
            address: listener.local_addr().unwrap(),
            running: None,
        };
        portal.serve(listener, presented);
        portal
    }

    /// Ends it, connections and all, as `kill -9` would.
    pub(crate) async fn stop(&mut self) {
        self.running.take().unwrap().shutdown().await;
        self.records().streams.clear();
    }

    /// Starts it again at the same address, with what it knew.
    pub(crate) async fn start_again(&mut self) {
        self.start_again_presenting(&Presented::default()).await;
    }

    pub(crate) async fn start_again_presenting(&mut self, presented: &Presented) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener, presented);
    }

    fn serve(&mut self, listener: TcpListener, presented: &Presented) {
        let acceptor = TlsAcceptor::from(self.authority.server(presented));
        let (records, authority) = (self.records.clone(), self.authority.clone());
        let mut running = JoinSet::new();
        running.spawn(async move {
            // Dropped with this task: connections end with the portal.
            let mut connections = JoinSet::new();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (acceptor, records) = (acceptor.clone(), records.clone());
                connections.spawn(converse(acceptor, tcp, records, authority.clone()));
            }
        });
        self.running = Some(running);
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap()
    }

    /// A join token of another node, good once.
    pub(crate) fn invite(&self) -> JoinToken {
        let number = self.records().tokens.len() + 1;
        self.invite_node(number)
    }

    /// A join token for the first node to come back.
    pub(crate) fn invite_again(&self) -> JoinToken {
        self.invite_node(1)
    }

    fn invite_node(&self, node: usize) -> JoinToken {
        let number = u8::try_from(self.records().tokens.len() + 1).unwrap();
        let token = JoinToken {
            node: format!("node_{node:032x}").parse().unwrap(),
            secret: Token::from_random([number; 32]),
            ca: self.authority.hash(),
        };
        self.records().tokens.insert(token.redeem(), "");
        token
    }

    /// Makes the portal refuse a token with this code.
    pub(crate) fn spoil(&self, token: &JoinToken, code: &'static str) {
        self.records().tokens.insert(token.redeem(), code);
    }

    /// Sets what the node should have without telling it.
    pub(crate) fn set(&self, state: DesiredState) {
        self.records().wanted = state;
    }

    /// Sets what the node should have, and tells it.
    pub(crate) fn want(&self, state: DesiredState) {
        self.set(state.clone());
        self.push(&StateMessage::Snapshot { state });
    }

    /// Sends something over every stream.
    pub(crate) fn push(&self, message: &StateMessage) {
        let mut line = serde_json::to_string(message).unwrap();
        line.push('\n');
        self.push_raw(line);
    }

    pub(crate) fn push_raw(&self, text: String) {
        let bytes = Bytes::from(text);
        self.records().streams.retain(|it| it.unbounded_send(bytes.clone()).is_ok());
    }

    /// What it adds up for a pod: bytes received and sent. Of two records that one counter has for
    /// one hour the larger stands.
    pub(crate) fn usage_of(&self, pod: PodId) -> (u64, u64) {
        let mut hours = BTreeMap::<_, (u64, u64)>::new();
        for report in &self.records().usage {
            for it in report.records.iter().filter(|it| it.pod == pod) {
                let kept = hours.entry((report.counter.clone(), it.hour_ms)).or_default();
                *kept = (kept.0.max(it.received), kept.1.max(it.sent));
            }
        }
        hours.values().fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1))
    }

    /// Ends every stream.
    pub(crate) fn hang_up(&self) {
        self.records().streams.clear();
    }

    pub(crate) fn streams_opened(&self) -> usize {
        self.records().requests.iter().filter(|it| it.starts_with("GET /v1/state")).count()
    }
}

async fn converse(
    acceptor: TlsAcceptor,
    tcp: TcpStream,
    records: Arc<Mutex<Records>>,
    authority: Arc<Authority>,
) {
    let accepted = acceptor.accept(tcp).await;
    records.lock().unwrap().handshakes += 1;
    // The agent may hang up at any time.
    let Ok(tls) = accepted else { return };
    let certificate = tls.get_ref().1.peer_certificates().map(|it| it[0].to_vec());
    let recorder = Recorder { tls, records: records.clone() };
    let service = service_fn(|request| {
        let (records, authority) = (records.clone(), authority.clone());
        let certificate = certificate.clone();
        async move {
            let is_usage = request.uri().path() == "/v1/usage";
            let answered = answer(request, certificate, &records, &authority).await;
            let lost = is_usage && records.lock().unwrap().loses_answers;
            if lost { Err(io::Error::other("it broke")) } else { Ok(answered) }
        }
    });
    drop(http1::Builder::new().serve_connection(TokioIo::new(recorder), service).await);
}

async fn answer(
    request: Request<Incoming>,
    certificate: Option<Vec<u8>>,
    records: &Mutex<Records>,
    authority: &Authority,
) -> Response<Body> {
    // Every run of an agent has a name of its own; what it asks for is the rest.
    let target = format!("{} {}", request.method(), request.uri());
    let target = target.split("&instance=").next().unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut records = records.lock().unwrap();
    records.requests.push(target.clone());
    let known = certificate.is_some();
    records.certificates.push(certificate);
    if target == "POST /enrol" {
        return enrol(&mut records, authority, &body);
    }
    if let Some((status, code)) = records.refusal {
        return refuse(status, code);
    }
    if !known {
        return refuse(StatusCode::UNAUTHORIZED, "no_certificate");
    }
    match target.as_str() {
        "POST /v1/renew" => {
            let request: RenewRequest = serde_json::from_slice(&body).unwrap();
            say(&Renewed {
                certificate_pem: records.sign(authority, &request.csr_pem),
                ca_pem: authority.pem(),
                not_after_ms: 0,
            })
        }
        "POST /v1/observed" => {
            records.observed.push(serde_json::from_slice(&body).unwrap());
            nothing()
        }
        "POST /v1/answers" => {
            records.answers.push(serde_json::from_slice(&body).unwrap());
            nothing()
        }
        "POST /v1/usage" => {
            let report: UsageReport = serde_json::from_slice(&body).unwrap();
            if report.records.iter().any(|it| records.unwanted.contains(&it.pod)) {
                return refuse(StatusCode::BAD_REQUEST, "pod_unknown");
            }
            records.usage.push(report);
            nothing()
        }
        _ => stream(&mut records, &target),
    }
}

fn enrol(records: &mut Records, authority: &Authority, body: &[u8]) -> Response<Body> {
    let request: EnrolRequest = serde_json::from_slice(body).unwrap();
    let (node, _) = JoinToken::parse_redeem(&request.token).unwrap();
    let node: NodeId = node;
    match records.tokens.insert(request.token, "token_used") {
        Some("") => say(&Enrolled {
            node,
            certificate_pem: records.sign(authority, &request.csr_pem),
            ca_pem: authority.pem(),
            not_after_ms: 0,
        }),
        Some(code) => refuse(StatusCode::FORBIDDEN, code),
        None => refuse(StatusCode::FORBIDDEN, "token_unknown"),
    }
}

fn stream(records: &mut Records, target: &str) -> Response<Body> {
    let have = format!(
        "GET /v1/state?epoch={}&have={}",
        records.wanted.epoch.0, records.wanted.generation.0
    );
    let (sender, lines) = mpsc::unbounded();
    if target != have {
        let state = records.wanted.clone();
        let mut line = serde_json::to_string(&StateMessage::Snapshot { state }).unwrap();
        line.push('\n');
        sender.unbounded_send(Bytes::from(line)).unwrap();
    }
    records.streams.push(sender);
    let frames = lines.map(|it| Ok(Frame::data(it)));
    Response::new(BodyExt::boxed(StreamBody::new(frames)))
}

fn say<T: Serialize>(message: &T) -> Response<Body> {
    Response::new(Full::from(serde_json::to_vec(message).unwrap()).boxed())
}

fn nothing() -> Response<Body> {
    let mut response = Response::new(Full::default().boxed());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn refuse(status: StatusCode, code: &str) -> Response<Body> {
    let message = format!("refused because of {code}");
    let mut response = say(&Refusal { code: code.to_owned(), message, field: None });
    *response.status_mut() = status;
    response
}

/// Keeps what was read.
struct Recorder {
    tls: TlsStream<TcpStream>,
    records: Arc<Mutex<Records>>,
}

impl AsyncRead for Recorder {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.tls).poll_read(context, buffer);
        self.records.lock().unwrap().received.extend_from_slice(&buffer.filled()[before..]);
        polled
    }
}

impl AsyncWrite for Recorder {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tls).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}
