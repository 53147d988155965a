//! What monitors read, and that it is on its own door only.

use myrelay_app::contract::PluginContract as _;
use myrelay_plugin_host::{
    Answer, Failure, HttpTrace, LimitName, Outcome, Refusal, Used, types::ErrorKind,
};

use super::{Browser, Portal, authorisation::certified};
use crate::plugins::testing;

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

/// A request of a plugin, and what came of it.
fn request(url: &str, result: Result<u16, &str>, refusal: Option<Refusal>) -> HttpTrace {
    HttpTrace {
        url: url.to_owned(),
        sent: result.is_ok(),
        result: result.map_err(str::to_owned),
        refusal,
        ..HttpTrace::unrecorded("POST", "")
    }
}

/// The next event costs this, and comes to this.
fn costs(portal: &Portal, result: Result<Answer, Failure>, http: Vec<HttpTrace>) {
    let used =
        Used { cpu_us: 1_500_000, wall_us: 2_000_000, memory_peak: 3 << 20, http_requests: 1 };
    portal.world.host.answers(move |_| Outcome { used, http, ..testing::with(result, Vec::new()) });
}

#[tokio::test]
async fn a_monitor_reads_what_plugins_did_and_nothing_of_whom_it_was_about() {
    let portal = Portal::open().await;
    let world = &portal.world;
    world.plugin("dev.example.one", &["account.created.v1"]).await;
    let secret = "https://api.example.org/hush-hush/ana@example.org";
    let http = vec![
        request(secret, Ok(204), None),
        request(secret, Ok(503), None),
        request(secret, Err("no answer in time"), None),
        request("https://ana.example.net/", Err("not granted"), Some(Refusal::Grant)),
    ];
    let cpu = Failure::Limit { name: LimitName::Cpu, detail: "1000 ms".to_owned() };
    let trap = Failure::Trap { what: "unreachable".to_owned(), backtrace: String::new() };
    costs(&portal, Ok(Answer::Done), http);
    costs(&portal, Err(cpu), Vec::new());
    costs(&portal, Err(trap), Vec::new());
    world.host.fails(ErrorKind::Denied);
    for name in ["ana", "bob", "eve", "zoe", "max"] {
        world.customer(name).await;
    }
    while crate::deliveries::round(&world.context).await.unwrap() {}

    let text = Browser::at(&portal.monitors).get("/metrics").await.text();
    let one = "plugin=\"dev.example.one\"";
    let event = format!("{one},call=\"events.handle\"");
    for line in [
        format!("calls_total{{{event},outcome=\"ok\"}} 2"),
        format!("calls_total{{{event},outcome=\"cpu\"}} 1"),
        format!("calls_total{{{event},outcome=\"trap\"}} 1"),
        format!("calls_total{{{event},outcome=\"denied\"}} 1"),
        format!("calls_total{{{one},call=\"activate\",outcome=\"ok\"}} 1"),
        format!("call_seconds_count{{{event}}} 5"),
        format!("call_seconds_bucket{{{event},le=\"+Inf\"}} 5"),
        format!("calls_in_flight{{{one}}} 0"),
        format!("cpu_seconds_total{{{one}}} 4.500000"),
        format!("memory_peak_bytes{{{one}}} 3145728"),
        format!("http_requests_total{{{one},host=\"api.example.org\",status=\"2xx\"}} 1"),
        format!("http_requests_total{{{one},host=\"api.example.org\",status=\"5xx\"}} 1"),
        format!("http_requests_total{{{one},host=\"api.example.org\",status=\"unsent\"}} 1"),
        format!("http_denied_total{{{one},rule=\"grant\"}} 1"),
        format!("effects_refused_total{{{one}}} 0"),
        format!("resting{{{one}}} 0"),
        "host_starts_total 0".to_owned(),
    ] {
        assert!(text.contains(&format!("\nmyrelay_plugin_{line}\n")), "{line}: {text}");
    }
    for form in ["calls_total counter", "call_seconds histogram", "calls_in_flight gauge"] {
        assert!(text.contains(&format!("# TYPE myrelay_plugin_{form}\n")), "{form}: {text}");
    }
    for private in ["hush", "ana", "acct_", "unreachable", "example.net"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
    // Two of them are to be tried again, and wait since they were made.
    let waiting = format!("\nmyrelay_plugin_events_waiting{{{one}}} 2\n");
    let since = crate::testing::BEGIN / 1000;
    let since = format!("\nmyrelay_plugin_oldest_event_seconds{{{one}}} {since}\n");
    assert!(text.contains(&waiting) && text.contains(&since), "{text}");
}

#[tokio::test]
async fn what_was_counted_goes_with_its_plugin() {
    let portal = Portal::open().await;
    let olga = portal.world.operator("olga").await;
    let id = portal.world.plugin("dev.example.one", &["account.created.v1"]).await.to_string();
    let read = async || Browser::at(&portal.monitors).get("/metrics").await.text();
    assert!(read().await.contains("plugin=\"dev.example.one\""));
    olga.api().remove_plugin(&id, false).await.unwrap();
    assert!(!read().await.contains("dev.example.one"));
    portal.world.plugin("dev.example.one", &["account.created.v1"]).await;
    let again = "calls_total{plugin=\"dev.example.one\",call=\"activate\",outcome=\"ok\"} 1\n";
    assert!(read().await.contains(again));
}
