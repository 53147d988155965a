//! Plugins against the machine: each limit is violated, and the call dies with its name.

use std::{sync::Arc, time::Duration};

use myrelay_plugin_host::{Call, Failure, Grants, KvCondition, KvWrite, LimitName, Limits};

use crate::stage::{Stage, deed_call, died_of, is_done, told};

pub(crate) const MANIFEST: &str = include_str!("../../../../plugins/samples/hostile/plugin.toml");

/// Everything that it imports, and no host.
pub(crate) fn grants() -> Grants {
    serde_json::from_value(serde_json::json!({
        "kv": true,
        "crypto": true,
        "http": [{ "scheme": "https", "host": "nowhere.example", "port": 443, "methods": ["GET"],
            "path_prefix": "/" }],
        "secrets": [{ "name": "key", "allowed": "hmac" }],
    }))
    .unwrap()
}

async fn hostile() -> Option<Stage> {
    hostile_on(Stage::new()).await
}

pub(crate) async fn hostile_on(stage: Stage) -> Option<Stage> {
    stage.install("hostile", MANIFEST, grants()).await.unwrap().then_some(stage)
}

#[tokio::test]
async fn every_limit_of_the_machine_ends_a_call_by_its_name() {
    let Some(stage) = hostile().await else { return };
    let deeds = [
        ("spin", LimitName::Cpu),
        ("spin-mid-write", LimitName::Cpu),
        ("recurse", LimitName::Stack),
        ("grow", LimitName::Memory),
        ("huge-string", LimitName::Hostcall),
        ("many-fields", LimitName::Hostcall),
        ("random", LimitName::Random),
    ];
    for (deed, limit) in deeds {
        let outcome = stage.misdeed(&format!("machine:{deed}"), "").await;
        assert_eq!(died_of(&outcome), limit, "{deed}");
        assert!(outcome.used.memory_peak <= 64 << 20, "{deed}: {:?}", outcome.used);
    }
    let used = stage.misdeed("machine:spin", "").await.used;
    assert!(1_000_000 <= used.cpu_us, "the whole budget was its own: {used:?}");
    // And after all of that the next call is as good as the first.
    assert!(is_done(&stage.misdeed("machine:write", "1").await));
}

#[tokio::test]
async fn what_an_operator_sets_counts_from_the_next_call_on() {
    let Some(mut stage) = hostile().await else { return };
    let usual = stage.limits;
    stage.limits =
        Limits { cpu_ms: Some(200), memory_bytes: 8 << 20, kv_bytes: 100 << 10, ..usual };
    let stage = hostile_on(stage).await.unwrap();
    let spun = stage.misdeed("machine:spin", "").await;
    assert_eq!(died_of(&spun), LimitName::Cpu);
    assert!((200_000..1_000_000).contains(&spun.used.cpu_us), "{:?}", spun.used);
    let grown = stage.misdeed("machine:grow", "").await;
    assert_eq!(died_of(&grown), LimitName::Memory);
    assert!(grown.used.memory_peak <= 8 << 20, "{:?}", grown.used);
    let kept = stage.misdeed("machine:keys", "").await;
    assert!(kept.logs.iter().any(|it| it.fields[0].1.contains("102400 bytes")), "{:?}", kept.logs);
    let mut stage = stage;
    stage.limits = Limits { wall_ms: Some(100), ..usual };
    let stage = hostile_on(stage).await.unwrap();
    assert_eq!(died_of(&stage.misdeed("machine:spin", "").await), LimitName::Wall);
}

#[tokio::test]
async fn an_endless_loop_dies_in_every_engine() {
    for _ in 0..2 {
        let Some(stage) = hostile().await else { return };
        assert_eq!(died_of(&stage.misdeed("machine:spin", "").await), LimitName::Cpu);
    }
}

#[tokio::test]
async fn a_flood_of_logs_is_dropped_counted_and_at_last_ended() {
    let Some(stage) = hostile().await else { return };
    let outcome = stage.misdeed("machine:log", "5000").await;
    assert!(is_done(&outcome));
    assert_eq!((outcome.logs.len(), outcome.logs_dropped), (100, 4900));
    for line in &outcome.logs {
        assert!(!line.message.chars().any(char::is_control), "{:?}", line.message);
    }
    assert_eq!(died_of(&stage.misdeed("machine:log", "50000").await), LimitName::Log);
    let outcome = stage.misdeed("machine:long-lines", "").await;
    let bytes: usize = outcome.logs.iter().map(|it| it.message.len()).sum();
    assert!(outcome.logs.iter().all(|it| it.message.len() <= 2048) && bytes <= 16 * 1024);
    assert!(0 < outcome.logs_dropped);
}

