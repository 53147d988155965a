//! A node's stream at its door: it starts at once, and ends when the node or the portal does.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use myrelay_app::contract::{NodeContract, RetireNode};
use myrelay_node_protocol::{NODE_RETIRED, StateMessage};
use tokio::time::timeout;

use super::{Browser, Portal, authorisation::certified};

const PATIENCE: Duration = Duration::from_secs(5);

async fn open(portal: &Portal, name: &str) -> (String, Body) {
    let (node, certificate) = certified(portal, name).await;
    (node, open_as(portal, certificate).await)
}

async fn open_as(portal: &Portal, certificate: Arc<[u8]>) -> Body {
    let mut agent = Browser::at(&portal.nodes);
    agent.certificate = Some(certificate);
    let request =
        Request::get("/v1/state?epoch=0&have=0&instance=00112233445566778899aabbccddeeff")
            .body(Body::empty())
            .unwrap();
    let (status, headers, mut body) = agent.open(request).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/x-ndjson");
    let first = timeout(PATIENCE, body.frame()).await.unwrap().unwrap().unwrap();
    let line = first.into_data().unwrap();
    assert!(line.ends_with(b"\n"));
    let message: StateMessage = serde_json::from_slice(&line).unwrap();
    assert!(matches!(message, StateMessage::Snapshot { .. }));
    body
}

async fn ends(body: Body) {
    timeout(PATIENCE, body.collect()).await.expect("the stream ends").unwrap();
}

#[tokio::test]
async fn retiring_a_node_closes_its_stream_and_refuses_its_certificate() {
    let portal = Portal::open().await;
    let (node, certificate) = certified(&portal, "Berlin").await;
    let body = open_as(&portal, certificate.clone()).await;
    let operator = portal.world.operator("olga").await;
    operator.api().retire_node(&node, RetireNode::default()).await.unwrap();
    ends(body).await;
    let mut agent = Browser::at(&portal.nodes);
    agent.certificate = Some(certificate);
    let answer =
        agent.get("/v1/state?epoch=0&have=0&instance=00112233445566778899aabbccddeeff").await;
    assert_eq!(answer.status, 410, "an agent that hears this takes its pods down");
    assert!(answer.text().contains(NODE_RETIRED), "{}", answer.text());
}

#[tokio::test]
async fn a_portal_that_stops_ends_its_streams() {
    let portal = Portal::open().await;
    let (_, body) = open(&portal, "Berlin").await;
    portal.stopping.cancel();
    ends(body).await;
}

#[tokio::test]
async fn a_stream_without_a_place_to_go_on_from_is_refused() {
    let portal = Portal::open().await;
    let (_, certificate) = certified(&portal, "Berlin").await;
    let mut agent = Browser::at(&portal.nodes);
    agent.certificate = Some(certificate);
    let run = "instance=00112233445566778899aabbccddeeff";
    for query in [
        String::new(),
        format!("?epoch=1&{run}"),
        format!("?epoch=-1&have=0&{run}"),
        "?epoch=1&have=0".to_owned(),
        "?epoch=1&have=0&instance=me".to_owned(),
        format!("?epoch=1&have=0&{run}&node=x"),
    ] {
        let answer = agent.get(&format!("/v1/state{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
    }
}
