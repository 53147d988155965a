//! Whom the authority certifies, and where it keeps its key.

use std::{os::unix::fs::PermissionsExt, sync::Arc, time::Duration};

use rcgen::PKCS_ECDSA_P384_SHA384;
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{ServerName, UnixTime},
};
use uuid::Uuid;
use x509_parser::extensions::GeneralName;

use super::*;
use crate::system::{SystemClock, SystemRandom};

const NOW: i64 = 1_800_000_000_000;

fn deployment() -> DeploymentId {
    DeploymentId::from(Uuid::from_u128(1))
}

fn node() -> NodeId {
    NodeId::from(Uuid::from_u128(2))
}

fn open(dir: &Path) -> anyhow::Result<Authority> {
    Authority::load_or_create(dir, deployment(), &SystemClock, &SystemRandom)
}

fn request(key: &KeyPair, params: CertificateParams) -> String {
    params.serialize_request(key).unwrap().pem().unwrap()
}

fn issue(authority: &Authority, csr: &str) -> Result<IssuedCertificate> {
    authority.issue_node(csr, node(), deployment(), NOW, [7; 16])
}

#[test]
fn p28_the_authority_is_kept_in_private_files_and_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    let first = open(&dir).unwrap();
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("ca.key"), mode("ca.pem")), (0o700, 0o600, 0o600));
    assert_eq!(open(&dir).unwrap().ca_hash(), first.ca_hash());

    fs::set_permissions(dir.join("ca.key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(format!("{:#}", open(&dir).err().unwrap()).contains("chmod 600"));
    fs::remove_file(dir.join("ca.key")).unwrap();
    assert!(open(&dir).is_err(), "never a new authority in place of a lost one");
    std::os::unix::fs::symlink("/dev/null", dir.join("ca.key")).unwrap();
    assert!(open(&dir).is_err(), "links are not followed");
}

#[test]
fn p15_a_node_gets_an_ecdsa_certificate_for_a_day_with_the_portals_names_only() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(&folder.path().join("data")).unwrap();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    // The request asks for more than it gets.
    let mut wishes = CertificateParams::new(vec!["portal.example.org".to_owned()]).unwrap();
    wishes.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    wishes.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    wishes.distinguished_name.push(DnType::CommonName, "root");
    let issued = issue(&authority, &request(&key, wishes)).unwrap();

    assert_eq!(issued.not_after_ms, NOW + 24 * 3600 * 1000);
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes()).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(key_hash(&der), Some(issued.key_hash));
    assert_eq!(certificate.public_key().raw, key.subject_public_key_info());
    assert_eq!(certificate.subject().to_string(), format!("CN={}", node()));
    assert!(!certificate.is_ca());
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    let spiffe = format!("spiffe://{}/node/{}", deployment(), node());
    assert!(matches!(names.as_slice(), [GeneralName::URI(uri)] if *uri == spiffe));
    let (_, ca) = x509_parser::parse_x509_certificate(authority.ca_certificate()).unwrap();
    certificate.verify_signature(Some(ca.public_key())).unwrap();
    let constraints = ca.basic_constraints().unwrap().unwrap().value;
    assert!(constraints.ca && constraints.path_len_constraint == Some(0));
}

#[test]
fn a_request_that_is_not_p256_or_not_signed_by_its_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let authority = open(&folder.path().join("data")).unwrap();
    let refused =
        |csr: &str| matches!(issue(&authority, csr), Err(Error::Invalid { field: "csr_pem", .. }));
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    assert!(refused(&request(&p384, CertificateParams::default())));
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    assert!(refused(&request(&ed25519, CertificateParams::default())));

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let good = CertificateParams::default().serialize_request(&key).unwrap();
    assert!(issue(&authority, &good.pem().unwrap()).is_ok());
    let mut der = good.der().to_vec();
    let last = der.len() - 3;
    der[last] ^= 1;
    let pem = |der: &[u8]| {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let text = BASE64_STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n")
    };
    assert!(issue(&authority, &pem(good.der())).is_ok(), "the envelope itself is fine");
    assert!(refused(&pem(&der)), "a signature that does not fit");
    assert!(refused(""));
    assert!(refused(
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----"
    ));
    assert!(refused(&"x".repeat(100_000)));
}

