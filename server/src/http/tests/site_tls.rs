//! The site over real TCP: TLS 1.2 or later, ECDSA, bounds on what one address may hold open.

use std::{fs, io, net::SocketAddr, sync::Arc, time::Duration};

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::Portal;
use crate::{
    http::{Connections, Listener},
    system::{SystemClock, SystemRandom, Tasks},
    tls::{site_from_files, site_self_signed},
};

const PATIENCE: Duration = Duration::from_secs(20);

async fn serve(
    portal: &Portal,
    tls: Option<Arc<ServerConfig>>,
    per_ip: u32,
) -> (SocketAddr, Tasks) {
    let listener = Listener {
        tcp: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        tls,
        nodes_only: false,
        router: portal.site.clone(),
        connections: Connections::new(per_ip, &[]),
    };
    let (address, tasks) = (listener.address().unwrap(), Tasks::default());
    tasks.spawn(listener.serve(tasks.clone()));
    (address, tasks)
}

/// Sends bytes and reads until the other side closes.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A reset is a way of closing too.
    drop(timeout(PATIENCE, tcp.read_to_end(&mut answer)).await.expect("it is closed"));
    String::from_utf8_lossy(&answer).into_owned()
}

fn self_signed(dir: &TempDir) -> Arc<ServerConfig> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    site_self_signed(dir.path(), &names, &SystemClock, &SystemRandom).unwrap()
}

async fn status(
    address: SocketAddr,
    dir: &TempDir,
    version: &'static SupportedProtocolVersion,
) -> io::Result<String> {
    let file = fs::read_to_string(dir.path().join("site-self-signed.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(file.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    tls.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    tls.read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn p15_browsers_speak_tls_12_or_13_with_an_ecdsa_certificate() {
    let portal = Portal::open().await;
    let dir = tempfile::tempdir().unwrap();
    let (address, tasks) = serve(&portal, Some(self_signed(&dir)), 100).await;
    assert_eq!(status(address, &dir, &TLS12).await.unwrap(), "HTTP/1.1 200 OK");
    assert_eq!(status(address, &dir, &TLS13).await.unwrap(), "HTTP/1.1 200 OK");
    let clear = raw(address, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(!clear.contains("200 OK"), "never in clear text: {clear}");
    // A ClientHello of TLS 1.1 (RFC 4346): version 3.2, one suite, no extensions.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x09, 1, 0]);
    let refused = raw(address, &hello).await;
    assert!(refused.len() <= 7 + 16, "an alert at most: {} bytes", refused.len());
    tasks.stop();
}

#[test]
fn p15_a_self_signed_certificate_is_kept_and_a_key_that_is_not_ecdsa_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    self_signed(&dir);
    let file = dir.path().join("site-self-signed.pem");
    let first = fs::read(&file).unwrap();
    self_signed(&dir);
    assert_eq!(fs::read(&file).unwrap(), first, "whoever trusted it is not asked again");
    let other = ["vpn.example.org".to_owned()];
    site_self_signed(dir.path(), &other, &SystemClock, &SystemRandom).unwrap();
    assert_ne!(fs::read(&file).unwrap(), first, "another name, another certificate");

    let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
    let write = |algorithm| {
        let pair = KeyPair::generate_for(algorithm).unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        fs::write(&certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
        fs::write(&key, pair.serialize_pem()).unwrap();
    };
    write(&PKCS_ECDSA_P256_SHA256);
    site_from_files(&certificate, &key).unwrap();
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    fs::write(&key, pair.serialize_pem()).unwrap();
    assert!(site_from_files(&certificate, &key).is_err(), "another certificate's key");
    write(&PKCS_ED25519);
    let error = site_from_files(&certificate, &key).unwrap_err().to_string();
    assert!(error.contains("ECDSA"), "{error}");
    let error = site_from_files(&dir.path().join("none.pem"), &key).unwrap_err().to_string();
    assert!(error.starts_with("tls-certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let portal = Portal::open().await;
    let (address, tasks) = serve(&portal, None, 100).await;
    for head in [
        "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nHost: x\r\n\r\n",
        "nonsense\r\n\r\n",
    ] {
        let answer = raw(address, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{head:?}: {answer}");
    }
    // The chunked length counts (RFC 9112 section 6.3), and nothing after it is a request.
    let both = "POST /sign-out HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n";
    let answer = raw(address, both.as_bytes()).await;
    assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{answer}");
    let many = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "a: b\r\n".repeat(200));
    assert!(raw(address, many.as_bytes()).await.starts_with("HTTP/1.1 431"), "many headers");
    tasks.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_holds_so_many_connections_and_a_silent_one_is_cut() {
    let portal = Portal::open().await;
    let (address, tasks) = serve(&portal, None, 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut start = [0; 15];
        tcp.read_exact(&mut start).await.unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
        held.push(tcp);
    }
    let refused = raw(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(refused, "", "the fourth");
    // Nobody says anything more: the portal closes all three, and there is room again.
    for mut tcp in held {
        let mut rest = Vec::new();
        drop(timeout(PATIENCE, tcp.read_to_end(&mut rest)).await.expect("it is cut"));
    }
    let slow = raw(address, b"GET /healthz HTTP/1.1\r\nHos").await;
    assert!(!slow.contains("200 OK"), "half a request is cut too: {slow}");
    tasks.stop();
    tasks.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_runs_is_finished_when_the_portal_stops() {
    let portal = Portal::open().await;
    let (address, tasks) = serve(&portal, None, 100).await;
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let head = "POST /sign-out HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: none\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4\r\n\r\na=";
    tcp.write_all(head.as_bytes()).await.unwrap();
    // It has begun once another connection was answered after it.
    assert!(raw(address, b"GET /healthz HTTP/1.0\r\n\r\n").await.contains("200 OK"));
    tasks.stop();
    timeout(PATIENCE, async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("nothing new is accepted");
    tcp.write_all(b"b!").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, tcp.read_to_string(&mut answer)).await.expect("an answer").unwrap();
    assert!(answer.starts_with("HTTP/1.1 422"), "an answer about its form: {answer}");
    timeout(PATIENCE, tasks.ended()).await.expect("everything has ended");
}
