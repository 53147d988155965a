//! What is made on the node stays on the node.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{path::Path, sync::atomic::Ordering};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE},
};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use support::{
    eventually,
    machine::Machine,
    pods::{pod_id, state},
    portal::Portal,
};

const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;

/// The node's private scalar: in PKCS #8 (RFC 5208) an ECPrivateKey (RFC 5915) of version 1.
fn node_key(state_dir: &Path) -> Vec<u8> {
    let file = std::fs::read(state_dir.join("identity.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let pem = file["key_pem"].as_str().unwrap().as_bytes();
    let PrivateKeyDer::Pkcs8(key) = PrivateKeyDer::from_pem_slice(pem).unwrap() else {
        panic!("a PKCS #8 key")
    };
    let key = key.secret_pkcs8_der();
    let start = key.windows(5).position(|it| it == [2, 1, 1, 4, 32]).unwrap() + 5;
    key[start..start + 32].to_vec()
}

fn pod_key(state_dir: &Path, pod: u32) -> Vec<u8> {
    let text = std::fs::read_to_string(state_dir.join(format!("keys/{}", pod_id(pod)))).unwrap();
    BASE64_STANDARD.decode(text.trim()).unwrap()
}

/// The secret as bytes, as hexadecimal and as base64, wherever in a longer text it may stand.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|it| format!("{it:02x}")).collect();
    let mut all = vec![secret.to_vec(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    for before in 0..3 {
        let shifted = [&vec![0; before], secret].concat();
        for engine in [BASE64_STANDARD, BASE64_URL_SAFE] {
            // Without the characters that neighbours have a part in.
            let text = engine.encode(&shifted);
            all.push(text.as_bytes()[4..40].to_vec());
        }
    }
    all
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    spellings(secret).iter().any(|it| bytes.windows(it.len()).any(|part| part == it))
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let secret: Vec<u8> = (100..132).collect();
    assert_eq!(secret.len(), 32);
    for before in 0..4 {
        let longer = [&vec![9; before], &secret[..], &[9; 5]].concat();
        assert!(holds(&longer, &secret));
        assert!(holds(BASE64_STANDARD.encode(&longer).as_bytes(), &secret));
        assert!(holds(BASE64_URL_SAFE.encode(&longer).as_bytes(), &secret));
    }
    assert!(!holds(&[9; 100], &secret));
}

#[tokio::test]
async fn p06_no_private_key_of_the_node_or_its_pods_is_ever_sent() {
    let portal = Portal::start().await;
    portal.records().node_years = (2020, 2040);
    portal.set(state(1, &[(1, 2), (2, 1)]));
    let mut machine = Machine::joined(&portal).await;
    let first = node_key(&machine.state_dir());
    machine.start();
    machine.has(&[(1, 2), (2, 1)]).await;
    portal.records().node_years = (2020, 2100);
    machine.clock.moved_ms.store(10 * YEAR_MS, Ordering::SeqCst);
    eventually("the certificate is renewed", || node_key(&machine.state_dir()) != first).await;
    portal.want(state(2, &[(1, 2), (2, 2)]));
    machine.has(&[(1, 2), (2, 2)]).await;
    eventually("it is reported", || {
        portal.records().observed.last().is_some_and(|it| it.generation.0 == 2)
    })
    .await;
    machine.stop().await;

    let dir = machine.state_dir();
    let received = portal.records().received.clone();
    let text = String::from_utf8_lossy(&received);
    assert!(text.contains("BEGIN CERTIFICATE REQUEST") && text.contains("/v1/renew"));
    assert!(text.contains(&machine.public_key(1)), "the public half is sent");
    for secret in [first, node_key(&dir), pod_key(&dir, 1), pod_key(&dir, 2)] {
        assert!(!holds(&received, &secret));
    }
    let status = std::fs::read(dir.join("status.json")).unwrap();
    assert!(!holds(&status, &pod_key(&dir, 1)));
}

#[tokio::test]
async fn p07_a_pods_key_survives_restarts_and_a_new_pod_has_a_new_one() {
    let portal = Portal::start().await;
    portal.set(state(1, &[(1, 2), (2, 1)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    machine.has(&[(1, 2), (2, 1)]).await;
    let keys = [machine.public_key(1), machine.public_key(2)];
    assert_ne!(keys[0], keys[1], "every pod has a key of its own");
    machine.stop().await;

    let mut machine = machine.rebooted();
    machine.start();
    machine.has(&[(1, 2), (2, 1)]).await;
    assert_eq!([machine.public_key(1), machine.public_key(2)], keys);

    portal.want(state(2, &[(2, 1)]));
    machine.has(&[(2, 1)]).await;
    let file = machine.state_dir().join(format!("keys/{}", pod_id(1)));
    eventually("the key is deleted", || !file.exists()).await;
    portal.want(state(3, &[(1, 2), (2, 1)]));
    machine.has(&[(1, 2), (2, 1)]).await;
    assert_ne!(machine.public_key(1), keys[0]);
    assert_eq!(machine.public_key(2), keys[1]);
    machine.stop().await;
}