/// Whether somebody who believes this authority alone believes the portal.
fn is_believed(portal: &Authority, root: &CertificateDer<'static>) -> bool {
    is_believed_at(portal, root, NOW)
}

/// The same, by a clock of their own.
fn is_believed_at(portal: &Authority, root: &CertificateDer<'static>, now_ms: i64) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let shown = portal.issue_server(&["portal".to_owned()], NOW, [8; 16]).unwrap();
    let name = ServerName::try_from("portal").unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now_ms.unsigned_abs()));
    let (leaf, rest) = shown.chain.split_first().unwrap();
    verifier.build().unwrap().verify_server_cert(leaf, rest, &name, &[], now).is_ok()
}

#[test]
fn a_node_that_slept_through_two_rotations_still_knows_its_portal() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    assert!(rotate(&dir, deployment(), &SystemClock, &SystemRandom).is_err(), "nothing to rotate");
    let first = open(&dir).unwrap();
    assert_eq!(rotate(&dir, deployment(), &SystemClock, &SystemRandom).unwrap().earlier, 1);
    let second = open(&dir).unwrap();
    assert_eq!(rotate(&dir, deployment(), &SystemClock, &SystemRandom).unwrap().earlier, 2);
    let third = open(&dir).unwrap();

    let roots = [&first, &second, &third].map(|it| it.ca_certificate().clone());
    assert!(roots.iter().all(|it| is_believed(&third, it)), "whatever a node knows leads here");
    assert!(!is_believed(&first, &roots[2]), "and what came later says nothing of before");
    let believed: Vec<_> = third.believed().cloned().collect();
    assert_eq!(believed, [roots[2].clone(), roots[1].clone(), roots[0].clone()]);
    let told = CertificateDer::pem_slice_iter(third.ca_pem().as_bytes()).count();
    assert_eq!(told, 3, "a node that renews learns all of them, newest first");
    for name in ["ca.key", "ca.pem", "ca-before.pem", "ca-cross.pem"] {
        let mode = fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }

    assert_eq!(forget_earlier(&dir).unwrap(), 2);
    let after = open(&dir).unwrap();
    assert_eq!(after.ca_hash(), third.ca_hash());
    assert!(!is_believed(&after, &roots[0]) && is_believed(&after, &roots[2]));
    assert_eq!(after.believed().count(), 1);
}

#[test]
fn a_node_whose_clock_is_a_day_off_still_reaches_its_portal() {
    let folder = tempfile::tempdir().unwrap();
    let portal = open(&folder.path().join("data")).unwrap();
    let root = portal.ca_certificate().clone();
    for off in [-DAY, DAY] {
        assert!(is_believed_at(&portal, &root, NOW + off), "{off}");
    }
    assert!(!is_believed_at(&portal, &root, NOW + 91 * DAY), "and not for ever");
}

#[test]
fn a_rotation_that_a_crash_stopped_is_finished_or_was_none() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("data");
    let first = open(&dir).unwrap();
    let key = fs::read(dir.join("ca.key")).unwrap();
    let pem = fs::read(dir.join("ca.pem")).unwrap();
    rotate(&dir, deployment(), &SystemClock, &SystemRandom).unwrap();
    let second = open(&dir).unwrap();
    let (next_key, next_pem) = (dir.join("ca-next.key"), dir.join("ca-next.pem"));

    // Killed between the two renames: the key is the new one, the certificate the old one.
    fs::copy(dir.join("ca.pem"), &next_pem).unwrap();
    write_private(&dir.join("ca.pem"), &pem).unwrap();
    assert_eq!(open(&dir).unwrap().ca_hash(), second.ca_hash());
    assert!(!next_pem.exists());

    // Killed before it was decided: the prepared key alone means nothing.
    fs::copy(dir.join("ca.key"), &next_key).unwrap();
    write_private(&dir.join("ca.key"), &key).unwrap();
    write_private(&dir.join("ca.pem"), &pem).unwrap();
    assert_eq!(open(&dir).unwrap().ca_hash(), first.ca_hash());
    rotate(&dir, deployment(), &SystemClock, &SystemRandom).unwrap();
    let again = open(&dir).unwrap();
    assert!(is_believed(&again, first.ca_certificate()));
}
