//! The process of plugins ends, hangs, and says what it may not: the portal goes on.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt as _, net::UnixStream},
    },
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use myrelay_plugin_host::{
    CallRequest, Failure, HostProcess, HttpTrace, InstallError, Installation, KvReader, LimitName,
    Outcome, PluginHost, Process,
};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tokio::time::timeout;

use crate::{
    how,
    machine::hostile_on,
    stage::{Names, Stage, compiler, deed_call, died_of, is_done, options},
};

/// A host whose process the test knows.
struct Known(Arc<Process>);

#[async_trait]
impl PluginHost for Known {
    async fn install(&self, installation: Installation) -> Result<(), InstallError> {
        self.0.install(installation).await
    }

    async fn remove(&self, id: &str) {
        self.0.remove(id).await;
    }

    async fn perform(
        &self,
        request: CallRequest,
        recording: Option<Vec<HttpTrace>>,
        reader: Arc<dyn KvReader>,
    ) -> Outcome {
        self.0.perform(request, recording, reader).await
    }
}

fn known(how: HostProcess) -> (Arc<Process>, Stage) {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::new(options(Names::of(&[]), compiler(&folder)), how).unwrap();
    let process = Arc::new(process);
    let stage = Stage::around(Box::new(Known(process.clone())), Some(folder));
    (process, stage)
}

async fn hostile(how: HostProcess) -> Option<(Arc<Process>, Stage)> {
    let (process, stage) = known(how);
    hostile_on(stage).await.map(|stage| (process, stage))
}

async fn id_of(process: &Process) -> Pid {
    let id = process.process_id().await.unwrap();
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}

async fn signal(process: &Process, signal: Signal) {
    kill_process(id_of(process).await, signal).unwrap();
}

fn failed(outcome: &Outcome) -> &str {
    match &outcome.result {
        Err(Failure::Host(why)) => why,
        other => panic!("the host did not fail: {other:?}"),
    }
}

/// How many KiB of memory a process uses.
fn uses(id: u32) -> u64 {
    status(id, "VmRSS:")
}

fn status(id: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_process_that_is_killed_in_a_call_fails_it_and_the_next_one_works() {
    let Some((process, stage)) = hostile(how()).await else { return };
    let before = process.process_id().await;
    let request = stage.request(deed_call("machine:spin", ""), "{}");
    let mut call = stage.host.call(request, stage.store.clone());
    assert!(timeout(Duration::from_millis(300), &mut call).await.is_err(), "it spins");
    signal(&process, Signal::KILL).await;
    assert!(failed(&call.await).contains("ended in the middle"));
    assert!(is_done(&stage.misdeed("machine:write", "1").await));
    assert!(process.process_id().await.is_some_and(|it| Some(it) != before));
}

#[tokio::test]
async fn a_process_tells_how_much_of_its_pool_is_in_use() {
    let asking = HostProcess { patience: Duration::from_secs(2), ..how() };
    let Some((process, stage)) = hostile(asking).await else { return };
    let begin = Instant::now();
    // What a call had is kept warm for the next one.
    while process.pool().is_none_or(|it| it.warm_memories == 0) {
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", process.pool());
        assert!(is_done(&stage.misdeed("machine:write", "1").await));
    }
    signal(&process, Signal::KILL).await;
    while process.pool().is_some() {
        assert!(begin.elapsed() < Duration::from_secs(40), "a process that ended has no pool");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_process_that_hangs_is_ended() {
    let impatient = HostProcess { patience: Duration::from_secs(2), ..how() };
    let Some((process, stage)) = hostile(impatient).await else { return };
    signal(&process, Signal::STOP).await;
    failed(&stage.misdeed("machine:write", "1").await);
    assert!(is_done(&stage.misdeed("machine:write", "1").await));
}

#[tokio::test]
async fn what_all_plugins_have_together_is_bounded_and_the_process_goes_on() {
    let Some((process, stage)) = hostile(how()).await else { return };
    assert_eq!(died_of(&stage.misdeed("machine:grow", "").await), LimitName::Memory);
    // Little more than it has; a call that grows wants to have 64 MiB.
    let id = process.process_id().await.unwrap();
    let most = Some((status(id, "VmData:") + 8 * 1024) * 1024);
    let little = Rlimit { current: most, maximum: most };
    let usual = prlimit(Some(id_of(&process).await), Resource::Data, little).unwrap();
    assert!(usual.current.is_some_and(|it| it < 8 << 30), "{usual:?}");
    let outcome = stage.misdeed("machine:grow", "").await;
    // Whoever finds nothing left is told that it is the host's fault, and tries again. What it had
    // is kept for a while.
    assert!(failed(&outcome).contains("no memory"), "{:?}", outcome.result);
    let mut tries = 0;
    loop {
        let outcome = stage.misdeed("machine:write", "1").await;
        if is_done(&outcome) {
            break;
        }
        assert!(failed(&outcome).contains("no memory") && tries < 5000, "{tries}: {outcome:?}");
        tries += 1;
    }
    assert_eq!(process.process_id().await, Some(id), "it goes on");
}

#[tokio::test]
async fn what_is_no_message_ends_the_process_and_not_the_portal() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("garbage");
    for says in ["\\377\\377\\377\\377", "\\003\\000\\000\\000\\143\\143\\143", ""] {
        fs::write(&program, format!("#!/bin/sh\nprintf '{says}' >&0\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let (process, stage) = known(HostProcess { program: program.clone(), ..how() });
        let Some(wasm) = crate::stage::guest("hostile") else { return };
        let manifest = crate::machine::MANIFEST;
        let error = stage.install_wasm(wasm, manifest, crate::machine::grants()).await;
        assert!(matches!(error, Err(InstallError::Host(_))), "{error:?}");
        assert_eq!(process.process_id().await, None);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "it is about a process")]
fn the_process_ends_at_what_is_no_message_and_with_its_portal() {
    for (said, sound) in
        [(&[255_u8; 8][..], false), (&[3, 0, 0, 0, 99, 99, 99], false), (&[], true)]
    {
        let (mut ours, its) = UnixStream::pair().unwrap();
        let mut command = Command::new(how().program);
        command.env_clear().stdin(Stdio::from(OwnedFd::from(its))).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        drop(command);
        // It says that it is there; only then is it told something else.
        ours.read_exact(&mut [0]).unwrap();
        ours.write_all(said).unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        ours.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(child.wait().unwrap().success(), sound, "{said:?}");
    }
}

#[tokio::test]
async fn calls_that_end_or_are_dropped_leave_nothing_in_the_process() {
    let Some((process, stage)) = hostile(how()).await else { return };
    let mut took = Vec::new();
    for _ in 0..1000 {
        assert!(is_done(&stage.misdeed("machine:write", "1").await));
    }
    let id = process.process_id().await.unwrap();
    let before = uses(id);
    for _ in 0..10_000 {
        let request = stage.request(deed_call("machine:write", "1"), "{}");
        let call = stage.host.call(request, stage.store.clone());
        let _dropped = timeout(Duration::ZERO, call).await;
    }
    for _ in 0..10_000 {
        let begin = Instant::now();
        let outcome = stage.misdeed("machine:write", "1").await;
        took.push(begin.elapsed());
        assert!(is_done(&outcome), "{:?}", outcome.result);
    }
    took.sort_unstable();
    let after = uses(id);
    println!("p50 {:?}, p99 {:?}; {before} KiB, then {after}", took[5000], took[9900]);
    assert!(after < before + 8 * 1024, "{before} KiB before, {after} KiB after");
    assert_eq!(process.process_id().await, Some(id));
}
