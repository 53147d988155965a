//! What monitors read, and that it is on its own door only.

use myrelay_plugin_host::types::ErrorKind;

use super::{Browser, Portal, authorisation::certified};

#[tokio::test]
async fn a_monitor_reads_every_nodes_state_on_its_own_door() {
    let portal = Portal::open().await;
    certified(&portal, "Berlin").await;
    let answer = Browser::at(&portal.monitors).get("/metrics").await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert!(text.contains("# TYPE myrelay_node_in_contact gauge\n"), "{text}");
    assert!(text.contains("myrelay_node_in_contact{node=\"Berlin\"} 0\n"), "{text}");
    assert!(text.contains("myrelay_node_pods{node=\"Berlin\"} 0\n"), "{text}");
    assert!(text.contains("myrelay_node_certificate_end_seconds{node=\"Berlin\"} "), "{text}");
    assert!(!text.contains("last_contact_seconds{"), "it was never heard: {text}");

    portal.world.plugin("dev.example.one", &["account.created.v1"]).await;
    portal.world.customer("ana").await;
    portal.world.host.fails(ErrorKind::Unavailable);
    crate::deliveries::round(&portal.world.context).await.unwrap();
    let text = Browser::at(&portal.monitors).get("/metrics").await.text();
    for line in ["enabled", "failures", "events_waiting"] {
        let line = format!("myrelay_plugin_{line}{{plugin=\"dev.example.one\"}} 1\n");
        assert!(text.contains(&line), "{line}{text}");
    }

    assert_eq!(Browser::at(&portal.monitors).get("/").await.status, 404);
    assert_eq!(portal.browser().get("/metrics").await.status, 404, "not on the site");
    assert_eq!(Browser::at(&portal.nodes).get("/metrics").await.status, 404, "nor for nodes");
}
