//! A server on loopback: connections, TLS where pages are, and faults between a request and its
//! answer.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use axum::{Router, body::Body};
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::faults::{Asked, Fault, Record};

/// The largest body a server takes in.
const BODY_BYTES: usize = 1 << 20;

/// What every provider is: a server, whose requests go wrong as it is told and are remembered.
pub trait Fake {
    /// The server that plugins speak to.
    fn server(&self) -> &Server;

    /// Its port on loopback.
    fn port(&self) -> u16 {
        self.server().address.port()
    }

    /// Where it is.
    fn url(&self) -> String {
        format!("http://{}", self.server().address)
    }

    /// What goes wrong with the next request, after what was said before.
    fn fail(&self, fault: Fault) {
        self.server().record.fail(fault);
    }

    /// What it was asked.
    fn asked(&self) -> Vec<Asked> {
        self.server().record.asked()
    }
}

/// A server that runs until it is dropped.
pub struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) record: Record,
    /// Ends with this.
    _tasks: JoinSet<()>,
}

/// That the connection is to end without an answer.
#[derive(Debug)]
struct HungUp;

impl fmt::Display for HungUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server hangs up, as it was told to")
    }
}

impl std::error::Error for HungUp {}

/// A place to serve at: any free port of loopback where `port` is 0.
pub(crate) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await
}

impl Server {
    /// Serves in clear, and writes down what is asked.
    pub(crate) fn start(listener: TcpListener, router: Router) -> io::Result<Self> {
        let record = Record::default();
        Self::on(listener, None, (router, Some(record.clone())), record)
    }

    /// Serves pages with TLS, by a certificate that nobody knows. Nothing goes wrong with pages.
    pub(crate) fn start_pages(listener: TcpListener, router: Router) -> io::Result<Self> {
        let tls = Some(certificate().map_err(io::Error::other)?.0);
        Self::on(listener, tls, (router, None), Record::default())
    }

    fn on(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        app: App,
        record: Record,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, tls, app));
        Ok(Self { address, record, _tasks: tasks })
    }
}

/// What answers, and what it writes down.
type App = (Router, Option<Record>);

/// TLS for this machine, and the certificate that vouches for itself.
pub(crate) fn certificate() -> anyhow::Result<(TlsAcceptor, CertificateDer<'static>)> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    Ok((TlsAcceptor::from(Arc::new(config)), made.cert.der().clone()))
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, app: App) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (tls, app) = (tls.clone(), app.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, app).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, app).await;
                            }
                        }
                    }
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, app: App) {
    let service = service_fn(|request| answer(app.clone(), request));
    // A connection that breaks is the other side's affair, or was asked for.
    let _broke = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(app: App, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
    let (router, record) = app;
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES).collect().await;
    let body = body.ok().ok_or(HungUp)?.to_bytes();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
        body: body.clone(),
    };
    let fault = record.and_then(|it| it.note(asked));
    match &fault {
        Some(Fault::Hangup) => return Err(HungUp),
        Some(Fault::Answer { status, retry_after, body }) => {
            let mut answer = Response::builder().status(*status);
            if let Some(seconds) = retry_after {
                answer = answer.header(header::RETRY_AFTER, *seconds);
            }
            return answer.body(Body::from(body.clone())).ok().ok_or(HungUp);
        }
        _ => {}
    }
    let request = Request::from_parts(parts, Body::from(body));
    let Ok(answer) = router.oneshot(request).await;
    match fault {
        Some(Fault::HangupAfter) => return Err(HungUp),
        Some(Fault::Silence) => std::future::pending::<()>().await,
        Some(Fault::Late(time)) => tokio::time::sleep(time).await,
        _ => {}
    }
    Ok(answer)
}
