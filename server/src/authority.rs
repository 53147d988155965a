//! The certificate authority of one deployment: it vouches for nodes, and for the portal to nodes.

mod rotation;

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

use anyhow::{Context as _, bail};
use myrelay_domain::ids::{DeploymentId, NodeId};
use myrelay_node_protocol::CaHash;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls_pki_types::{
    CertificateDer, CertificateSigningRequestDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer};
use zeroize::Zeroizing;

use self::rotation::Earlier;
pub use self::rotation::{Rotated, forget_earlier, rotate};
use crate::{
    Error, Result,
    context::{Clock, Random},
};

const SECOND: i64 = 1000;
const DAY: i64 = 24 * 3600 * SECOND;
/// How long the authority itself is good for.
const CA_LIFE: i64 = 3650 * DAY;
/// How long a node's certificate is good for.
pub(crate) const NODE_LIFE: i64 = DAY;
/// How long the certificate of the node listener is good for; it is made anew at every start, and
/// again while the portal runs.
const SERVER_LIFE: i64 = 90 * DAY;
/// Certificates start a little earlier than now: the clocks of two machines differ.
const CLOCK_SKEW: i64 = 300 * SECOND;
/// What nodes judge by their own clocks starts two days earlier: a node whose clock is a day behind
/// must still reach the portal, which tells the operator so.
const NODE_CLOCK_SKEW: i64 = 2 * DAY;
/// The longest certificate request that is looked at, in bytes of PEM.
const MAX_CSR_BYTES: usize = 8 * 1024;

/// The authority's key and certificate, ECDSA P-256. The key does not print.
///
/// After a rotation the authorities of before are still believed, and each has certified the key
/// that came after it: whoever knows only an old one follows from there to the new one (cross
/// certificates, RFC 5280 section 3.2).
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    earlier: Earlier,
    /// The certificates of all authorities that are believed, newest first.
    pem: String,
}

/// A node's certificate.
pub struct IssuedCertificate {
    /// The node's own certificate alone, as PEM.
    pub certificate_pem: String,
    /// SHA-256 of its SubjectPublicKeyInfo in DER, as hexadecimal: what the allow-list holds.
    pub key_hash: String,
    /// When it ends, in milliseconds since 1970-01-01 UTC.
    pub not_after_ms: i64,
}

/// A certificate for a listener of ours, with its key.
pub struct ServerCertificate {
    /// The leaf, then all that leads to an authority somebody may know.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// When it ends, in milliseconds since 1970-01-01 UTC.
    pub not_after_ms: i64,
}

