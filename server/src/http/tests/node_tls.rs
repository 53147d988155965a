//! The node listener over real TCP: TLS 1.3 only, our own protocol only, our own certificates only.

use std::{io, net::SocketAddr, sync::Arc};

use myrelay_app::contract::{AddNode, NodeContract, RetireNode};
use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::{ALPN, CaHash};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, pem::PemObject,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use uuid::Uuid;

use super::Portal;
use crate::{
    authority::Authority,
    desired_state,
    http::{Connections, Listener},
    system::{SystemRandom, Tasks},
    testing::{enrol_request, join_token},
    tls::{Renewable, TlsClock, node_listener},
};

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

const DAY: i64 = 24 * 3600 * 1000;

/// The node listener of a portal, on a port of its own.
struct Served {
    portal: Portal,
    address: SocketAddr,
    tasks: Tasks,
}

impl Served {
    async fn start() -> Self {
        let portal = Portal::open().await;
        let context = &portal.world.context;
        let names = ["127.0.0.1".to_owned()];
        let certificate = context.authority.issue_server(&names, context.now(), [9; 16]).unwrap();
        let certificate = Arc::new(Renewable::of(certificate).unwrap());
        let tls = node_listener(&context.authority, certificate, portal.world.clock.clone());
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = Listener {
            tcp,
            tls: Some(tls.unwrap()),
            nodes_only: true,
            router: portal.nodes.clone(),
            connections: Connections::new(1000, &[]),
        };
        let (address, tasks) = (listener.address().unwrap(), Tasks::default());
        tasks.spawn(listener.serve(tasks.clone()));
        Self { portal, address, tasks }
    }

    fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        alpn: &[&[u8]],
        identity: Option<Identity>,
    ) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.portal.world.context.authority.ca_certificate().clone()).unwrap();
        let clock = Arc::new(TlsClock(self.portal.world.clock.clone()));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_details(provider, clock)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|it| it.to_vec()).collect();
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&self, client: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        client.connect(ServerName::try_from("127.0.0.1").unwrap(), tcp).await
    }

    /// The status of a request with a certificate; an error if TLS let nothing through.
    async fn status(&self, identity: Option<Identity>, line: &str) -> io::Result<u16> {
        let client = self.client(&[&TLS13], &[ALPN], identity);
        let mut tls = self.connect(&client).await?;
        ask(&mut tls, line).await
    }

    /// A node that joined, with its certificate and key.
    async fn node(&self, name: &str) -> (NodeId, CertificateDer<'static>, KeyPair) {
        let world = &self.portal.world;
        let operator = world.operator(&format!("op-{}", name.to_lowercase())).await;
        let input = AddNode {
            name: name.to_owned(),
            location: name.to_owned(),
            endpoint: "vpn.example.org".to_owned(),
        };
        let join = operator.api().add_node(input).await.unwrap();
        let (key, csr_pem) = request();
        let mut input = enrol_request(&join_token(&join.line));
        input.csr_pem = csr_pem;
        let enrolled = desired_state::enrol(&world.context, input).await.unwrap();
        let certificate = CertificateDer::from_pem_slice(enrolled.certificate_pem.as_bytes());
        (enrolled.node, certificate.unwrap(), key)
    }
}

fn request() -> (KeyPair, String) {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().pem().unwrap();
    (key, csr)
}

fn key_of(pair: &KeyPair) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(pair.serialize_der()).into()
}

/// Sends a request and reads the status of the answer.
async fn ask(tls: &mut TlsStream<TcpStream>, line: &str) -> io::Result<u16> {
    let head = format!("{line} HTTP/1.1\r\nHost: portal\r\nContent-Length: 0\r\n\r\n");
    tls.write_all(head.as_bytes()).await?;
    let mut start = [0; 12];
    tls.read_exact(&mut start).await?;
    let start = std::str::from_utf8(&start).unwrap();
    Ok(start.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap())
}

const STATE: &str = "GET /v1/state?epoch=0&have=0&instance=00112233445566778899aabbccddeeff";

