//! Who this node is: its key, its certificate, and the CA of its portal, in one file.

use myrelay_domain::ids::NodeId;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};
use serde::{Deserialize, Serialize};
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    link::PortalAddress,
    private_dir::{FileError, PrivateDir},
};

const FILE: &str = "identity.json";

/// Why an identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("this machine is no node yet: run the join line that the portal shows")]
    Missing,
    #[error("the node's identity is damaged ({0}): ask the operator for a new join line")]
    Damaged(String),
    #[error(transparent)]
    File(#[from] FileError),
}

/// A node that was taken in. Its key does not print.
#[derive(Clone)]
pub struct Identity {
    pub node: NodeId,
    pub portal: PortalAddress,
    key: KeyPem,
    certificate_pem: String,
    ca_pem: String,
    validity: Validity,
}

/// When a certificate starts and ends, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before_ms: i64,
    pub not_after_ms: i64,
}

/// A new ECDSA P-256 key and the request for its certificate (PKCS #10, RFC 2986).
pub struct NewKey {
    key: KeyPem,
    pub csr_pem: String,
}

/// A private key as PEM, wiped from memory when dropped.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct KeyPem(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    node: NodeId,
    portal: PortalAddress,
    key_pem: KeyPem,
    certificate_pem: String,
    ca_pem: String,
}

impl NewKey {
    /// Makes a key on this machine. The request holds its public half and no names: those come
    /// from the portal.
    pub fn generate() -> Result<Self, rcgen::Error> {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let csr_pem = params.serialize_request(&pair)?.pem()?;
        Ok(Self { key: KeyPem(pair.serialize_pem()), csr_pem })
    }

    /// The identity that the portal's answer makes of it.
    pub fn certified(
        self,
        node: NodeId,
        portal: PortalAddress,
        certificate_pem: String,
        ca_pem: String,
    ) -> Result<Identity, IdentityError> {
        let stored = Stored { node, portal, key_pem: self.key, certificate_pem, ca_pem };
        Identity::from_stored(stored)
    }
}

impl Identity {
    /// Reads the identity of before.
    pub fn load(dir: &PrivateDir) -> Result<Self, IdentityError> {
        let bytes = dir.read(FILE)?.ok_or(IdentityError::Missing)?;
        // The cause of a JSON error may quote the file, and the file holds the key.
        let Ok(stored) = serde_json::from_slice(&bytes) else {
            return Err(IdentityError::Damaged("identity.json does not parse".to_owned()));
        };
        Self::from_stored(stored)
    }

    /// Writes it: key, certificate and CA together or not at all.
    pub fn store(&self, dir: &PrivateDir) -> Result<(), FileError> {
        let stored = Stored {
            node: self.node,
            portal: self.portal.clone(),
            key_pem: self.key.clone(),
            certificate_pem: self.certificate_pem.clone(),
            ca_pem: self.ca_pem.clone(),
        };
        // Strings always serialise.
        let json = Zeroizing::new(serde_json::to_vec_pretty(&stored).unwrap_or_default());
        dir.write(FILE, &json)
    }

    fn from_stored(stored: Stored) -> Result<Self, IdentityError> {
        let damaged = |what: &str| IdentityError::Damaged(what.to_owned());
        let chain = certificates(&stored.certificate_pem)
            .map_err(|error| damaged(&format!("certificate: {error}")))?;
        let leaf = chain.first().ok_or_else(|| damaged("it has no certificate"))?;
        let validity =
            Validity::of(leaf).ok_or_else(|| damaged("its certificate does not parse"))?;
        let authorities = certificates(&stored.ca_pem)
            .map_err(|error| damaged(&format!("CA certificates: {error}")))?;
        if authorities.is_empty() {
            return Err(damaged("it has no CA certificate"));
        }
        let Stored { node, portal, key_pem, certificate_pem, ca_pem } = stored;
        Ok(Self { node, portal, key: key_pem, certificate_pem, ca_pem, validity })
    }

    /// The certificate chain to present.
    pub fn chain(&self) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
        certificates(&self.certificate_pem)
    }

    /// The CAs that the portal may present.
    pub fn authorities(&self) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
        certificates(&self.ca_pem)
    }

    /// The key, for TLS only.
    pub fn key(&self) -> Result<PrivateKeyDer<'static>, pem::Error> {
        PrivateKeyDer::from_pem_slice(self.key.0.as_bytes())
    }

    /// When the certificate starts and ends.
    pub fn validity(&self) -> Validity {
        self.validity
    }
}

impl Validity {
    /// What stands in a certificate; none if it does not parse.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let validity = parsed.validity();
        Some(Self {
            not_before_ms: validity.not_before.timestamp().saturating_mul(1000),
            not_after_ms: validity.not_after.timestamp().saturating_mul(1000),
        })
    }

    /// How long the certificate is good for.
    pub fn life(&self) -> std::time::Duration {
        let life = self.not_after_ms.saturating_sub(self.not_before_ms);
        std::time::Duration::from_millis(u64::try_from(life).unwrap_or_default())
    }

    /// When to ask for the next certificate: half-way, earlier or later by up to a tenth of the
    /// lifetime, so that nodes that came together do not come back together.
    pub fn renew_at_ms(&self, jitter: f64) -> i64 {
        let life = self.not_after_ms.saturating_sub(self.not_before_ms).max(0);
        #[expect(clippy::cast_possible_truncation, reason = "a share of a lifetime fits")]
        let part = (life as f64 * (0.4 + 0.2 * jitter)) as i64;
        self.not_before_ms.saturating_add(part)
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateSigningRequestDer;

    use super::*;

    #[test]
    fn renewal_is_due_around_half_life() {
        let validity = Validity { not_before_ms: 1000, not_after_ms: 2000 };
        assert_eq!(validity.renew_at_ms(0.0), 1400);
        assert_eq!(validity.renew_at_ms(0.5), 1500);
        assert!(validity.renew_at_ms(0.999) < 1600);
    }

    #[test]
    fn p06_the_request_holds_no_part_of_the_private_key() {
        let new = NewKey::generate().unwrap();
        let PrivateKeyDer::Pkcs8(key) =
            PrivateKeyDer::from_pem_slice(new.key.0.as_bytes()).unwrap()
        else {
            panic!("a PKCS #8 key")
        };
        // ECPrivateKey (RFC 5915): version 1, then the private scalar of 32 bytes.
        let key = key.secret_pkcs8_der();
        let start = key.windows(5).position(|it| it == [2, 1, 1, 4, 32]).unwrap() + 5;
        let scalar = &key[start..start + 32];
        let request = CertificateSigningRequestDer::from_pem_slice(new.csr_pem.as_bytes()).unwrap();
        assert!(request.windows(8).all(|sent| scalar.windows(8).all(|part| part != sent)));
    }
}
