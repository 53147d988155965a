//! TLS 1.3 to the portal, and to nobody else: the only root is the portal's own CA.

use std::sync::Arc;

use myrelay_node_protocol::{ALPN, CaHash};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, PeerIncompatible,
    RootCertStore, SignatureScheme, WantsVerifier,
    client::{
        Resumption, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    version::TLS13,
};

use super::LinkError;
use crate::{
    identity::{Identity, IdentityError},
    system::{System, TlsClock},
};

/// For a node that was taken in: its certificate, and its portal's CA as the only root.
pub(crate) fn of_node(
    identity: &Identity,
    system: &Arc<dyn System>,
) -> Result<Arc<ClientConfig>, LinkError> {
    let damaged = |error: &dyn std::fmt::Display| {
        LinkError::Identity(IdentityError::Damaged(error.to_string()))
    };
    let mut roots = RootCertStore::empty();
    for authority in identity.authorities().map_err(|error| damaged(&error))? {
        roots.add(authority).map_err(|error| damaged(&error))?;
    }
    let chain = identity.chain().map_err(|error| damaged(&error))?;
    let key = identity.key().map_err(|error| damaged(&error))?;
    let config = builder(system)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| damaged(&error))?;
    Ok(finished(config))
}

/// For the one connection before that: the CA is the certificate in the portal's chain whose hash
/// stands in the join line. With it the chain, the name and the time are checked in full.
pub(crate) fn of_joiner(
    ca: CaHash,
    system: &Arc<dyn System>,
) -> Result<Arc<ClientConfig>, LinkError> {
    let verifier = Arc::new(PinnedCa { ca, provider: provider() });
    let config = builder(system)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(finished(config))
}

fn builder(
    system: &Arc<dyn System>,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, LinkError> {
    ClientConfig::builder_with_details(provider(), Arc::new(TlsClock(system.clone())))
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| LinkError::Tls(error.to_string()))
}

fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would carry on with the certificate of before a renewal.
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

#[derive(Debug)]
struct PinnedCa {
    ca: CaHash,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let pinned = intermediates.iter().find(|it| CaHash::of(it) == self.ca);
        let mut roots = RootCertStore::empty();
        roots.add(pinned.ok_or_else(unknown)?.clone().into_owned())?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
                .build()
                .map_err(|error| Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