#[tokio::test(flavor = "multi_thread")]
async fn p15_agents_speak_tls_13_and_our_protocol_and_get_an_ecdsa_chain() {
    let served = Served::start().await;
    let client = served.client(&[&TLS13], &[ALPN], None);
    let mut tls = served.connect(&client).await.unwrap();
    let session = tls.get_ref().1;
    assert_eq!(session.alpn_protocol(), Some(ALPN));
    let chain = session.peer_certificates().unwrap();
    assert_eq!(chain.len(), 2, "the leaf, then the authority of the join line");
    assert_eq!(CaHash::of(&chain[1]), served.portal.world.context.authority.ca_hash());
    for certificate in chain {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
        let oid = parsed.public_key().algorithm.algorithm.to_id_string();
        assert_eq!(oid, "1.2.840.10045.2.1", "an elliptic-curve key (RFC 5480)");
    }
    assert_eq!(ask(&mut tls, STATE).await.unwrap(), 401, "without a certificate");

    let old = served.client(&[&TLS12], &[ALPN], None);
    assert!(served.connect(&old).await.is_err(), "TLS 1.2");
    for alpn in [&[][..], &[&b"http/1.1"[..]], &[&b"myrelay-node/2"[..]]] {
        let client = served.client(&[&TLS13], alpn, None);
        let answer = match served.connect(&client).await {
            Ok(mut tls) => ask(&mut tls, STATE).await,
            Err(error) => Err(error),
        };
        assert!(answer.is_err(), "{alpn:?}");
    }
    served.tasks.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn p15_no_certificate_but_a_live_nodes_own_gets_in() {
    let served = Served::start().await;
    let context = &served.portal.world.context;
    let (deployment, now) = (context.deployment.id, context.now());
    let (node, certificate, pair) = served.node("Berlin").await;
    let good: Identity = (vec![certificate.clone()], key_of(&pair));
    assert_eq!(served.status(Some(good), STATE).await.unwrap(), 200);

    // TLS itself refuses these, before a byte of a request is read.
    let dir = tempfile::tempdir().unwrap();
    let clock = &*served.portal.world.clock;
    let stranger =
        Authority::load_or_create(&dir.path().join("x"), deployment, clock, &SystemRandom).unwrap();
    let issue = |authority: &Authority, node: NodeId, at: i64| -> Identity {
        let (key, csr) = request();
        let issued = authority.issue_node(&csr, node, deployment, at, [3; 16]).unwrap();
        let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
        (vec![der], key_of(&key))
    };
    let for_servers = context.authority.issue_server(&["127.0.0.1".to_owned()], now, [4; 16]);
    let for_servers = for_servers.unwrap();
    for (what, identity) in [
        ("another authority's", issue(&stranger, node, now)),
        ("one that is over for long", issue(&context.authority, node, now - 40 * DAY)),
        ("one of tomorrow", issue(&context.authority, node, now + DAY)),
        ("one for servers only", (for_servers.chain, for_servers.key)),
        ("a right one without its key", (vec![certificate], key_of(&request().0))),
    ] {
        let client = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            served.client(&[&TLS13], &[ALPN], Some(identity))
        }));
        // A client that sees for itself that key and certificate differ does not even start.
        let Ok(client) = client else { continue };
        let answer = match served.connect(&client).await {
            Ok(mut tls) => ask(&mut tls, STATE).await,
            Err(error) => Err(error),
        };
        assert!(answer.is_err(), "{what}: {answer:?}");
    }

    // These are ours and in time, and not on the list.
    let unknown = NodeId::from(Uuid::from_u128(1));
    let unlisted = issue(&context.authority, node, now);
    assert_eq!(served.status(Some(unlisted), STATE).await.unwrap(), 403, "a key nobody listed");
    let nobody = issue(&context.authority, unknown, now);
    assert_eq!(served.status(Some(nobody), STATE).await.unwrap(), 403, "no such node");
    let (retired, certificate, pair) = served.node("Paris").await;
    let operator = served.portal.world.operator("olga").await;
    operator.api().retire_node(&retired.to_string(), RetireNode::default()).await.unwrap();
    let retired: Identity = (vec![certificate], key_of(&pair));
    assert_eq!(served.status(Some(retired), STATE).await.unwrap(), 410, "a retired node");
    served.tasks.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_over_is_renewed_and_good_for_nothing_else() {
    let served = Served::start().await;
    let (_, certificate, pair) = served.node("Berlin").await;
    let identity = || -> Option<Identity> { Some((vec![certificate.clone()], key_of(&pair))) };
    assert_eq!(served.status(identity(), STATE).await.unwrap(), 200);
    served.portal.world.clock.advance(DAY + 1000);
    assert_eq!(served.status(identity(), STATE).await.unwrap(), 403, "24 hours later");
    assert_eq!(served.status(identity(), "POST /v1/observed").await.unwrap(), 403);
    let renew = served.status(identity(), "POST /v1/renew").await.unwrap();
    assert_eq!(renew, 415, "let in, and what it sent is no request");
    served.portal.world.clock.advance(30 * DAY);
    assert!(served.status(identity(), "POST /v1/renew").await.is_err(), "a month later");
    served.tasks.stop();
    served.tasks.ended().await;
    assert!(TcpStream::connect(served.address).await.is_err(), "drained and closed");
}
