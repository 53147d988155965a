//! Machines that join and run: the real agent, a node in memory, and a clock that can be set.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use myrelay_agent::{
    agent::{Agent, Pace},
    backend::fake::FakeBackend,
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
    running: Option<(CancellationToken, JoinSet<()>)>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let pace = Pace {
            first_retry: Duration::from_millis(20),
            slowest_retry: Duration::from_millis(200),
            clock: Duration::from_millis(20),
            count: Duration::from_millis(10),
            spool: Duration::from_millis(40),
            usage: Duration::from_millis(20),
            ..Pace::default()
        };
        Self {
            home: tempfile::tempdir().unwrap(),
            backend: FakeBackend::default(),
            clock: Arc::default(),
            pace,
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
        self.clock.boots.fetch_add(1, Ordering::SeqCst);
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
        let backend = Arc::new(self.backend.clone());
        let agent = Agent::open(&self.state_dir(), self.pace, backend, self.clock.clone()).unwrap();
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let stopped = stop.clone();
        running.spawn(async move { agent.run(stopped).await.unwrap() });
        self.running = Some((stop, running));
    }

    pub(crate) async fn stop(&mut self) {
        let (stop, mut running) = self.running.take().unwrap();
        stop.cancel();
        running.join_next().await.unwrap().unwrap();
    }

    /// Ends it in the middle of whatever it does, as `kill -9` would.
    pub(crate) async fn kill(&mut self) {
        let (_, mut running) = self.running.take().unwrap();
        running.shutdown().await;
        let dir = PrivateDir::open(&self.state_dir()).unwrap();
        eventually("its last task is gone", || dir.lock().is_ok()).await;
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
