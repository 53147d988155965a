//! Machines that join and run: the real agent, a node in memory, and a clock that can be set.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use myrelay_agent::{
    agent::{Agent, Pace},
    backend::{Backend, fake::FakeBackend},
    enrol::{self, JoinError},
    private_dir::PrivateDir,
    status::{self, Status},
    system::{Machine as RealSystem, System},
};
use myrelay_domain::ids::NodeId;
use myrelay_node_protocol::JoinToken;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{eventually, pods::pod_id, portal::Portal};

/// The real generator, and the real time moved by what a test says.
#[derive(Debug, Default)]
pub(crate) struct SetClock {
    pub(crate) moved_ms: AtomicI64,
    boots: AtomicU32,
}

impl SetClock {
    /// The machine is switched off and on.
    pub(crate) fn reboot(&self) {
        self.boots.fetch_add(1, Ordering::SeqCst);
    }
}

impl System for SetClock {
    fn now_ms(&self) -> i64 {
        RealSystem.now_ms() + self.moved_ms.load(Ordering::SeqCst)
    }

    fn fill_random(&self, buffer: &mut [u8]) -> io::Result<()> {
        RealSystem.fill_random(buffer)
    }

    fn boot_id(&self) -> io::Result<String> {
        Ok(format!("boot-{}", self.boots.load(Ordering::SeqCst)))
    }
}

pub(crate) struct Machine {
    home: TempDir,
    pub(crate) backend: FakeBackend,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) pace: Pace,
    running: Option<Running>,
}

/// Many times in the time in which a node does it once.
pub(crate) fn quick() -> Pace {
    Pace {
        first_retry: Duration::from_millis(20),
        slowest_retry: Duration::from_millis(200),
        clock: Duration::from_millis(20),
        count: Duration::from_millis(10),
        spool: Duration::from_millis(40),
        usage: Duration::from_millis(20),
        ..Pace::default()
    }
}

/// An agent at work.
pub(crate) struct Running {
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    pub(crate) fn start(
        state_dir: &Path,
        pace: Pace,
        backend: Arc<dyn Backend>,
        clock: Arc<SetClock>,
    ) -> Self {
        let agent = Agent::open(state_dir, pace, backend, clock).unwrap();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let stopped = stop.clone();
        tasks.spawn(async move { agent.run(stopped).await.unwrap() });
        Self { stop, tasks }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap();
    }

    /// Ends it in the middle of whatever it does, as `kill -9` would.
    pub(crate) async fn kill(mut self, state_dir: &Path) {
        self.tasks.shutdown().await;
        let dir = PrivateDir::open(state_dir).unwrap();
        eventually("its last task is gone", || dir.lock().is_ok()).await;
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            backend: FakeBackend::default(),
            clock: Arc::default(),
            pace: quick(),
            running: None,
        }
    }

    /// A machine that is a node of this portal.
    pub(crate) async fn joined(portal: &Portal) -> Self {
        let machine = Self::new();
        machine.join(portal, portal.invite(), false).await.unwrap();
        machine
    }

    /// The same disk in a machine that was switched off and on: nothing of ours is on it.
    pub(crate) fn rebooted(self) -> Self {
        assert!(self.running.is_none(), "stop the agent first");
        self.clock.reboot();
        Self { backend: FakeBackend::default(), ..self }
    }

    pub(crate) async fn join(
        &self,
        portal: &Portal,
        token: JoinToken,
        again: bool,
    ) -> Result<NodeId, JoinError> {
        let address = portal.url().parse().unwrap();
        let system: Arc<dyn System> = self.clock.clone();
        enrol::join(address, token, &self.state_dir(), again, &system).await
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.home.path().join("state")
    }

    pub(crate) fn start(&mut self) {
        self.start_on(Arc::new(self.backend.clone()));
    }

    /// The same agent on another backend than the one in memory.
    pub(crate) fn start_on(&mut self, backend: Arc<dyn Backend>) {
        let clock = self.clock.clone();
        self.running = Some(Running::start(&self.state_dir(), self.pace, backend, clock));
    }

    pub(crate) async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    /// Ends it in the middle of whatever it does, as `kill -9` would.
    pub(crate) async fn kill(&mut self) {
        self.running.take().unwrap().kill(&self.state_dir()).await;
    }

    /// Lets bytes pass through a pod, from its devices and to them.
    pub(crate) fn pass(&self, pod: u32, received: u64, sent: u64) {
        let interface = format!("wg-pod{pod}").parse().unwrap();
        self.backend.pass(&interface, received, sent);
    }

    pub(crate) fn status(&self) -> Option<Status> {
        let dir = PrivateDir::open(&self.state_dir()).unwrap();
        status::read(&dir).unwrap().map(|(status, _)| status)
    }

    /// Waits until the node has exactly these pods with that many devices each.
    pub(crate) async fn has(&self, pods: &[(u32, u32)]) {
        let what = format!("the node has {pods:?}");
        eventually(&what, || self.holds(pods)).await;
    }

    pub(crate) fn holds(&self, pods: &[(u32, u32)]) -> bool {
        let mut there: Vec<_> = self
            .backend
            .node()
            .interfaces
            .values()
            .map(|it| (it.pod, u32::try_from(it.peers.len()).unwrap()))
            .collect();
        let mut wanted: Vec<_> =
            pods.iter().map(|(number, devices)| (Some(pod_id(*number)), *devices)).collect();
        there.sort();
        wanted.sort();
        there == wanted
    }

    /// The public key of a pod's interface, as the node has it.
    pub(crate) fn public_key(&self, pod: u32) -> String {
        let node = self.backend.node();
        let interface = node.interfaces.values().find(|it| it.pod == Some(pod_id(pod))).unwrap();
        interface.public_key.unwrap().to_string()
    }
}