impl Authority {
    /// Opens the authority in a folder of our own (mode 0700), or makes it at the first start:
    /// `ca.key` (mode 0600) and `ca.pem`.
    pub fn load_or_create(
        dir: &Path,
        deployment: DeploymentId,
        clock: &dyn Clock,
        random: &dyn Random,
    ) -> anyhow::Result<Self> {
        ensure_private_dir(dir)?;
        rotation::finish(dir)?;
        let (key_path, pem_path) = (dir.join("ca.key"), dir.join("ca.pem"));
        if let Some(key) = read_private(&key_path)? {
            let pem = fs::read_to_string(&pem_path)
                .with_context(|| format!("there is a ca.key, but no {}", pem_path.display()))?;
            let earlier = Earlier::read(dir)?;
            let opened = Self::open(&key, &pem, earlier);
            return opened.with_context(|| format!("open {}", key_path.display()));
        }
        if pem_path.exists() {
            bail!("there is a ca.pem, but no {}: restore it", key_path.display());
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let pem = self_signed(&key, deployment, clock.now_ms(), random)?;
        // The certificate first: a crash between the two leaves what is made anew.
        let key_pem = Zeroizing::new(key.serialize_pem());
        write_private(&pem_path, pem.as_bytes())?;
        write_private(&key_path, key_pem.as_bytes())?;
        Self::open(&key_pem, &pem, Earlier::default())
    }

    fn open(key_pem: &str, pem: &str, earlier: Earlier) -> anyhow::Result<Self> {
        let key = KeyPair::from_pem(key_pem).context("the CA's key does not parse")?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .context("the CA's certificate does not parse")?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .context("the CA's certificate does not parse")?;
        if parsed.public_key().raw != key.subject_public_key_info() {
            bail!("ca.key and ca.pem do not belong together");
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
        let pem = [pem, earlier.pem.as_str()].concat();
        Ok(Self { issuer, certificate, earlier, pem })
    }

    /// The certificates of every authority a node should believe, newest first, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.pem
    }

    /// The certificate of the authority that issues.
    pub fn ca_certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Since when this authority issues, in milliseconds since 1970-01-01 UTC.
    pub fn since_ms(&self) -> i64 {
        let parsed = x509_parser::parse_x509_certificate(&self.certificate);
        let starts = parsed.map(|(_, it)| it.validity().not_before.timestamp());
        starts.unwrap_or_default().saturating_mul(SECOND).saturating_add(NODE_CLOCK_SKEW)
    }

    /// The authorities whose certificates are accepted, newest first.
    pub fn believed(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        std::iter::once(&self.certificate).chain(&self.earlier.roots)
    }

    /// What a join line carries, so that an agent knows the portal.
    pub fn ca_hash(&self) -> CaHash {
        CaHash::of(&self.certificate)
    }

    /// Certifies a node for 24 hours. Of the request (PKCS #10, RFC 2986) only the public key is
    /// used, after its signature proved that the sender has the private one.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `csr_pem` when it does not parse, is not ECDSA P-256, or is not
    /// signed by its own key.
    pub fn issue_node(
        &self,
        csr_pem: &str,
        node: NodeId,
        deployment: DeploymentId,
        now_ms: i64,
        serial: [u8; 16],
    ) -> Result<IssuedCertificate> {
        let spki = public_key_of_request(csr_pem).ok_or_else(|| {
            Error::invalid("csr_pem", "expected a PKCS #10 request of a P-256 key, signed by it")
        })?;
        let not_after_ms = now_ms.saturating_add(NODE_LIFE);
        let mut params = leaf(now_ms, not_after_ms, serial)?;
        params.distinguished_name.push(DnType::CommonName, node.to_string());
        let name = format!("spiffe://{deployment}/node/{node}");
        params.subject_alt_names = vec![SanType::URI(name.try_into().map_err(anyhow::Error::new)?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&spki, &self.issuer).map_err(anyhow::Error::new)?;
        let key_hash = key_hash(certificate.der()).context("our own certificate")?;
        Ok(IssuedCertificate { certificate_pem: certificate.pem(), key_hash, not_after_ms })
    }

    /// Certifies the node listener for 90 days, with a new key. It starts two days early.
    pub fn issue_server(
        &self,
        names: &[String],
        now_ms: i64,
        serial: [u8; 16],
    ) -> anyhow::Result<ServerCertificate> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let not_after_ms = now_ms.saturating_add(SERVER_LIFE);
        let mut params = leaf(now_ms, not_after_ms, serial)?;
        params.not_before = moment(now_ms.saturating_sub(NODE_CLOCK_SKEW))?;
        params.distinguished_name.push(DnType::CommonName, "MyRelay portal");
        params.subject_alt_names = subject_names(names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(ServerCertificate {
            chain: std::iter::once(certificate.der())
                .chain(&self.earlier.crosses)
                .chain(self.believed())
                .cloned()
                .collect(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            not_after_ms,
        })
    }
}

/// SHA-256 of a certificate's SubjectPublicKeyInfo in DER, as hexadecimal.
pub fn key_hash(certificate: &[u8]) -> Option<String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(Sha256::digest(parsed.public_key().raw).iter().map(|it| format!("{it:02x}")).collect())
}

/// The names of a certificate: IP addresses as addresses, the rest as DNS names.
pub(crate) fn subject_names(names: &[String]) -> anyhow::Result<Vec<SanType>> {
    let name = |text: &String| {
        Ok(match text.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(text.as_str().try_into()?),
        })
    };
    names.iter().map(name).collect()
}

/// What every leaf has: an end entity that signs handshakes.
pub(crate) fn leaf(
    now_ms: i64,
    not_after_ms: i64,
    serial: [u8; 16],
) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = moment(now_ms.saturating_sub(CLOCK_SKEW))?;
    params.not_after = moment(not_after_ms)?;
    params.serial_number = Some(positive(serial));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn self_signed(
    key: &KeyPair,
    deployment: DeploymentId,
    now_ms: i64,
    random: &dyn Random,
) -> anyhow::Result<String> {
    let mut serial = [0; 16];
    random.fill(&mut serial);
    let params = authority(deployment, now_ms, serial)?;
    Ok(CertifiedIssuer::self_signed(params, key)?.pem())
}

/// What an authority's certificate says, by whomever it is signed. Every authority has a name of
/// its own, made of its serial number.
fn authority(
    deployment: DeploymentId,
    now_ms: i64,
    serial: [u8; 16],
) -> anyhow::Result<CertificateParams> {
    let mut params = leaf(now_ms, now_ms.saturating_add(CA_LIFE), serial)?;
    let [a, b, c, d, ..] = serial;
    let name = format!("MyRelay {deployment} {:08x}", u32::from_be_bytes([a, b, c, d]));
    params.not_before = moment(now_ms.saturating_sub(NODE_CLOCK_SKEW))?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    Ok(params)
}

/// RFC 5280 4.1.2.2: a serial number is positive and has at most 20 octets.
fn positive(mut serial: [u8; 16]) -> SerialNumber {
    serial[0] = serial[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&serial)
}

fn moment(ms: i64) -> anyhow::Result<OffsetDateTime> {
    Ok(OffsetDateTime::from_unix_timestamp(ms.div_euclid(SECOND))?)
}

fn public_key_of_request(pem: &str) -> Option<SubjectPublicKeyInfo> {
    if MAX_CSR_BYTES < pem.len() {
        return None;
    }
    let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).ok()?;
    // This verifies the signature; its names and extensions are not used.
    CertificateSigningRequestParams::from_der(&der).ok()?;
    let (_, request) = X509CertificationRequest::from_der(&der).ok()?;
    let spki =
        SubjectPublicKeyInfo::from_der(request.certification_request_info.subject_pki.raw).ok()?;
    (spki.algorithm() == &PKCS_ECDSA_P256_SHA256).then_some(spki)
}

