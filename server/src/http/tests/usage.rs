//! What nodes say that their pods moved, at the node listener's door.

use serde_json::{Value, json};

use super::{Browser, Portal};
use crate::testing::BEGIN;

/// A customer's pod on a node, and the node's agent at the door.
async fn agent(portal: &Portal) -> (String, Browser) {
    let (_, certificate) = super::authorisation::certified(portal, "Berlin").await;
    let pod = portal.world.customer("ana").await.pod("Berlin").await;
    let mut agent = Browser::at(&portal.nodes);
    agent.certificate = Some(certificate);
    (pod.to_string(), agent)
}

fn report(records: &[Value]) -> Value {
    json!({ "counter": "0123456789abcdef0123456789abcdef", "records": records })
}

#[tokio::test]
async fn a_node_reports_and_the_owner_sees_it() {
    let portal = Portal::open().await;
    let (pod, mut agent) = agent(&portal).await;
    let record = json!({ "pod": pod, "hour_ms": BEGIN, "received": 1_500, "sent": 2_500_000 });
    for _ in 0..2 {
        let answer = agent.call("/v1/usage", &report(std::slice::from_ref(&record))).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{}", answer.text());
    }
    let mut ana = portal.signed_in("ana").await;
    let page = ana.get(&format!("/pods/{pod}/usage")).await.text();
    for words in ["2.5\u{a0}MB", "1.5\u{a0}kB", "used this month", "Show as a table"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = ana.get(&format!("/pods/{pod}")).await.text();
    assert!(page.contains("2.5\u{a0}MB used this month"), "{page}");
}

/// Devices, handshakes, addresses, destinations: there is no field for any of them.
#[tokio::test]
async fn p12_p46_nothing_finer_than_a_pod_and_an_hour_is_taken() {
    let portal = Portal::open().await;
    let (pod, mut agent) = agent(&portal).await;
    let record = json!({ "pod": pod, "hour_ms": BEGIN, "received": 1, "sent": 1 });
    for field in ["peer", "public_key", "address", "destination", "port", "handshake", "minute"] {
        let mut more = record.clone();
        more[field] = json!("x");
        assert_eq!(agent.call("/v1/usage", &report(&[more])).await.status, 422, "{field}");
        let mut more = report(std::slice::from_ref(&record));
        more[field] = json!("x");
        assert_eq!(agent.call("/v1/usage", &more).await.status, 422, "{field}");
    }
    let mut minute = record.clone();
    minute["hour_ms"] = json!(BEGIN + 60_000);
    assert_eq!(agent.call("/v1/usage", &report(&[minute])).await.status, 422);
    assert_eq!(agent.call("/v1/usage", &report(&[record])).await.status, 204);
}

#[tokio::test]
async fn a_report_of_2000_records_is_taken_and_more_are_not() {
    let portal = Portal::open().await;
    let (pod, mut agent) = agent(&portal).await;
    let record = |hour: i64| {
        let hour_ms = BEGIN + (hour % 48) * 3_600_000;
        json!({ "pod": pod, "hour_ms": hour_ms, "received": 1_000_000_000_000_u64, "sent": hour })
    };
    let most: Vec<Value> = (0..2000).map(record).collect();
    let answer = agent.call("/v1/usage", &report(&most)).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    let more: Vec<Value> = (0..2001).map(record).collect();
    let answer = agent.call("/v1/usage", &report(&more)).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("at most 2000"), "{}", answer.text());
}
