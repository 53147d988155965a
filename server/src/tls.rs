//! TLS of the two listeners: the site's, and the one that only node agents speak.

use std::{
    fmt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use myrelay_node_protocol::ALPN;
use rcgen::{DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureAlgorithm,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    time_provider::TimeProvider,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject};
use zeroize::Zeroizing;

use crate::{
    authority::{Authority, ServerCertificate, leaf, read_private, subject_names, write_private},
    context::{Clock, Random},
};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// How long after its end a node's certificate still lets it ask for the next one.
const RENEWED_LATE_SECONDS: u64 = 30 * 24 * 3600;
/// How long a certificate of our own making is good for.
const SELF_SIGNED_MS: i64 = 365 * DAY_MS;
/// A certificate of our own making with less life than this is made anew at the start.
const SELF_SIGNED_RENEW_MS: i64 = 30 * DAY_MS;

/// The site's TLS from a chain and a key in PEM: TLS 1.2 or 1.3, ECDSA.
///
/// # Errors
/// When a file does not parse, the two do not belong together, or the key is not ECDSA.
pub fn site_from_files(certificate: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("tls-certificate: read {}", certificate.display()))?;
    ensure!(!chain.is_empty(), "tls-certificate: {} has none", certificate.display());
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("tls-key: read {}", key.display()))?;
    site(chain, key)
}

/// The site's TLS for trying out: a certificate of our own making, kept in the folder so that
/// whoever trusted it once is not asked again.
pub fn site_self_signed(
    dir: &Path,
    names: &[String],
    clock: &dyn Clock,
    random: &dyn Random,
) -> anyhow::Result<Arc<ServerConfig>> {
    let path = dir.join("site-self-signed.pem");
    let joined = names.join(" ");
    if let Some(pem) = read_private(&path)?
        && let Some(rest) = pem.strip_prefix(&format!("names: {joined}\n"))
    {
        let chain = CertificateDer::pem_slice_iter(rest.as_bytes()).collect::<Result<Vec<_>, _>>();
        let chain = chain.with_context(|| format!("read {}", path.display()))?;
        let key = PrivateKeyDer::from_pem_slice(rest.as_bytes())?;
        if chain
            .first()
            .and_then(ends_at_ms)
            .is_some_and(|end| clock.now_ms() < end.saturating_sub(SELF_SIGNED_RENEW_MS))
        {
            return site(chain, key);
        }
    }
    let mut serial = [0; 16];
    random.fill(&mut serial);
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let now_ms = clock.now_ms();
    let mut params = leaf(now_ms, now_ms.saturating_add(SELF_SIGNED_MS), serial)?;
    params.distinguished_name.push(DnType::CommonName, "MyRelay (self-signed)");
    params.subject_alt_names = subject_names(names)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&pair)?;
    let key = Zeroizing::new(pair.serialize_pem());
    let file = Zeroizing::new(format!("names: {joined}\n{}{}", certificate.pem(), *key));
    write_private(&path, file.as_bytes())?;
    site(vec![certificate.der().clone()], PrivateKeyDer::from_pem_slice(key.as_bytes())?)
}

fn site(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> anyhow::Result<Arc<ServerConfig>> {
    let certified = certified(chain, key)?;
    if certified.key.algorithm() != SignatureAlgorithm::ECDSA {
        bail!("tls-key: expected an ECDSA key, such as `openssl ecparam -name prime256v1 -genkey`");
    }
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS12, &TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Renewable::new(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The node listener's TLS: version 1.3 only, one ALPN name. A certificate of an authority we
/// believe is asked for; whoever shows another one, or one that is not for clients, is cut off.
/// Whoever shows none may only enrol, and whoever shows one that is over may only renew it: the
/// routes see to that.
pub fn node_listener(
    authority: &Authority,
    certificate: Arc<Renewable>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Arc<ServerConfig>> {
    let mut roots = RootCertStore::empty();
    for root in authority.believed() {
        roots.add(root.clone())?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .allow_unauthenticated()
        .build()?;
    let verifier = Arc::new(NodeVerifier(verifier));
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(TlsClock(clock)))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed connection would not show its certificate again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Verifies nodes' certificates as of the last moment they were good, if that was not long ago: a
/// portal that was away for a day must not have to let all its nodes join again.
#[derive(Debug)]
struct NodeVerifier(Arc<dyn ClientCertVerifier>);

impl NodeVerifier {
    /// The moment to judge by: now, or the end of a certificate that is over.
    fn moment(certificate: &CertificateDer<'_>, now: UnixTime) -> UnixTime {
        let ends_ms = x509_parser::parse_x509_certificate(certificate)
            .ok()
            .and_then(|(_, it)| u64::try_from(it.validity().not_after.timestamp()).ok());
        match ends_ms {
            Some(end) if end < now.as_secs() && now.as_secs() - end <= RENEWED_LATE_SECONDS => {
                UnixTime::since_unix_epoch(Duration::from_secs(end))
            }
            _ => now,
        }
    }
}

impl ClientCertVerifier for NodeVerifier {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.0.verify_client_cert(end_entity, intermediates, Self::moment(end_entity, now))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// A listener's certificate that can be replaced while it runs.
pub struct Renewable(RwLock<Arc<CertifiedKey>>);

impl Renewable {
    fn new(certified: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(certified)))
    }

    /// Starts with this one.
    pub fn of(certificate: ServerCertificate) -> anyhow::Result<Self> {
        Ok(Self::new(certified(certificate.chain, certificate.key)?))
    }

    /// From now on, this one.
    pub fn replace(&self, certificate: ServerCertificate) -> anyhow::Result<()> {
        let next = Arc::new(certified(certificate.chain, certificate.key)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl ResolvesServerCert for Renewable {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl fmt::Debug for Renewable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewable")
    }
}

/// The context's clock, as TLS reads it.
pub(crate) struct TlsClock(pub(crate) Arc<dyn Clock>);

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from(self.0.now_ms()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(ms)))
    }
}

impl fmt::Debug for TlsClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClock")
    }
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> anyhow::Result<CertifiedKey> {
    CertifiedKey::from_der(chain, key, &provider())
        .context("the certificate and its private key do not belong together")
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn ends_at_ms(certificate: &CertificateDer<'static>) -> Option<i64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp().saturating_mul(1000))
}
