//! What the cookbook shows does what it says there.

use std::io::Write as _;

use myrelay_plugin_host::{
    Answer, Call, Failure, Grants, KvChange, KvCondition, KvWrite, Outcome, types::ErrorKind,
};
use serde_json::json;

use crate::{
    server::{Server, ok},
    stage::{Stage, deed_call, is_done},
};

const MANIFEST: &str = include_str!("../../../../plugins/samples/recipes/plugin.toml");
const TOLD: &str = "told/peer.added.v1";

/// The sample, granted this server; none where no plugins were built.
async fn stage(server: &Server) -> Option<Stage> {
    let port = server.address.port();
    let mut stage = Stage::new();
    stage.secret("token", "token-0123456789");
    let grants: Grants = serde_json::from_value(json!({
        "kv": true,
        "http": [{
            "scheme": "http", "host": "127.0.0.1", "port": port, "methods": ["GET"],
            "path_prefix": "/v1/", "private": [format!("127.0.0.1/32:{port}")],
        }],
        "secrets": [{
            "name": "token",
            "allowed": { "http": { "host": "127.0.0.1", "places": ["auth"] } },
        }],
    }))
    .unwrap();
    let manifest = MANIFEST.replace("port = 8025", &format!("port = {port}"));
    stage.install("recipes", &manifest, grants).await.unwrap().then_some(stage)
}

fn config(server: &Server) -> String {
    json!({ "url": server.url("") }).to_string()
}

fn kind(outcome: &Outcome) -> ErrorKind {
    match &outcome.result {
        Err(Failure::Reported(error)) => error.kind,
        other => panic!("it reported nothing: {other:?}"),
    }
}

fn put(key: &str, text: &str) -> KvChange {
    let write = KvWrite::Put { value: text.as_bytes().to_vec(), version: 1, expires_at_ms: None };
    KvChange { key: key.to_owned(), condition: KvCondition::Any, write }
}

#[tokio::test]
async fn what_is_counted_at_the_same_time_is_counted_once_each() {
    let server = Server::saying("{}");
    let Some(stage) = stage(&server).await else { return };
    let event = || stage.call(deed_call("peer.added.v1", "{}"), "{}");
    // Both read that nothing was counted. Each says that this has to be so when it is written.
    let (one, other) = (event().await, event().await);
    for outcome in [&one, &other] {
        assert!(is_done(outcome), "{:?}", outcome.result);
        assert_eq!(outcome.kv[0].condition, KvCondition::Version(None));
    }
    stage.store.apply(&one.kv);
    // Who came second is called again.
    let again = event().await;
    assert!(matches!(again.kv[0].condition, KvCondition::Version(Some(_))));
    stage.store.apply(&again.kv);
    assert_eq!(stage.store.get(TOLD), Some(b"2".to_vec()));
}

#[tokio::test]
async fn a_job_goes_on_where_the_last_run_was() {
    let server = Server::start(|request, stream| {
        let answer = if request.contains("since=9") {
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
                .to_owned()
        } else if request.contains("since=7") {
            ok(r#"{"changes":[],"next":"9"}"#)
        } else {
            ok(r#"{"changes":[{"what":"tea"}],"next":"7"}"#)
        };
        stream.write_all(answer.as_bytes())
    });
    let Some(stage) = stage(&server).await else { return };
    let config = config(&server);
    let run = || stage.call(Call::Job("poll".to_owned()), &config);
    let first = run().await;
    assert!(is_done(&first), "{:?}", first.result);
    assert_eq!(first.logs[0].fields, [("what".to_owned(), "tea".to_owned())]);
    // What did not count is asked for again.
    assert!(is_done(&run().await));
    stage.store.apply(&first.kv);
    let second = run().await;
    stage.store.apply(&second.kv);
    let limited = run().await;
    assert_eq!(kind(&limited), ErrorKind::RateLimited);
    assert!(
        matches!(&limited.result, Err(Failure::Reported(it)) if it.retry_after_ms == Some(7000))
    );
    let asked = server.asked();
    let since = |it: &String| it.split(' ').nth(1).unwrap().to_owned();
    let since: Vec<String> = asked.iter().map(since).collect();
    let path = "/v1/changes?since=";
    assert_eq!(since, ["", "", "7", "9"].map(|it| format!("{path}{it}")));
    assert!(asked[0].to_lowercase().contains("authorization: bearer token-0123456789"));
}

#[tokio::test]
async fn what_an_earlier_version_remembered_is_brought_over() {
    let server = Server::saying("{}");
    let Some(stage) = stage(&server).await else { return };
    stage.store.apply(&[put("told", "41")]);
    let from = |version: &str| Call::Migrate { from_version: version.to_owned() };
    let unknown = stage.call(from("0.3.0"), "{}").await;
    assert_eq!((kind(&unknown), unknown.kv.len()), (ErrorKind::Conflict, 0));
    let brought = stage.call(from("0.1.0"), "{}").await;
    assert!(is_done(&brought), "{:?}", brought.result);
    stage.store.apply(&brought.kv);
    assert_eq!(stage.store.get("told"), None);
    assert_eq!(stage.store.get("told/before"), Some(b"41".to_vec()));
    // What stays in the versions to come lets them take the place of this one, and skip some.
    for (known, writes) in [("0.1.9", 2), ("0.2.0-beta.1", 0), ("0.2.0", 0)] {
        stage.store.apply(&[put("told", "42")]);
        let taken = stage.call(from(known), "{}").await;
        assert!(is_done(&taken), "{known}: {:?}", taken.result);
        assert_eq!(taken.kv.len(), writes, "{known}");
    }
    for later in ["0.2.1", "0.10.0", "1.0.0"] {
        assert_eq!(kind(&stage.call(from(later), "{}").await), ErrorKind::Conflict, "{later}");
    }
}

#[tokio::test]
async fn its_operator_reads_what_is_wrong() {
    let server = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    });
    let Some(stage) = stage(&server).await else { return };
    let candidate = json!({ "url": "https://tea.example/v1" }).to_string();
    let outcome = stage.call(Call::ValidateConfig(candidate), "{}").await;
    let Ok(Answer::Problems(problems)) = outcome.result else { panic!("{:?}", outcome.result) };
    assert_eq!((problems.len(), problems[0].path.as_str()), (1, "/url"));
    let activated = stage.call(Call::Activate { webhook_url: None }, &config(&server)).await;
    assert_eq!(kind(&activated), ErrorKind::InvalidConfig);
}