#[tokio::test]
async fn what_does_not_end_well_leaves_nothing_behind() {
    let Some(stage) = hostile().await else { return };
    let outcome = stage.misdeed("machine:trap-mid-write", "").await;
    assert!(matches!(outcome.result, Err(Failure::Trap { .. })), "{:?}", outcome.result);
    assert!(outcome.kv.is_empty());
    assert_eq!(outcome.logs[0].message, "two of three");
    let outcome = stage.misdeed("machine:error-mid-write", "").await;
    assert_eq!(told(&outcome), "changed my mind");
    assert!(outcome.kv.is_empty());

    let outcome = stage.misdeed("machine:write", "1").await;
    let [change] = &outcome.kv[..] else { panic!("{:?}", outcome.kv) };
    assert_eq!((change.key.as_str(), change.condition), ("a", KvCondition::Any));
    assert!(matches!(&change.write, KvWrite::Put { value, .. } if value == b"1"));
    // Only what is applied is there for the next call.
    assert_eq!(told(&stage.misdeed("machine:peek", "").await), "[]");
    stage.store.apply(&outcome.kv);
    assert_eq!(told(&stage.misdeed("machine:peek", "").await), "[\"a\"]");
}

#[tokio::test]
async fn a_panic_is_told_in_the_log() {
    let Some(stage) = hostile().await else { return };
    let outcome = stage.misdeed("machine:panic", "").await;
    let Err(Failure::Trap { backtrace, .. }) = &outcome.result else { panic!("{outcome:?}") };
    assert!(backtrace.contains("handle"), "{backtrace}");
    assert!(outcome.logs[0].message.contains("on purpose"), "{:?}", outcome.logs);
}

#[tokio::test]
async fn every_limit_of_the_store_says_which_it_is() {
    let Some(stage) = hostile().await else { return };
    let outcome = stage.misdeed("machine:keys", "").await;
    assert!(is_done(&outcome), "{:?}", outcome.result);
    let whys: Vec<&str> = outcome.logs.iter().map(|it| it.fields[0].1.as_str()).collect();
    let expected =
        ["InvalidKey", "InvalidKey", "InvalidKey", "65536", "VersionMismatch", "", "100"];
    assert_eq!(whys.len(), expected.len(), "{whys:?}");
    for (why, expected) in whys.iter().zip(expected) {
        assert!(why.contains(expected), "{why}");
    }
    // 95 writes of 60 KiB are the operations of a call, before the room of an installation.
    assert!(whys[5].contains("100 reads and writes"), "{}", whys[5]);
}

/// Plugins that spin share two threads of their own: who is not a plugin does not wait for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_are_dropped_end() {
    let Some(stage) = hostile().await else { return };
    let stage = Arc::new(stage);
    for _ in 0..200 {
        let request = stage.request(deed_call("machine:spin", ""), "{}");
        let call = stage.host.call(request, stage.store.clone());
        let dropped = tokio::time::timeout(Duration::from_millis(1), call).await;
        let busy = matches!(&dropped, Ok(it) if matches!(it.result, Err(Failure::Busy(_))));
        assert!(dropped.is_err() || busy);
    }
    // None of them holds a place any more, once the rate allows another call.
    loop {
        let outcome = stage.misdeed("machine:write", "1").await;
        if !matches!(outcome.result, Err(Failure::Busy(_))) {
            assert!(is_done(&outcome), "{:?}", outcome.result);
            return;
        }
    }
}

#[tokio::test]
async fn answers_are_bounded_and_clean() {
    let Some(stage) = hostile().await else { return };
    let validate = |what: &str| stage.call(Call::ValidateConfig(what.to_owned()), "{}");
    // HTML is text like any other: pages escape it.
    assert!(validate("html").await.result.is_ok());
    for hostile in ["control", "direction"] {
        let outcome = validate(hostile).await;
        let Err(Failure::Refused(why)) = &outcome.result else { panic!("{outcome:?}") };
        assert!(why.contains("control characters") && !why.chars().any(char::is_control));
    }
    assert_eq!(died_of(&validate("long").await), LimitName::Output);
    assert_eq!(died_of(&validate("longer").await), LimitName::Hostcall);
}

#[tokio::test]
async fn unsound_requests_are_not_run() {
    let Some(stage) = hostile().await else { return };
    let store = stage.store.clone();
    let mut request = stage.request(Call::Health, "{}");
    request.installation = "other".to_owned();
    assert_eq!(stage.host.call(request, store.clone()).await.result, Err(Failure::Unknown));
    let mut request = stage.request(Call::Health, "{}");
    request.attempt = 0;
    let outcome = stage.host.call(request, store.clone()).await;
    assert!(matches!(outcome.result, Err(Failure::Invalid(_))));
    let long = stage.request(deed_call("machine:write", &"x".repeat(3 << 20)), "{}");
    assert_eq!(died_of(&stage.host.call(long, store.clone()).await), LimitName::Input);
    let billing = stage.request(Call::Capabilities, "{}");
    let outcome = stage.host.call(billing, store).await;
    assert_eq!(outcome.result, Err(Failure::NotExported("billing".to_owned())));
    stage.host.remove("one").await;
    assert_eq!(stage.call(Call::Health, "{}").await.result, Err(Failure::Unknown));
}
