//! A certificate request from a machine that nobody knows yet: its key is used, and nothing else.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use myrelay_domain::ids::{DeploymentId, NodeId};
use myrelay_server::{
    authority::Authority,
    context::{Clock, Random},
};
use rustls_pki_types::{CertificateDer, pem::PemObject};

/// What the requests in the corpus ask for, and no certificate must have.
const ASKED_FOR: [&[u8]; 3] = [b"evil.example", b"spiffe://evil", b"CN=evil"];
const NOW: i64 = 1_773_999_000_000;

struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        NOW
    }
}

impl Random for Still {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(5);
    }
}

static AUTHORITY: LazyLock<(Authority, DeploymentId, NodeId)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder of our own");
    let deployment = format!("dep_{:032x}", 1).parse().expect("an id");
    let node = format!("node_{:032x}", 2).parse().expect("an id");
    let authority =
        Authority::load_or_create(&folder.path().join("ca"), deployment, &Still, &Still);
    (authority.expect("an authority"), deployment, node)
});

pub(crate) fn run(input: &[u8]) -> bool {
    let body = BASE64_STANDARD.encode(input);
    let issued = certify(&format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n"
    ));
    std::str::from_utf8(input).is_ok_and(certify) || issued
}

fn certify(pem: &str) -> bool {
    let (authority, deployment, node) = &*AUTHORITY;
    let issued = match authority.issue_node(pem, *node, *deployment, NOW, [3; 16]) {
        Ok(issued) => issued,
        Err(error) => {
            assert!(
                matches!(error, myrelay_server::Error::Invalid { field: "csr_pem", .. }),
                "{error}"
            );
            return false;
        }
    };
    assert!(pem.len() <= 8 * 1024, "a request of {} bytes was looked at", pem.len());
    assert_eq!(issued.not_after_ms, NOW + 24 * 3600 * 1000);
    let der = CertificateDer::from_pem_slice(issued.certificate_pem.as_bytes());
    let der = der.expect("what we issue parses");
    assert_eq!(myrelay_server::authority::key_hash(&der), Some(issued.key_hash));
    let has = |part: &[u8]| der.windows(part.len()).any(|it| it == part);
    assert!(has(format!("spiffe://{deployment}/node/{node}").as_bytes()));
    for asked in ASKED_FOR {
        assert!(!has(asked), "{}", String::from_utf8_lossy(asked));
    }
    true
}
