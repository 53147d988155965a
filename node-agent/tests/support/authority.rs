//! A certificate authority of a deployment.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use myrelay_agent::system::{Machine, System};
use myrelay_node_protocol::{ALPN, CaHash};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, SanType, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use time::OffsetDateTime;

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What the portal presents; the default is right in every way.
#[derive(Clone)]
pub(crate) struct Presented {
    pub(crate) names: Vec<SanType>,
    pub(crate) years: (i32, i32),
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) alpn: &'static [u8],
}

impl Default for Presented {
    fn default() -> Self {
        Self {
            names: vec![SanType::IpAddress("127.0.0.1".parse().unwrap())],
            years: (2020, 2100),
            versions: vec![&TLS13],
            alpn: ALPN,
        }
    }
}

impl Presented {
    /// Everything that the right CA could sign and an agent must not take.
    pub(crate) fn wrong() -> [Self; 5] {
        let elsewhere = vec![SanType::DnsName("elsewhere.example".try_into().unwrap())];
        [
            Self { names: elsewhere, ..Self::default() },
            Self { years: (2020, 2021), ..Self::default() },
            Self { years: (2090, 2091), ..Self::default() },
            Self { versions: vec![&TLS12], ..Self::default() },
            Self { alpn: b"http/1.1", ..Self::default() },
        ]
    }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "a test deployment");
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(crate) fn hash(&self) -> CaHash {
        CaHash::of(self.der())
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    fn der(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// A node's certificate for the key of a request.
    pub(crate) fn sign(&self, csr_pem: &str, (from, to): (i32, i32)) -> String {
        self.sign_between(csr_pem, date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1))
    }

    /// The same, from now on for so long.
    pub(crate) fn sign_for(&self, csr_pem: &str, life: Duration) -> String {
        let now = OffsetDateTime::from(SystemTime::UNIX_EPOCH)
            + time::Duration::milliseconds(Machine.now_ms());
        self.sign_between(csr_pem, now, now + life)
    }

    fn sign_between(&self, csr_pem: &str, from: OffsetDateTime, to: OffsetDateTime) -> String {
        let mut request = CertificateSigningRequestParams::from_pem(csr_pem).unwrap();
        request.params.not_before = from;
        request.params.not_after = to;
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        request.signed_by(&self.issuer).unwrap().pem()
    }

    /// TLS as a portal's node listener has it.
    pub(crate) fn server(&self, presented: &Presented) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = presented.names.clone();
        params.not_before = date_time_ymd(presented.years.0, 1, 1);
        params.not_after = date_time_ymd(presented.years.1, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &self.issuer).unwrap();

        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.der().clone()).unwrap();
        let nodes = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let chain = vec![leaf.der().clone(), self.der().clone()];
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&presented.versions)
            .unwrap()
            .with_client_cert_verifier(nodes)
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![presented.alpn.to_vec()];
        Arc::new(config)
    }
}
