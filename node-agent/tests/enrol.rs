//! A machine becomes a node: with the right line, at the right portal, once.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::sync::atomic::Ordering;

use myrelay_agent::{enrol::JoinError, link::LinkError};
use myrelay_node_protocol::JoinToken;
use support::{
    authority::{Authority, Presented},
    machine::Machine,
    pods::state,
    portal::Portal,
};

const YEAR_MS: i64 = 365 * 24 * 3600 * 1000;

/// The link error of a join that failed, and its words.
async fn failure(machine: &Machine, portal: &Portal, token: JoinToken) -> (LinkError, String) {
    match machine.join(portal, token, false).await {
        Err(JoinError::Link(error)) => {
            let words = error.to_string();
            (error, words)
        }
        Err(other) => panic!("{other}"),
        Ok(node) => panic!("joined as {node}"),
    }
}

#[tokio::test]
async fn a_machine_becomes_the_node_of_its_line() {
    let portal = Portal::start().await;
    let machine = Machine::new();
    let token = portal.invite();
    let asked = token.node;
    assert_eq!(machine.join(&portal, token, false).await.unwrap(), asked);
    assert_eq!(portal.records().requests, ["POST /enrol"]);
    assert_eq!(portal.records().certificates, [None], "it has none yet");
}

#[tokio::test]
async fn a_used_an_expired_and_an_unknown_token_are_told_apart() {
    let portal = Portal::start().await;
    let used = portal.invite();
    let again: JoinToken = used.expose().parse().unwrap();
    Machine::new().join(&portal, used, false).await.unwrap();
    let expired = portal.invite();
    portal.spoil(&expired, "token_expired");
    let mut unknown = portal.invite();
    unknown.secret = myrelay_domain::token::Token::from_random([99; 32]);
    for (token, code) in
        [(again, "token_used"), (expired, "token_expired"), (unknown, "token_unknown")]
    {
        let (_, words) = failure(&Machine::new(), &portal, token).await;
        let told = format!("the portal refused: refused because of {code} ({code}, 403 Forbidden)");
        assert_eq!(words, told);
    }
}

#[tokio::test]
async fn a_node_stays_what_it_is_unless_told_otherwise() {
    let portal = Portal::start().await;
    let mut machine = Machine::joined(&portal).await;
    let token = portal.invite();
    let line = token.expose();
    let refused = machine.join(&portal, token, false).await;
    assert!(matches!(refused, Err(JoinError::Already(_))));
    assert_eq!(portal.records().requests.len(), 1, "the second token is not used up");

    portal.set(state(3, &[(1, 2)]));
    machine.start();
    machine.has(&[(1, 2)]).await;
    let running = machine.join(&portal, line.parse().unwrap(), true).await;
    assert!(matches!(running, Err(JoinError::File(_))), "not under a running agent");
    machine.stop().await;

    let counted = machine.state_dir().join("usage.json");
    assert!(counted.exists());
    machine.join(&portal, line.parse().unwrap(), true).await.unwrap();
    assert!(!counted.exists(), "the other node would tell the same hours as its own");
    portal.set(state(1, &[(2, 1)]));
    machine.start();
    machine.has(&[(2, 1)]).await;
    machine.stop().await;
}

#[tokio::test]
async fn a_node_that_joins_again_keeps_its_pods() {
    let portal = Portal::start().await;
    portal.set(state(3, &[(1, 2)]));
    let mut machine = Machine::joined(&portal).await;
    machine.start();
    machine.has(&[(1, 2)]).await;
    let key = machine.public_key(1);
    machine.stop().await;
    machine.join(&portal, portal.invite_again(), true).await.unwrap();
    assert!(machine.state_dir().join("usage.json").exists(), "it goes on counting");
    let mut machine = machine.rebooted();
    machine.start();
    machine.has(&[(1, 2)]).await;
    assert_eq!(machine.public_key(1), key);
    machine.stop().await;
}

#[tokio::test]
async fn p15_an_impostor_gets_nothing() {
    let portal = Portal::start().await;
    let impostor = Portal::start().await;
    let (error, words) = failure(&Machine::new(), &impostor, portal.invite()).await;
    assert!(matches!(error, LinkError::Impostor), "{error}");
    assert!(words.contains("Nothing was sent"));
    assert!(impostor.records().received.is_empty(), "no byte of the token left the machine");
}

#[tokio::test]
async fn p15_a_portal_of_the_right_ca_that_is_not_right_is_refused() {
    let words = [
        "does not name 127.0.0.1",
        "check the clocks",
        "check the clocks",
        "no TLS 1.3 connection",
        "no TLS 1.3 connection",
    ];
    for (presented, words) in Presented::wrong().into_iter().zip(words) {
        let portal = Portal::presenting(Authority::new(), &presented).await;
        let (_, told) = failure(&Machine::new(), &portal, portal.invite()).await;
        assert!(told.contains(words), "{told}");
        assert!(portal.records().received.is_empty(), "{told}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named() {
    let portal = Portal::start().await;
    let machine = Machine::new();
    machine.clock.moved_ms.store(-20 * YEAR_MS, Ordering::SeqCst);
    let (error, words) = failure(&machine, &portal, portal.invite()).await;
    assert!(matches!(error, LinkError::Clock(_)), "{words}");
}

#[tokio::test]
async fn nobody_at_the_address_is_said_so() {
    let mut portal = Portal::start().await;
    portal.stop().await;
    let (error, words) = failure(&Machine::new(), &portal, portal.invite()).await;
    assert!(matches!(error, LinkError::Unreachable(_)));
    assert!(words.contains(&portal.url()), "{words}");
}
