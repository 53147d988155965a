//! The program as an operator uses it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::{
    io::Write,
    process::{Child, Command, Output, Stdio},
};

use support::{
    eventually,
    machine::Machine,
    pods::{pod_id, state},
    portal::Portal,
};

#[expect(clippy::disallowed_methods, reason = "starts the program itself, as an operator does")]
fn agent(machine: &Machine, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_myrelay-agent"));
    command.args(arguments).env("MYRELAY_STATE_DIR", machine.state_dir());
    command.env_remove("MYRELAY_JOIN_TOKEN");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn words(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8(text).unwrap()
}

fn refused(machine: &Machine, arguments: &[&str], token: Option<&str>) -> String {
    let mut command = agent(machine, arguments);
    let output = command.envs(token.map(|it| ("MYRELAY_JOIN_TOKEN", it))).output().unwrap();
    assert!(!output.status.success(), "{arguments:?}: {}", words(&output));
    words(&output)
}

fn terminate(child: &Child) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_joins_runs_looks_and_stops() {
    let portal = Portal::start().await;
    portal.set(state(4, &[(1, 2)]));
    let machine = Machine::new();
    let line = portal.invite().expose();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{line}").unwrap();
    let (url, path) = (portal.url(), file.path().to_str().unwrap().to_owned());
    let joined = agent(&machine, &["join", &url, "--token-file", &path]).output().unwrap();
    assert!(joined.status.success(), "{}", words(&joined));
    assert!(words(&joined).contains("This machine is node_"));
    assert!(refused(&machine, &["join", &url], Some(&line)).contains("`--again`"));
    assert!(refused(&machine, &["status"], None).contains("has not run here yet"));

    let mut running = agent(&machine, &["run", "--backend", "fake"]).spawn().unwrap();
    eventually("it reports", || !portal.records().observed.is_empty()).await;
    eventually("its status shows the pod", || {
        let output = agent(&machine, &["status"]).output().unwrap();
        let text = words(&output);
        text.contains("connected since 2") && text.contains(&pod_id(1).to_string())
    })
    .await;
    let second = refused(&machine, &["run", "--backend", "fake"], None);
    assert!(second.contains("in use by another agent"), "{second}");

    terminate(&running);
    let mut ended = None;
    eventually("it stops", || {
        ended = running.try_wait().unwrap();
        ended.is_some()
    })
    .await;
    assert!(ended.unwrap().success());
    let log = words(&running.wait_with_output().unwrap());
    assert!(log.lines().all(|it| it.starts_with('{')), "JSON, a line each: {log}");
    let status = agent(&machine, &["status", "--json"]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["running"], false);
    assert_eq!(status["connected_since_ms"], serde_json::Value::Null);
    assert_eq!(status["applied"], serde_json::json!({"epoch": 1, "generation": 4}));
    let text = words(&agent(&machine, &["status"]).output().unwrap());
    assert!(text.contains("not running"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_wrong_is_said() {
    let portal = Portal::start().await;
    let machine = Machine::new();
    let (url, line) = (portal.url(), portal.invite().expose());
    let half = &line[..line.len() - 1];
    let clear = url.replace("https", "http");
    assert!(refused(&machine, &["join", &url], None).contains("--token-file"));
    assert!(refused(&machine, &["join", &url, "--token", half], None).contains("whole line"));
    assert!(refused(&machine, &["join", &clear], Some(&line)).contains("never speaks in clear"));
    assert!(refused(&machine, &["run", "--backend", "fake"], None).contains("run the join line"));
    let nowhere = ["status", "--state-dir", "/nowhere/at/all"];
    assert!(refused(&machine, &nowhere, None).contains("/nowhere/at/all"));
    assert!(portal.records().received.is_empty());
}