/// Makes a folder that only we can enter, or sees that it is one.
pub(crate) fn ensure_private_dir(dir: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("make {}", dir.display()))?;
    let facts = fs::symlink_metadata(dir)?;
    if !facts.is_dir() {
        bail!("{} is not a folder", dir.display());
    }
    if facts.mode() & 0o077 != 0 {
        bail!("{0}: others can enter it: run `chmod 700 {0}`", dir.display());
    }
    let (owner, user) = (facts.uid(), rustix::process::geteuid().as_raw());
    if owner != user {
        // What root made in it, the portal could not read.
        let dir = dir.display();
        bail!("{dir} belongs to user {owner}: run this as that user, `sudo -u '#{owner}' …`");
    }
    Ok(())
}

/// Reads a file that only we can read; none if there is none.
pub(crate) fn read_private(path: &Path) -> anyhow::Result<Option<Zeroizing<String>>> {
    let facts = match fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    if !facts.is_file() {
        bail!("{} is not a regular file", path.display());
    }
    if facts.mode() & 0o077 != 0 {
        bail!("{0}: others can read it: run `chmod 600 {0}`", path.display());
    }
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    Ok(Some(Zeroizing::new(text)))
}

/// Writes a file that only we can read, whole or not at all, through power cuts too.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let temporary = path.with_extension("new");
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error).with_context(|| format!("write {}", temporary.display()));
    }
    let write = || -> std::io::Result<()> {
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests;
